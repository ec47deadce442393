/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes over the pipe between the runner and a worker: a length (4 bytes, host order) and so much JSON. Runner to
 * worker: a batch, and news of its tools. Worker to runner: one answer per step, in order, each as soon as its step has
 * ended.
 */
#pragma once

#include "base/buf.h"
#include "base/secret.h"
#include "drivers/step.h"

struct batch {
    LIST_OF(struct step) steps;
};
extern const struct schema batch_schema;

/* What a worker that waits for a tool is told: first by which process it runs, then what came of it. */
struct tool_news {
    int32_t pid;
    uint32_t result; /* enum outcome_result; 0: it runs */
};
extern const struct schema tool_news_schema;

enum { BATCH_LIMIT = 256 * 1024 * 1024 };

void batch_encode(const struct schema *schema, const void *message, struct buf *out);
/* Whether a whole frame lies at the front; *body and *length are set then. -EMSGSIZE: the peer speaks something else.
 */
int batch_peek(const struct buf *in, const char **body, size_t *length) MUST_CHECK; /* 1, 0 or -errno */
void batch_drop(struct buf *in); /* the frame that batch_peek showed */
/*
 * A batch of steps. Sealed keys of the first are unsealed by the master key, which may be NULL; a step with keys is a
 * batch of its own. 0, or the errno of the step: ENOKEY without a master key, EKEYREJECTED when the first of its keys
 * was sealed by another. Older ones that are damaged are left out, but for a change of keys, which would leave open
 * what they open.
 */
int batch_encode_steps(struct step *steps, uint32_t count, struct secret *master, struct buf *out) MUST_CHECK;
