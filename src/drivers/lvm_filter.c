/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What commands of lvm must not read: whatever users write into volumes. Read, a physical volume in there becomes one
 * of the node's; and a volume that lies on a node that does not answer makes the command wait as long as that.
 *
 * Names that only we give are patterns. Loop devices and namespaces of NVMe may also be an administrator's, with
 * physical volumes on them: of these facts tell which are ours. The number of one that ceased to be ours a moment ago
 * may be somebody's by now; until the next look, seconds later, his device is not seen.
 *
 * Nothing is accepted: an accepted alias would overrule the rejection of another; and with a list of physical volumes
 * that is not complete any more, because somebody has just extended the group, commands write metadata that calls the
 * others missing. By default LVM does not look into logical volumes (scan_lvs); who lets it do so wants that.
 */
#include "drivers/lvm.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Of a pattern with numbers: what it takes to compile grows faster than its length. Numbers beyond it are left out. */
enum { PATTERN_LIMIT = 16 * 1024 };

static const char fixed[] = "devices { filter=[\"r|^/dev/drbd|\",\"r|^/dev/zd[0-9]|\",\"r|^/dev/zvol/|\","
                            "\"r|^/dev/bcache|\",\"r|^/dev/mapper/Linstor-Crypt-|\","
                            "\"r|^/dev/mapper/linstor_writecache_|\",\"r|^/dev/mapper/linstor_cache_|\"";

static bool is_loop(const char *device, int64_t *number)
{
    static const char prefix[] = "/dev/loop";

    return device && text_starts_with(device, prefix) && text_parse_i64(device + strlen(prefix), 0, INT32_MAX, number);
}

/* The volumes of a pool are all of one kind. */
static void find_loops(const struct facts *facts, struct i64_list *numbers, struct arena *arena)
{
    map_for_each (node, &facts->pools) {
        int64_t number = 0;

        for (const struct storage_fact *fact = facts_first_volume(facts, node->key); fact;
             fact = facts_next_volume(fact)) {
            if (is_loop(fact->device, &number))
                *LIST_ADD(numbers, arena) = number;
            else if (fact->device)
                break;
        }
    }
}

static int by_number(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* 3, 17, 18: "r|^/dev/loop([3]|1[78])(p[0-9]+)?$|" */
static void reject_loops(const struct facts *facts, struct buf *filter)
{
    struct i64_list numbers = { 0 };
    struct arena arena = { 0 };
    size_t begin = filter->length;
    int64_t tens = -1;

    find_loops(facts, &numbers, &arena);
    if (numbers.count > 0) {
        qsort(numbers.at, numbers.count, sizeof(numbers.at[0]), by_number);
        buf_add_text(filter, ",\"r|^/dev/loop(");
        for (uint32_t i = 0; i < numbers.count && filter->length - begin < PATTERN_LIMIT; i++) {
            if (numbers.at[i] / 10 != tens) {
                buf_add_text(filter, tens < 0 ? "" : "]|");
                tens = numbers.at[i] / 10;
                if (tens > 0)
                    buf_printf(filter, "%lld", (long long)tens);
                buf_add_char(filter, '[');
            }
            buf_printf(filter, "%d", (int)(numbers.at[i] % 10));
        }
        buf_add_text(filter, "])(p[0-9]+)?$|\"");
    }
    arena_done(&arena);
}

/* Of initiators; the kernel shows the partitions in them, too. */
static void reject_namespaces(const struct facts *facts, struct buf *filter)
{
    static const char prefix[] = "/dev/nvme";
    size_t begin = filter->length;

    for (const struct layer_fact *fact = facts_first_layer(facts, "NVME");
         fact && filter->length - begin < PATTERN_LIMIT; fact = facts_next_layer(fact)) {
        const char *rest = fact->device && text_starts_with(fact->device, prefix) ? fact->device + strlen(prefix) : "";

        if (rest[0] && strspn(rest, "0123456789n") == strlen(rest))
            buf_printf(filter, "%s%s", filter->length == begin ? ",\"r|^/dev/nvme(" : "|", rest);
    }
    if (filter->length > begin)
        buf_add_text(filter, ")(p[0-9]+)?$|\"");
}

/* What could mean something in a pattern matches anything there. */
static void reject_path(const char *path, size_t length, struct buf *filter)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-:,=@/";

    buf_add_text(filter, ",\"r|^");
    for (size_t i = 0; i < length; i++)
        buf_add_char(filter, strchr(plain, path[i]) ? path[i] : '.');
    buf_add_text(filter, "$|\"");
}

static void reject_strangers(const struct facts *facts, struct buf *filter)
{
    size_t begin = filter->length;

    map_for_each (node, &facts->pools) {
        const struct storage_pool_fact *pool = CONTAINER_OF(node, struct storage_pool_fact, node);
        const char *lines = fact_state_find(&pool->state, LVM_STRANGERS);

        for (const char *at = lines ? lines : ""; *at && filter->length - begin < PATTERN_LIMIT;
             at += strcspn(at, "\n"), at += *at == '\n')
            reject_path(at, strcspn(at, "\n"), filter);
    }
}

char *lvm_config(const struct facts *facts, bool sees_strangers, struct arena *arena)
{
    struct buf filter = { 0 };
    char *result;

    buf_add_text(&filter, fixed);
    if (facts) {
        reject_loops(facts, &filter);
        reject_namespaces(facts, &filter);
        if (!sees_strangers)
            reject_strangers(facts, &filter);
    }
    buf_add_text(&filter, "] }");
    result = arena_strdup(arena, buf_text(&filter));
    buf_done(&filter);
    return result;
}
