/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Brings model and store together: loads the model, turns commits into batches, one under way at a time while the next
 * gathers (one sync for many clients), and undoes what could not be written. Replies and messages that follow from a
 * commit wait until journal_durable() has reached its generation.
 */
#pragma once

#include "base/loop.h"
#include "model/txn.h"
#include "store/store.h"

struct journal;

struct journal_events {
    /* Right after each commit, for every change in it; deleted objects are still readable. With is_undo: right before
     * the change is undone. */
    void (*on_change)(void *owner, const struct change *change, uint64_t generation, bool is_undo);
    void (*on_durable)(void *owner, uint64_t generation);
    /* Everything above journal_durable() was undone. why names the cause for an administrator. */
    void (*on_failed)(void *owner, const char *why);
    /* While it is opened: a record that could not be read, or whose parent could not. It is left as it is, and the
     * model knows of it (struct unreadable). */
    void (*on_unreadable)(void *owner, const char *table, const char *key, const char *why);
};

/* Tables of the store: one of each kind in their order, in which they are loaded, then what else the journal keeps. */
enum { JOURNAL_TABLE_COUNT = KIND_COUNT + 2 };
const char *const *journal_tables(void);
const struct kind *journal_kind(const char *table); /* NULL: none of a kind */
#define JOURNAL_QUARANTINE "quarantine"             /* not loaded; store/quarantine.h */

/* Takes the store. 0, or -1 and why: also when a newer program wrote to it, or the controller's own record cannot be
 * read. Nothing was written then. */
int journal_open(struct journal **journal, struct loop *loop, struct model *model, struct store *store,
                 const struct journal_events *events, void *owner, char *why, size_t why_size) MUST_CHECK;
uint64_t journal_durable(const struct journal *journal);
bool journal_is_idle(const struct journal *journal); /* nothing waits to be written */

struct journal_counts {
    int64_t writes, failures; /* of batches, since it was opened */
    int64_t write_us;         /* all of them together */
};
const struct journal_counts *journal_counts(const struct journal *journal);
/* Waits for the batch under way; what gathers behind it is lost unless the journal is idle. Closes the store. */
void journal_close(struct journal *journal);
