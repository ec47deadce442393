/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal over both stores: the real one in a temporary directory, and one in memory that fails, waits and crashes
 * as told. A session is a process: it loads, works and ends; what the next one sees is what was durable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop_uv.h"
#include "base/text.h"
#include "model_dump.h"
#include "store/journal.h"
#include "store_memory.h"

struct session {
    struct loop *loop;
    struct model model;
    struct journal *journal;
    struct timer *guard;
    uint64_t durable, wait_for;
    int durable_events, failures, changes, undone;
    char why[256];
    char quarantined[16][128]; /* "table key: why" */
    int quarantine_count;
};

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

static void on_quarantine(void *owner, const char *table, const char *key, const char *why)
{
    struct session *session = owner;

    if (session->quarantine_count < (int)ARRAY_SIZE(session->quarantined))
        snprintf(session->quarantined[session->quarantine_count], sizeof(session->quarantined[0]), "%.20s %.30s: %.70s",
                 table, key, why);
    session->quarantine_count++;
}

static const struct journal_events events = { on_change, on_durable, on_failed, on_quarantine };

static void too_long(void *owner)
{
    (void)owner;
    fail_msg("nothing happened for 20 seconds");
}

static void begin_on(struct session *session, struct loop *loop, struct store *store)
{
    char why[256] = "";

    *session = (struct session){ .loop = loop };
    session->guard = timer_new(loop, too_long, session);
    model_init(&session->model);
    if (journal_open(&session->journal, loop, &session->model, store, &events, session, why, sizeof(why)) != 0)
        fail_msg("%s", why);
    session->durable = journal_durable(session->journal);
}

static void end(struct session *session)
{
    journal_close(session->journal);
    timer_free(session->guard);
    model_done(&session->model);
    loop_free(session->loop);
}

/* Until the newest commit is durable, or a batch failed. */
static void settle(struct session *session)
{
    session->wait_for = session->model.generation;
    if (journal_is_idle(session->journal))
        return;
    timer_start(session->guard, 20000, 0);
    loop_run(session->loop);
    timer_stop(session->guard);
    session->wait_for = 0;
}

static char *text_of(const struct session *session)
{
    struct buf out = { 0 };

    model_dump(&session->model, true, &out);
    return buf_take(&out);
}

static void expect_text(const struct session *session, char *before)
{
    char *after = text_of(session);

    assert_string_equal(after, before);
    free(after);
    free(before);
}

/* All but the counter of generations: those of failed batches are not used again by the same process, but were never
 * seen by anybody, so another may. */
static void expect_objects(const struct session *session, const char *before)
{
    char *now = text_of(session);

    assert_string_equal(strchr(now, '\n'), strchr(before, '\n'));
    free(now);
}

/* Makes the controller's own record, without which every session would have another cluster UUID. */
static void edit_controller(struct session *session)
{
    struct txn *txn = txn_begin(&session->model);
    struct controller *controller = txn_edit(txn, session->model.controller);

    text_map_set(&controller->object.props, "Aux/cluster", "yes", txn_arena(txn));
    txn_commit(txn);
}

static void make_cluster(struct session *session, int definitions)
{
    edit_controller(session);
    model_make_cluster(&session->model, definitions);
}

static void set_prop(struct session *session, const char *definition, const char *value)
{
    struct txn *txn = txn_begin(&session->model);
    struct resource_definition *edited = txn_edit(txn, model_find_definition(&session->model, definition));

    text_map_set(&edited->object.props, "Aux/value", value, txn_arena(txn));
    txn_commit(txn);
}

static const char *prop(const struct session *session, const char *definition)
{
    return text_map_find(&model_find_definition(&session->model, definition)->object.props, "Aux/value");
}

static void delete_definition(struct session *session, const char *name)
{
    struct txn *txn = txn_begin(&session->model);

    txn_delete(txn, model_find_definition(&session->model, name));
    txn_commit(txn);
}

/* A store in a directory of its own, removed afterwards. */
struct place {
    char directory[64];
};

static int make_place(void **state)
{
    struct place *place = memory_alloc(sizeof(*place));

    strcpy(place->directory, "/tmp/test-journal-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    *state = place;
    return 0;
}

static int remove_place(void **state)
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

static struct store *open_lmdb(const struct place *place, struct loop *loop, char *why, size_t why_size)
{
    CLEANUP(memory_freep) char *path = memory_printf("%s/db", place->directory);

    return store_lmdb_open(loop, path, journal_tables(), JOURNAL_TABLE_COUNT, why, why_size);
}

static void begin(struct session *session, const struct place *place)
{
    struct loop *loop = loop_new();
    char why[256] = "";
    struct store *store = open_lmdb(place, loop, why, sizeof(why));

    if (!store)
        fail_msg("%s", why);
    begin_on(session, loop, store);
}

static void test_loads_what_was_stored(void **state)
{
    struct session session;
    char *before;

    begin(&session, *state);
    make_cluster(&session, 5);
    settle(&session);
    set_prop(&session, "d1", "\"quotes\\\" and \xc3\xa9");
    delete_definition(&session, "d2");
    settle(&session);
    assert_int_equal(journal_durable(session.journal), 4);
    before = text_of(&session);
    end(&session);

    begin(&session, *state);
    assert_int_equal(session.quarantine_count, 0);
    assert_int_equal(session.model.generation, 4);
    assert_true(journal_is_idle(session.journal));
    expect_text(&session, before);
    end(&session);
}

static void test_uncommitted_is_lost(void **state)
{
    struct session session;
    char *before;

    begin(&session, *state);
    make_cluster(&session, 1);
    settle(&session);
    before = text_of(&session);
    set_prop(&session, "d0", "never written"); /* the loop does not turn any more */
    assert_false(journal_is_idle(session.journal));
    end(&session);
    begin(&session, *state);
    expect_text(&session, before);
    end(&session);
}

/* Stopping in the middle of a write ends it, and touches nothing afterwards. */
static void test_closed_while_writing(void **state)
{
    for (int round = 0; round < 20; round++) {
        struct session session;
        char *text;

        begin(&session, *state);
        if (round == 0) {
            make_cluster(&session, 1);
            settle(&session);
        }
        set_prop(&session, "d0", round % 2 ? "odd" : "even");
        text = text_of(&session);
        uv_run(loop_uv(session.loop), UV_RUN_NOWAIT); /* the batch begins */
        delete_definition(&session, "d0");
        end(&session);
        begin(&session, *state);
        expect_text(&session, text);
        end(&session);
    }
}

static void test_generations_are_not_reused(void **state)
{
    struct session session;
    uint64_t generation;

    begin(&session, *state);
    make_cluster(&session, 2);
    settle(&session);
    delete_definition(&session, "d1"); /* leaves no record with its generation */
    settle(&session);
    generation = session.model.generation;
    end(&session);
    begin(&session, *state);
    assert_int_equal(session.model.generation, generation);
    assert_int_equal(journal_durable(session.journal), generation);
    set_prop(&session, "d0", "x");
    assert_int_equal(session.model.generation, generation + 1);
    settle(&session);
    end(&session);
}

static void test_one_batch_for_many(void **state)
{
    struct session session;
    enum { MANY = 2000 };

    begin(&session, *state);
    make_cluster(&session, 1);
    settle(&session);
    session.durable_events = 0;
    for (int i = 0; i < MANY; i++) {
        char value[16];

        snprintf(value, sizeof(value), "%d", i);
        set_prop(&session, "d0", value);
    }
    settle(&session);
    assert_int_equal(session.durable_events, 1);
    assert_int_equal(session.durable, session.model.generation);
    end(&session);
    begin(&session, *state);
    assert_string_equal(prop(&session, "d0"), "1999");
    end(&session);
}

static void test_map_grows(void **state)
{
    struct session session;
    enum { ROUNDS = 3, RECORDS = 60, SIZE = 128 * 1024 }; /* 7.5 MiB a batch; the first map has 16 MiB */
    char *large = memory_alloc(SIZE + 1), *before;

    memset(large, 'x', SIZE);
    begin(&session, *state);
    make_cluster(&session, RECORDS);
    settle(&session);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < RECORDS; i++) {
            char name[16];

            snprintf(name, sizeof(name), "d%d", i);
            large[0] = (char)('0' + round);
            set_prop(&session, name, large);
        }
        settle(&session);
        assert_int_equal(session.failures, 0);
    }
    before = text_of(&session);
    end(&session);
    begin(&session, *state);
    expect_text(&session, before);
    /* 40 MiB in one batch: grows more than once for one commit, and from a map that was not of the first size */
    for (int i = 0; i < 320; i++) {
        struct txn *txn = txn_begin(&session.model);
        struct resource_definition *made;
        char name[16];

        snprintf(name, sizeof(name), "LARGE%d", i);
        made = txn_new(txn, KIND_RESOURCE_DEFINITION, session.model.controller,
                       model_find_group(&session.model, "group"), name);
        made->name = name;
        made->resource_group = arena_strdup(txn_arena(txn), "group");
        text_map_set(&made->object.props, "Aux/value", large, txn_arena(txn));
        txn_commit(txn);
    }
    settle(&session);
    assert_int_equal(session.failures, 0);
    before = text_of(&session);
    end(&session);
    begin(&session, *state);
    expect_text(&session, before);
    end(&session);
    free(large);
}

static void test_one_controller_per_directory(void **state)
{
    struct session session;
    char why[256] = "";

    begin(&session, *state);
    assert_null(open_lmdb(*state, session.loop, why, sizeof(why)));
    assert_non_null(strstr(why, "in use by another"));
    make_cluster(&session, 1); /* the first is not disturbed */
    settle(&session);
    assert_int_equal(session.failures, 0);
    end(&session);
}

static void test_directory_cannot_be_made(void **state)
{
    struct loop *loop = loop_new();
    char why[256] = "";

    (void)state;
    assert_null(store_lmdb_open(loop, "/proc/no/such", journal_tables(), JOURNAL_TABLE_COUNT, why, sizeof(why)));
    assert_non_null(strstr(why, "/proc/no/such"));
    loop_free(loop);
}

static void raw_done(void *owner, int error, const char *why)
{
    (void)why;
    assert_int_equal(error, 0);
    loop_stop(owner);
}

/* Records as nobody should write them, beside good ones. */
static void put_raw(const struct place *place, const char *const (*records)[3], size_t count)
{
    struct loop *loop = loop_new();
    struct store_batch batch;
    char why[256] = "";
    struct store *store = open_lmdb(place, loop, why, sizeof(why));

    assert_non_null(store);
    store_batch_init(&batch);
    for (size_t i = 0; i < count; i++)
        store_batch_put(&batch, records[i][0], records[i][1], records[i][2], strlen(records[i][2]));
    store->backend->commit(store, &batch, raw_done, loop);
    loop_run(loop);
    store->backend->close(store);
    store_batch_done(&batch);
    loop_free(loop);
}

#define UUID "\"uuid\":\"7f3c2a52-0a2e-4c62-9f1b-0c8d1f0f7e11\""

static void test_quarantine(void **state)
{
    struct session session;
    static char long_key[512];
    const char *const damaged[][3] = {
        { "controller", "controller", "{\"v\":1,\"generation\":3," UUID ",\"props\":[]}" },
        { "node", "alpha", "{\"v\":1,\"generation\":3," UUID ",\"name\":\"alpha\"}" }, /* key in lower case */
        { "node", "BROKEN", "{\"v\":1,\"generation\":3" },
        { "node", "FUTURE", "{\"v\":2,\"generation\":3," UUID ",\"name\":\"future\"}" },
        { "node", "NO_UUID", "{\"v\":1,\"generation\":3,\"name\":\"x\"}" },
        { "node", long_key, "" },
        { "net_interface", "BROKEN/DEFAULT", "{\"v\":1,\"generation\":3," UUID ",\"name\":\"default\"}" },
        { "storage_pool", "FUTURE/THIN", "{\"v\":1,\"generation\":3," UUID ",\"provider\":\"FILE_THIN\"}" },
        { "resource_definition", "LOST",
          "{\"v\":1,\"generation\":3," UUID ",\"name\":\"lost\",\"resource_group\":\"no\"}" },
        { "volume_definition", "LOST/00000", "{\"v\":1,\"generation\":3," UUID ",\"number\":0,\"size_kib\":4}" },
        { "resource", "D0/BROKEN", "{\"v\":1,\"generation\":3," UUID "}" },
        { "journal", "generation", "true" },
    };
    static const char *const expected[] = {
        "controller controller: props: expected an object",
        "net_interface BROKEN/DEFAULT: there is no node 'BROKEN'",
        "storage_pool FUTURE/THIN: there is no node 'FUTURE'",
        "resource_definition LOST: there is no resource_group 'no'",
        "volume_definition LOST/00000: there is no resource_definition 'LOST'",
        "resource D0/BROKEN: there is no node 'BROKEN'",
        "node FUTURE: record version 2 is not one of 1 to 1 that this program knows",
        "node NO_UUID: uuid: is missing",
        "journal generation: generation: expected a number",
    };
    char *before, uuid[TEXT_UUID_SIZE];

    memset(long_key, 'Z', 511);
    begin(&session, *state);
    make_cluster(&session, 1);
    settle(&session);
    strcpy(uuid, session.model.controller->object.uuid);
    end(&session);
    put_raw(*state, damaged, ARRAY_SIZE(damaged));

    begin(&session, *state);
    assert_int_equal(session.quarantine_count, ARRAY_SIZE(damaged));
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        bool found = false;

        for (int j = 0; j < session.quarantine_count; j++)
            found = found || strncmp(session.quarantined[j], expected[i], strlen(expected[i])) == 0;
        if (!found)
            fail_msg("not put aside: %s", expected[i]);
    }
    /* the rest is there, nothing of the damaged ones is, and work goes on */
    assert_non_null(model_find_resource(model_find_definition(&session.model, "d0"), "bravo"));
    assert_int_equal(object_count(model_root(&session.model), KIND_NODE), 2);
    assert_true(text_is_uuid(session.model.controller->object.uuid));
    assert_string_not_equal(session.model.controller->object.uuid, uuid);
    set_prop(&session, "d0", "after");
    settle(&session);
    assert_int_equal(session.failures, 0);
    edit_controller(&session);
    settle(&session);
    before = text_of(&session);
    end(&session);

    begin(&session, *state);
    assert_int_equal(session.quarantine_count, 0);
    expect_text(&session, before);
    end(&session);
}

struct seen {
    int count;
    char text[64];
};

static void see(void *owner, const char *table, const char *key, const char *value, size_t length)
{
    struct seen *seen = owner;

    seen->count++;
    snprintf(seen->text, sizeof(seen->text), "%s %s=%.*s", table, key, (int)length, value);
}

static void test_quarantine_keeps_the_record(void **state)
{
    struct session session;
    const char *const damaged[][3] = { { "node", "BROKEN", "not json" } };
    static const char *const table[] = { "quarantine" };
    struct seen seen = { 0 };
    char why[256] = "";
    struct loop *loop;
    struct store *store;

    put_raw(*state, damaged, 1);
    begin(&session, *state);
    make_cluster(&session, 1);
    settle(&session);
    end(&session);
    loop = loop_new();
    store = open_lmdb(*state, loop, why, sizeof(why));
    assert_int_equal(store->backend->load(store, table, 1, see, &seen, why, sizeof(why)), 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.text, "quarantine node/BROKEN=not json");
    store->backend->close(store);
    loop_free(loop);
}

/* A file system of 4 MiB, mounted over the place's directory. */
static bool mount_small(const struct place *place)
{
    if (mount("tmpfs", place->directory, "tmpfs", 0, "size=4m") == 0)
        return true;
    print_message("skipped: a small file system cannot be mounted here\n");
    return false;
}

static void fill(const char *path)
{
    static char block[4096];
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    setvbuf(file, NULL, _IONBF, 0);
    while (fwrite(block, 1, sizeof(block), file) == sizeof(block))
        ;
    fclose(file);
}

static void test_disk_full(void **state)
{
    const struct place *place = *state;
    CLEANUP(memory_freep) char *filler = memory_printf("%s/filler", place->directory);
    struct session session;
    char large[64 * 1024] = "";
    char *before;

    if (!mount_small(place))
        skip();
    memset(large, 'x', sizeof(large) - 1);
    begin(&session, place);
    make_cluster(&session, 20);
    settle(&session);
    fill(filler);
    before = text_of(&session);
    for (int again = 0; again < 3; again++) {
        for (int i = 0; i < 20; i++) {
            char name[8];

            snprintf(name, sizeof(name), "d%d", i);
            set_prop(&session, name, large);
        }
        settle(&session);
        assert_int_equal(session.failures, again + 1);
        assert_non_null(strstr(session.why, "No space left on device"));
        assert_non_null(strstr(session.why, place->directory));
        assert_true(journal_is_idle(session.journal));
        expect_objects(&session, before);
    }
    free(before);
    assert_int_equal(unlink(filler), 0);
    set_prop(&session, "d3", "room again");
    settle(&session);
    assert_int_equal(session.failures, 3);
    before = text_of(&session);
    end(&session);

    /* loading needs no room */
    fill(filler);
    begin(&session, place);
    expect_text(&session, before);
    end(&session);
    assert_int_equal(unlink(filler), 0);
    assert_int_equal(umount(place->directory), 0);
}

static void test_no_room_to_begin(void **state)
{
    const struct place *place = *state;
    CLEANUP(memory_freep) char *filler = memory_printf("%s/filler", place->directory);
    CLEANUP(memory_freep) char *db = memory_printf("%s/db", place->directory);
    struct loop *loop;
    char why[256] = "";

    if (!mount_small(place))
        skip();
    assert_int_equal(mkdir(db, 0700), 0);
    fill(filler);
    loop = loop_new();
    assert_null(open_lmdb(place, loop, why, sizeof(why)));
    assert_non_null(strstr(why, "No space left on device"));
    loop_free(loop);
    assert_int_equal(umount(place->directory), 0);
}

struct fake {
    struct memory_disk *disk;
    struct session session;
};

static void look(void *owner)
{
    struct fake *fake = owner;

    if (memory_disk_is_holding(fake->disk) || journal_is_idle(fake->session.journal))
        loop_stop(fake->session.loop);
}

/* Until the disk holds a commit or nothing is to be written. */
static void run_until_held(struct fake *fake)
{
    struct timer *timer = timer_new(fake->session.loop, look, fake);

    timer_start(fake->session.guard, 20000, 0);
    timer_start(timer, 0, 1);
    loop_run(fake->session.loop);
    timer_stop(fake->session.guard);
    timer_free(timer);
}

static void stop(void *owner)
{
    loop_stop(owner);
}

static void pass_time(struct session *session, int64_t ms)
{
    struct timer *timer = timer_new(session->loop, stop, session->loop);

    timer_start(timer, ms, 0);
    loop_run(session->loop);
    timer_free(timer);
}

static void begin_fake(struct fake *fake)
{
    struct loop *loop = loop_new();

    begin_on(&fake->session, loop, store_memory_open(fake->disk, loop));
}

static int make_fake(void **state)
{
    struct fake *fake = memory_alloc(sizeof(*fake));

    fake->disk = memory_disk_new();
    begin_fake(fake);
    make_cluster(&fake->session, 4);
    settle(&fake->session);
    *state = fake;
    return 0;
}

static int free_fake(void **state)
{
    struct fake *fake = *state;

    end(&fake->session);
    memory_disk_free(fake->disk);
    free(fake);
    return 0;
}

static void crash(struct fake *fake, bool written)
{
    memory_disk_crash(fake->disk, written);
    end(&fake->session);
    memory_disk_set_mood(fake->disk, DISK_WRITES);
    begin_fake(fake);
}

static void test_gathers_while_writing(void **state)
{
    struct fake *fake = *state;
    uint64_t commits = memory_disk_commits(fake->disk), first;

    memory_disk_set_mood(fake->disk, DISK_HOLDS);
    set_prop(&fake->session, "d0", "first");
    first = fake->session.model.generation;
    run_until_held(fake);
    assert_true(memory_disk_is_holding(fake->disk));
    for (int i = 0; i < 100; i++)
        set_prop(&fake->session, "d1", i % 2 ? "odd" : "even");
    run_until_held(fake);
    assert_int_equal(fake->session.durable, first - 1);
    memory_disk_finish(fake->disk, 0);
    run_until_held(fake);
    assert_int_equal(fake->session.durable, first);
    assert_true(memory_disk_is_holding(fake->disk)); /* all hundred */
    memory_disk_finish(fake->disk, 0);
    settle(&fake->session);
    assert_int_equal(fake->session.durable, first + 100);
    assert_int_equal(memory_disk_commits(fake->disk), commits + 2);
}

static void test_failure_undoes_all(void **state)
{
    struct fake *fake = *state;
    struct session *session = &fake->session;
    char *before = text_of(session);
    uint64_t durable = session->durable, generation;
    int changes;

    memory_disk_set_mood(fake->disk, DISK_HOLDS);
    set_prop(session, "d0", "first");
    run_until_held(fake);
    delete_definition(session, "d0"); /* what the first changed, in the batch after it */
    {
        struct txn *txn = txn_begin(&session->model);
        struct resource_definition *again = txn_new(txn, KIND_RESOURCE_DEFINITION, session->model.controller,
                                                    model_find_group(&session->model, "group"), "D0");

        again->name = arena_strdup(txn_arena(txn), "d0");
        again->resource_group = arena_strdup(txn_arena(txn), "group");
        txn_delete(txn, model_find_node(&session->model, "alpha"));
        txn_commit(txn);
    }
    set_prop(session, "d0", "second");
    changes = session->changes;
    generation = session->model.generation;
    memory_disk_finish(fake->disk, -28);
    settle(session);
    assert_int_equal(session->failures, 1);
    assert_string_equal(session->why, "No space left on device");
    assert_int_equal(session->undone, session->changes - changes); /* each undone change is told */
    assert_true(session->undone > 5);
    assert_int_equal(session->durable, durable);
    assert_true(journal_is_idle(session->journal));
    assert_int_equal(session->model.generation, generation); /* those generations were seen: never again */
    expect_objects(session, before);
    free(before);

    memory_disk_set_mood(fake->disk, DISK_WRITES);
    set_prop(session, "d0", "third");
    settle(session);
    assert_int_equal(session->durable, generation + 1);
    before = text_of(session);
    crash(fake, false);
    expect_text(&fake->session, before);
}

static void test_failing_for_long(void **state)
{
    struct fake *fake = *state;
    struct session *session = &fake->session;
    char *before = text_of(session);
    size_t records = memory_disk_records(fake->disk);

    memory_disk_set_mood(fake->disk, DISK_FAILS);
    for (int i = 0; i < 50; i++) {
        if (i % 2)
            set_prop(session, "d1", "x");
        else
            delete_definition(session, "d1");
        settle(session);
        assert_int_equal(session->failures, i + 1);
    }
    expect_objects(session, before);
    free(before);
    assert_int_equal(memory_disk_records(fake->disk), records);
}

static void test_crash_before_and_after_the_write(void **state)
{
    struct fake *fake = *state;

    for (int written = 0; written < 2; written++) {
        char *before = text_of(&fake->session);

        memory_disk_set_mood(fake->disk, DISK_HOLDS);
        set_prop(&fake->session, "d2", "in flight");
        run_until_held(fake);
        if (written) {
            free(before);
            before = text_of(&fake->session);
        }
        set_prop(&fake->session, "d3", "gathering");
        crash(fake, written);
        expect_text(&fake->session, before);
    }
}

static void test_slow_disk(void **state)
{
    struct fake *fake = *state;

    memory_disk_set_delay(fake->disk, 20);
    for (int i = 0; i < 5; i++) {
        set_prop(&fake->session, "d0", i % 2 ? "odd" : "even");
        pass_time(&fake->session, 5);
    }
    settle(&fake->session);
    assert_int_equal(fake->session.durable, fake->session.model.generation);
    assert_int_equal(fake->session.failures, 0);
}

static void random_commit(struct session *session, unsigned *seed)
{
    struct txn *txn = txn_begin(&session->model);
    char name[8];
    const struct resource_definition *definition;

    snprintf(name, sizeof(name), "D%d", rand_r(seed) % 8);
    definition = model_find_definition(&session->model, name);
    if (!definition) {
        struct resource_definition *made = txn_new(txn, KIND_RESOURCE_DEFINITION, session->model.controller,
                                                   model_find_group(&session->model, "group"), name);

        made->name = arena_strdup(txn_arena(txn), name);
        made->resource_group = arena_strdup(txn_arena(txn), "group");
        txn_new(txn, KIND_RESOURCE, made, model_find_node(&session->model, "bravo"), NULL);
    } else if (rand_r(seed) % 3 == 0) {
        txn_delete(txn, definition);
    } else {
        struct resource_definition *edited = txn_edit(txn, definition);

        text_map_set(&edited->object.props, "Aux/value", rand_r(seed) % 2 ? "a" : "b", txn_arena(txn));
    }
    txn_commit(txn);
}

/* Whatever fails and crashes, a session after a crash sees exactly what the one before it called durable, or what was
 * under way beside it. */
static void test_random_faults(void **state)
{
    struct fake *fake = *state;
    unsigned seed = 20260603;
    char *durable = text_of(&fake->session), *under_way = NULL;

    print_message("seed %u\n", seed);
    for (int round = 0; round < 400; round++) {
        struct session *session = &fake->session;
        int failures = session->failures;

        switch (rand_r(&seed) % 4) {
        case 0: memory_disk_set_mood(fake->disk, DISK_FAILS); break;
        case 1: memory_disk_set_mood(fake->disk, DISK_HOLDS); break;
        default: memory_disk_set_mood(fake->disk, DISK_WRITES); break;
        }
        for (int i = rand_r(&seed) % 4; i >= 0; i--)
            random_commit(session, &seed);
        under_way = text_of(session);
        run_until_held(fake);
        if (memory_disk_is_holding(fake->disk)) {
            bool written = rand_r(&seed) % 2;

            random_commit(session, &seed);
            crash(fake, written);
            expect_objects(&fake->session, written ? under_way : durable);
        } else if (session->failures > failures) {
            expect_objects(session, durable);
        } else {
            settle(session);
            expect_objects(session, under_way);
        }
        free(under_way);
        free(durable);
        durable = text_of(&fake->session);
    }
    free(durable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loads_what_was_stored, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_uncommitted_is_lost, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_closed_while_writing, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_generations_are_not_reused, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_one_batch_for_many, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_map_grows, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_one_controller_per_directory, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_directory_cannot_be_made, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_quarantine, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_quarantine_keeps_the_record, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_disk_full, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_no_room_to_begin, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_gathers_while_writing, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_failure_undoes_all, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_failing_for_long, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_crash_before_and_after_the_write, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_slow_disk, make_fake, free_fake),
        cmocka_unit_test_setup_teardown(test_random_faults, make_fake, free_fake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
