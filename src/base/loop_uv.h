/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the few files that know libuv: the loop, the sockets, the child processes. */
#pragma once

#include <uv.h>

#include "base/loop.h"

uv_loop_t *loop_uv(struct loop *loop);

/* One buffer for all readers of the loop: what was read into it is used up when the callback returns. */
uv_buf_t loop_read_buffer(struct loop *loop);

/*
 * Something that nobody owns any more but that still needs the loop for a while, as a connection that sends its last
 * bytes. loop_free() ends what is left; end() removes the leftover from the loop.
 */
struct loop_leftover {
    struct loop_leftover *next, **link;
    void (*end)(struct loop_leftover *leftover);
};
void loop_add_leftover(struct loop *loop, struct loop_leftover *leftover);
void loop_remove_leftover(struct loop_leftover *leftover);
