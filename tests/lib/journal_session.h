/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of the journal share. A session is a process: it loads, works and ends; what the next one sees is what
 * was durable. A place is the directory of a real store, removed after the test.
 */
#pragma once

#include <stdint.h>

#include "model/model.h"
#include "store/journal.h"

struct session {
    struct loop *loop;
    struct model model;
    struct journal *journal;
    struct timer *guard;
    uint64_t durable, wait_for;
    int durable_events, failures, changes, undone;
    char why[256];
    char unreadable[16][128]; /* "table key: why" */
    int unreadable_count;
};

extern const struct journal_events session_events;

struct place {
    char directory[64];
};

void begin_on(struct session *session, struct loop *loop, struct store *store);
void end(struct session *session);
void settle(struct session *session);
char *text_of(const struct session *session);
void expect_text(const struct session *session, char *before);
void expect_objects(const struct session *session, const char *before);
void make_cluster(struct session *session, int definitions);
void edit_controller(struct session *session);
void set_prop(struct session *session, const char *definition, const char *value);
const char *prop(const struct session *session, const char *definition);
void delete_definition(struct session *session, const char *name);
int make_place(void **state);
int remove_place(void **state);
struct store *open_lmdb(const struct place *place, struct loop *loop, char *why, size_t why_size);
void begin(struct session *session, const struct place *place);
/* In a place where nothing was: with a cluster of so many definitions, which is durable. */
void begin_cluster(struct session *session, const struct place *place, int definitions);
/* Ends it; the next must see what it saw. */
void begin_again(struct session *session, const struct place *place);
