/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop_uv.h"
#include "base/text.h"
#include "model_dump.h"

static void on_change(void *owner, const struct change *change, uint64_t generation, bool is_undo)
{
    struct session *session = owner;
    char path[OBJECT_PATH_SIZE];

    assert_true(generation > session->durable);
    object_path(change->object, path); /* readable, deleted or not */
    assert_non_null(change->object->uuid);
    session->changes++;
    session->undone += is_undo;
}

static void on_durable(void *owner, uint64_t generation)
{
    struct session *session = owner;

    assert_true(generation >= session->durable);
    assert_int_equal(generation, journal_durable(session->journal));
    session->durable = generation;
    session->durable_events++;
    if (session->wait_for && generation >= session->wait_for)
        loop_stop(session->loop);
}

static void on_failed(void *owner, const char *why)
{
    struct session *session = owner;

    session->failures++;
    snprintf(session->why, sizeof(session->why), "%s", why);
    loop_stop(session->loop);
}

static void on_unreadable(void *owner, const char *table, const char *key, const char *why)
{
    struct session *session = owner;

    if (session->unreadable_count < (int)ARRAY_SIZE(session->unreadable))
        snprintf(session->unreadable[session->unreadable_count], sizeof(session->unreadable[0]), "%.20s %.30s: %.70s",
                 table, key, why);
    session->unreadable_count++;
}

const struct journal_events session_events = { on_change, on_durable, on_failed, on_unreadable };

static void too_long(void *owner)
{
    (void)owner;
    fail_msg("nothing happened for 20 seconds");
}

void begin_on(struct session *session, struct loop *loop, struct store *store)
{
    char why[256] = "";

    *session = (struct session){ .loop = loop };
    session->guard = timer_new(loop, too_long, session);
    model_init(&session->model);
    if (journal_open(&session->journal, loop, &session->model, store, &session_events, session, why, sizeof(why)) != 0)
        fail_msg("%s", why);
    session->durable = journal_durable(session->journal);
}

void end(struct session *session)
{
    journal_close(session->journal);
    timer_free(session->guard);
    model_done(&session->model);
    loop_free(session->loop);
}

/* Until the newest commit is durable, or a batch failed. */
void settle(struct session *session)
{
    session->wait_for = session->model.generation;
    if (journal_is_idle(session->journal))
        return;
    timer_start(session->guard, 20000, 0);
    loop_run(session->loop);
    timer_stop(session->guard);
    session->wait_for = 0;
}

char *text_of(const struct session *session)
{
    struct buf out = { 0 };

    model_dump(&session->model, true, &out);
    return buf_take(&out);
}

void expect_text(const struct session *session, char *before)
{
    char *after = text_of(session);

    assert_string_equal(after, before);
    free(after);
    free(before);
}

/* All but the counter of generations: those of failed batches are not used again by the same process, but were never
 * seen by anybody, so another may. */
void expect_objects(const struct session *session, const char *before)
{
    char *now = text_of(session);

    assert_string_equal(strchr(now, '\n'), strchr(before, '\n'));
    free(now);
}

/* Makes the controller's own record, without which every session would have another cluster UUID. */
void edit_controller(struct session *session)
{
    struct txn *txn = txn_begin(&session->model);
    struct controller *controller = txn_edit(txn, session->model.controller);

    text_map_set(&controller->object.props, "Aux/cluster", "yes", txn_arena(txn));
    txn_commit(txn);
}

void make_cluster(struct session *session, int definitions)
{
    edit_controller(session);
    model_make_cluster(&session->model, definitions);
}

void set_prop(struct session *session, const char *definition, const char *value)
{
    struct txn *txn = txn_begin(&session->model);
    struct resource_definition *edited = txn_edit(txn, model_find_definition(&session->model, definition));

    text_map_set(&edited->object.props, "Aux/value", value, txn_arena(txn));
    txn_commit(txn);
}

const char *prop(const struct session *session, const char *definition)
{
    return text_map_find(&model_find_definition(&session->model, definition)->object.props, "Aux/value");
}

void delete_definition(struct session *session, const char *name)
{
    struct txn *txn = txn_begin(&session->model);

    txn_delete(txn, model_find_definition(&session->model, name));
    txn_commit(txn);
}

int make_place(void **state)
{
    struct place *place = memory_alloc(sizeof(*place));

    strcpy(place->directory, "/tmp/test-journal-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    *state = place;
    return 0;
}

int remove_place(void **state)
{
    struct place *place = *state;
    static const char *const files[] = { "/db/data.mdb", "/db/lock", "/db", "" };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP(memory_freep) char *path = memory_printf("%s%s", place->directory, files[i]);

        remove(path);
    }
    free(place);
    return 0;
}

struct store *open_lmdb(const struct place *place, struct loop *loop, char *why, size_t why_size)
{
    CLEANUP(memory_freep) char *path = memory_printf("%s/db", place->directory);

    return store_lmdb_open(loop, path, journal_tables(), JOURNAL_TABLE_COUNT, why, why_size);
}

void begin(struct session *session, const struct place *place)
{
    struct loop *loop = loop_new();
    char why[256] = "";
    struct store *store = open_lmdb(place, loop, why, sizeof(why));

    if (!store)
        fail_msg("%s", why);
    begin_on(session, loop, store);
}

void begin_cluster(struct session *session, const struct place *place, int definitions)
{
    begin(session, place);
    make_cluster(session, definitions);
    settle(session);
}

void begin_again(struct session *session, const struct place *place)
{
    char *before = text_of(session);

    end(session);
    begin(session, place);
    expect_text(session, before);
}
