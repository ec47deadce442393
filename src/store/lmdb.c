/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The embedded store. Commits run on the loop's work queue and touch nothing but the environment and their batch. When
 * the map is full it is doubled and the batch is written again; when LMDB says that its environment is beyond use (a
 * failed write of its meta page), it is opened anew.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/library.h"
#include "base/log.h"
#include "base/text.h"
#include "store/store.h"

LOG_DOMAIN("store");

enum {
    FIRST_MAP_SIZE = 16 * 1024 * 1024,
    LOCK_WAIT_MS = 2000, /* for another process to let go of the store, at the start */
    LOCK_POLL_MS = 10,
};

struct lmdb {
    LIBRARY_FUNCTION(mdb_cursor_close);
    LIBRARY_FUNCTION(mdb_cursor_get);
    LIBRARY_FUNCTION(mdb_cursor_open);
    LIBRARY_FUNCTION(mdb_dbi_open);
    LIBRARY_FUNCTION(mdb_del);
    LIBRARY_FUNCTION(mdb_env_close);
    LIBRARY_FUNCTION(mdb_env_create);
    LIBRARY_FUNCTION(mdb_env_info);
    LIBRARY_FUNCTION(mdb_env_open);
    LIBRARY_FUNCTION(mdb_env_set_mapsize);
    LIBRARY_FUNCTION(mdb_env_set_maxdbs);
    LIBRARY_FUNCTION(mdb_put);
    LIBRARY_FUNCTION(mdb_strerror);
    LIBRARY_FUNCTION(mdb_txn_abort);
    LIBRARY_FUNCTION(mdb_txn_begin);
    LIBRARY_FUNCTION(mdb_txn_commit);
};
#define SYMBOL(function) LIBRARY_SYMBOL(lmdb, function)
LIBRARY_SYMBOLS(lmdb, SYMBOL(mdb_cursor_close), SYMBOL(mdb_cursor_get), SYMBOL(mdb_cursor_open), SYMBOL(mdb_dbi_open),
                SYMBOL(mdb_del), SYMBOL(mdb_env_close), SYMBOL(mdb_env_create), SYMBOL(mdb_env_info),
                SYMBOL(mdb_env_open), SYMBOL(mdb_env_set_mapsize), SYMBOL(mdb_env_set_maxdbs), SYMBOL(mdb_put),
                SYMBOL(mdb_strerror), SYMBOL(mdb_txn_abort), SYMBOL(mdb_txn_begin), SYMBOL(mdb_txn_commit));
LIBRARY(lmdb, "liblmdb0", "store", "Keeps the state of the cluster", "required", "liblmdb.so.0");

struct lmdb_table {
    const char *name;
    MDB_dbi dbi;
};

struct lmdb_store {
    struct store store;
    struct loop *loop;
    struct lmdb lib;
    char *directory;
    MDB_env *env;
    int lock_fd;
    size_t map_size;
    struct lmdb_table *tables;
    size_t table_count;
    /* the commit under way */
    struct lmdb_job *job; /* NULL when there is none */
    const struct store_batch *batch;
    void (*done)(void *owner, int error, const char *why);
    void *owner;
    int error;
    char why[256];
};

/* What the work queue holds of a commit: it outlives the store when that is closed meanwhile. */
struct lmdb_job {
    struct lmdb_store *lmdb; /* NULL when the store was closed */
    sem_t written;           /* posted once, when the work queue has done with the store */
};

static const struct store_backend lmdb_backend;

static int explain(const struct lmdb_store *lmdb, int rc, const char *what, char *why, size_t why_size)
{
    snprintf(why, why_size, "%s in %s: %s", what, lmdb->directory, lmdb->lib.mdb_strerror(rc));
    return rc > 0 ? -rc : -EIO;
}

static int open_tables(struct lmdb_store *lmdb)
{
    MDB_txn *txn;
    int rc = lmdb->lib.mdb_txn_begin(lmdb->env, NULL, 0, &txn);

    if (rc != 0)
        return rc;
    for (size_t i = 0; i < lmdb->table_count && rc == 0; i++)
        rc = lmdb->lib.mdb_dbi_open(txn, lmdb->tables[i].name, MDB_CREATE, &lmdb->tables[i].dbi);
    if (rc != 0) {
        lmdb->lib.mdb_txn_abort(txn);
        return rc;
    }
    return lmdb->lib.mdb_txn_commit(txn);
}

static int open_environment(struct lmdb_store *lmdb)
{
    int rc = lmdb->lib.mdb_env_create(&lmdb->env);

    if (rc != 0)
        return rc;
    lmdb->lib.mdb_env_set_maxdbs(lmdb->env, (MDB_dbi)lmdb->table_count);
    lmdb->lib.mdb_env_set_mapsize(lmdb->env, lmdb->map_size);
    /* One process alone uses it (see lock_fd), so LMDB's own lock file is not needed, and a reader that was killed
     * leaves nothing behind. */
    rc = lmdb->lib.mdb_env_open(lmdb->env, lmdb->directory, MDB_NOLOCK | MDB_NOTLS, 0600);
    if (rc == 0) {
        MDB_envinfo info;

        lmdb->lib.mdb_env_info(lmdb->env, &info);
        if (info.me_mapsize > lmdb->map_size)
            lmdb->map_size = info.me_mapsize;
        rc = open_tables(lmdb);
    }
    if (rc != 0) {
        lmdb->lib.mdb_env_close(lmdb->env);
        lmdb->env = NULL;
    }
    return rc;
}

/* A process that was killed holds its lock until it is gone, which takes a moment when it was in a sync: its successor
 * may be there before. */
static int await_lock(int fd)
{
    static const struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };

    for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += LOCK_POLL_MS) {
        if (errno != EWOULDBLOCK || waited_ms >= LOCK_WAIT_MS)
            return -1;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int lock_directory(struct lmdb_store *lmdb, char *why, size_t why_size)
{
    CLEANUP(memory_freep) char *path = memory_printf("%s/lock", lmdb->directory);

    lmdb->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lmdb->lock_fd >= 0 && await_lock(lmdb->lock_fd) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        snprintf(why, why_size, "%s is in use by another controller", lmdb->directory);
    else
        snprintf(why, why_size, "%s cannot be locked: %s", path, strerror(errno));
    return -1;
}

static void await_work(struct lmdb_job *job)
{
    while (sem_wait(&job->written) != 0)
        ; /* a signal */
}

static void close_store(struct store *store)
{
    struct lmdb_store *lmdb = (struct lmdb_store *)store;

    if (lmdb->job) {
        await_work(lmdb->job);
        lmdb->job->lmdb = NULL;
    }
    if (lmdb->env)
        lmdb->lib.mdb_env_close(lmdb->env);
    if (lmdb->lock_fd >= 0)
        close(lmdb->lock_fd);
    free(lmdb->tables);
    free(lmdb->directory);
    free(lmdb);
}

struct store *store_lmdb_open(struct loop *loop, const char *directory, const char *const *tables, size_t table_count,
                              char *why, size_t why_size)
{
    struct lmdb_store *lmdb = memory_alloc(sizeof(*lmdb));
    int rc;

    library_require(&lmdb_library, &lmdb->lib);
    lmdb->store.backend = &lmdb_backend;
    lmdb->loop = loop;
    lmdb->directory = memory_strdup(directory);
    lmdb->map_size = FIRST_MAP_SIZE;
    lmdb->tables = memory_alloc(sizeof(*lmdb->tables) * table_count);
    lmdb->table_count = table_count;
    lmdb->lock_fd = -1;
    for (size_t i = 0; i < table_count; i++)
        lmdb->tables[i].name = tables[i];
    rc = text_make_directories(directory, 0700);
    if (rc != 0) {
        snprintf(why, why_size, "%s cannot be made: %s", directory, strerror(-rc));
    } else if (lock_directory(lmdb, why, why_size) == 0) {
        rc = open_environment(lmdb);
        if (rc == 0)
            return &lmdb->store;
        explain(lmdb, rc, "the store cannot be opened", why, why_size);
    }
    close_store(&lmdb->store);
    return NULL;
}

static const struct lmdb_table *get_table(const struct lmdb_store *lmdb, const char *name)
{
    size_t at = 0;

    while (at < lmdb->table_count && strcmp(lmdb->tables[at].name, name) != 0)
        at++;
    assert(at < lmdb->table_count);
    return &lmdb->tables[at];
}

static int load_table(const struct lmdb_store *lmdb, MDB_txn *txn, const struct lmdb_table *table,
                      void (*each)(void *, const char *, const char *, const char *, size_t), void *owner)
{
    struct buf key_text = { 0 };
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = lmdb->lib.mdb_cursor_open(txn, table->dbi, &cursor);

    if (rc != 0)
        return rc;
    while ((rc = lmdb->lib.mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        buf_clear(&key_text);
        buf_add(&key_text, key.mv_data, key.mv_size);
        each(owner, table->name, buf_text(&key_text), value.mv_data, value.mv_size);
    }
    buf_done(&key_text);
    lmdb->lib.mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int load(struct store *store, const char *const *tables, size_t table_count,
                void (*each)(void *owner, const char *table, const char *key, const char *value, size_t length),
                void *owner, char *why, size_t why_size)
{
    struct lmdb_store *lmdb = (struct lmdb_store *)store;
    MDB_txn *txn;
    int rc = lmdb->lib.mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);

    if (rc != 0)
        return explain(lmdb, rc, "the store cannot be read", why, why_size);
    for (size_t i = 0; i < table_count && rc == 0; i++)
        rc = load_table(lmdb, txn, get_table(lmdb, tables[i]), each, owner);
    lmdb->lib.mdb_txn_abort(txn);
    /* Opened anew, so that the pages just read are no memory of this process any more. */
    lmdb->lib.mdb_env_close(lmdb->env);
    lmdb->env = NULL;
    if (rc == 0)
        rc = open_environment(lmdb);
    return rc == 0 ? 0 : explain(lmdb, rc, "the store cannot be read", why, why_size);
}

static int write_batch(struct lmdb_store *lmdb)
{
    MDB_txn *txn;
    int rc = lmdb->lib.mdb_txn_begin(lmdb->env, NULL, 0, &txn);

    if (rc != 0)
        return rc;
    for (const struct store_op *op = lmdb->batch->ops; op && rc == 0; op = op->next) {
        const struct lmdb_table *table = get_table(lmdb, op->table);
        union {
            const char *locked;
            void *data;
        } key_bytes = { .locked = op->key }, bytes = { .locked = op->value };
        MDB_val key = { strlen(op->key), key_bytes.data }, value = { op->length, bytes.data };

        rc = op->value ? lmdb->lib.mdb_put(txn, table->dbi, &key, &value, 0)
                       : lmdb->lib.mdb_del(txn, table->dbi, &key, NULL);
        if (rc == MDB_NOTFOUND && !op->value)
            rc = 0;
    }
    if (rc != 0) {
        lmdb->lib.mdb_txn_abort(txn);
        return rc;
    }
    return lmdb->lib.mdb_txn_commit(txn);
}

/* On the work queue. */
static void commit_work(void *arg)
{
    struct lmdb_job *job = arg;
    struct lmdb_store *lmdb = job->lmdb;
    int rc = lmdb->env ? write_batch(lmdb) : MDB_PANIC;

    while (rc == MDB_MAP_FULL || rc == MDB_PANIC) {
        if (rc == MDB_MAP_FULL) {
            rc = lmdb->lib.mdb_env_set_mapsize(lmdb->env, lmdb->map_size * 2);
            if (rc == 0)
                lmdb->map_size *= 2;
        } else {
            if (lmdb->env)
                lmdb->lib.mdb_env_close(lmdb->env);
            lmdb->env = NULL;
            rc = open_environment(lmdb);
        }
        if (rc == 0)
            rc = write_batch(lmdb);
        else
            break;
    }
    lmdb->error = rc == 0 ? 0 : explain(lmdb, rc, "writing to the store failed", lmdb->why, sizeof(lmdb->why));
    sem_post(&job->written);
}

static void commit_done(void *arg)
{
    struct lmdb_job *job = arg;
    struct lmdb_store *lmdb = job->lmdb;
    void (*done)(void *, int, const char *) = lmdb ? lmdb->done : NULL;

    sem_destroy(&job->written);
    free(job);
    if (!lmdb)
        return;
    lmdb->job = NULL;
    lmdb->batch = NULL;
    if (lmdb->error != 0)
        log_error("%s", lmdb->why);
    done(lmdb->owner, lmdb->error, lmdb->why);
}

static void commit(struct store *store, const struct store_batch *batch,
                   void (*done)(void *owner, int error, const char *why), void *owner)
{
    struct lmdb_store *lmdb = (struct lmdb_store *)store;

    lmdb->batch = batch;
    lmdb->done = done;
    lmdb->owner = owner;
    lmdb->job = memory_alloc(sizeof(*lmdb->job));
    lmdb->job->lmdb = lmdb;
    sem_init(&lmdb->job->written, 0, 0);
    loop_queue_work(lmdb->loop, commit_work, commit_done, lmdb->job);
}

static const struct store_backend lmdb_backend = {
    .name = "lmdb",
    .load = load,
    .commit = commit,
    .close = close_store,
};
