/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What LMDB does here without a controller: durable commits of one record per second, and of 64. Prints one JSON
 * object.
 *
 *     lmdb DIRECTORY RECORD_SIZE RECORDS_BEFORE SECONDS
 */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GROUP = 64 };

struct bench {
    MDB_env *env;
    MDB_dbi table;
    char *value;
    size_t size;
    unsigned long number;
};

static void check(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "lmdb: %s: %s\n", what, mdb_strerror(rc));
    exit(1);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void commit(struct bench *bench, int records)
{
    MDB_txn *txn;

    check(mdb_txn_begin(bench->env, NULL, 0, &txn), "begin");
    for (int i = 0; i < records; i++) {
        char name[32];
        MDB_val key = { (size_t)snprintf(name, sizeof(name), "BENCH-%lu", bench->number++), name };
        MDB_val value = { bench->size, bench->value };

        check(mdb_put(txn, bench->table, &key, &value, 0), "put");
    }
    check(mdb_txn_commit(txn), "commit");
}

static double per_second(struct bench *bench, int records, double seconds)
{
    unsigned long before = bench->number;
    double began = now(), took;

    do {
        commit(bench, records);
        took = now() - began;
    } while (took < seconds);
    return (double)(bench->number - before) / took;
}

static void print_mean_size(const char *directory)
{
    struct bench bench = { 0 };
    unsigned long records = 0, bytes = 0;
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_txn *txn;

    check(mdb_env_create(&bench.env), "create");
    mdb_env_set_maxdbs(bench.env, 4);
    check(mdb_env_open(bench.env, directory, MDB_NOLOCK | MDB_RDONLY, 0600), "open");
    check(mdb_txn_begin(bench.env, NULL, MDB_RDONLY, &txn), "begin");
    check(mdb_dbi_open(txn, "resource_definition", 0, &bench.table), "table");
    check(mdb_cursor_open(txn, bench.table, &cursor), "cursor");
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        records++;
        bytes += value.mv_size;
    }
    printf("{\"records\":%lu,\"mean\":%lu}\n", records, records ? bytes / records : 0);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(bench.env);
}

int main(int argc, char **argv)
{
    struct bench bench = { 0 };
    unsigned long before;
    double single, grouped, seconds;
    MDB_txn *txn;

    if (argc == 2) {
        print_mean_size(argv[1]);
        return 0;
    }
    if (argc != 5) {
        fprintf(stderr, "usage: lmdb DIRECTORY [RECORD_SIZE RECORDS_BEFORE SECONDS]\n");
        return 2;
    }
    bench.size = strtoul(argv[2], NULL, 10);
    before = strtoul(argv[3], NULL, 10);
    seconds = atof(argv[4]);
    bench.value = malloc(bench.size + 1);
    if (!bench.value)
        return 1;
    memset(bench.value, 'x', bench.size);
    check(mdb_env_create(&bench.env), "create");
    mdb_env_set_maxdbs(bench.env, 4);
    mdb_env_set_mapsize(bench.env, (size_t)4 << 30);
    check(mdb_env_open(bench.env, argv[1], MDB_NOLOCK | MDB_NOTLS, 0600), "open");
    check(mdb_txn_begin(bench.env, NULL, 0, &txn), "begin");
    check(mdb_dbi_open(txn, "resource_definition", MDB_CREATE, &bench.table), "table");
    check(mdb_txn_commit(txn), "commit");
    while (bench.number < before)
        commit(&bench, 1000);
    single = per_second(&bench, 1, seconds);
    grouped = per_second(&bench, GROUP, seconds);
    printf("{\"single\":%.1f,\"grouped\":%.1f}\n", single, grouped);
    mdb_env_close(bench.env);
    return 0;
}
