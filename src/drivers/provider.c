/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/provider.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

const struct provider *const providers[] = { &provider_diskless, &provider_file, &provider_file_thin, &provider_lvm,
                                             &provider_lvm_thin, &provider_zfs,  &provider_zfs_thin,  NULL };

const struct provider *provider_find(const char *name)
{
    for (size_t i = 0; name && providers[i]; i++)
        if (text_equal_fold(providers[i]->name, name))
            return providers[i];
    return NULL;
}

bool provider_is_foreign(const struct provider *provider, const struct provider_volume *volume,
                         const struct storage_fact *fact)
{
    if (!(provider->can & PROVIDER_MARKS_OWNER) || !volume->must_be_new || !fact || !fact->backing ||
        fact->size_kib == 0)
        return false;
    return !volume->owner || !fact->owner || strcmp(volume->owner, fact->owner) != 0;
}

static int refuse_loss(const char *noun, const char *path, char *correction, struct arena *arena,
                       struct trouble *trouble)
{
    trouble->message = arena_printf(arena, "%s %s has vanished.", noun, path);
    trouble->cause = arena_strdup(arena, "It was there, and was not removed by the satellite.");
    trouble->correction = correction;
    return -1;
}

int provider_refuse_vanished(const char *noun, const char *path, const char *hint, struct arena *arena,
                             struct trouble *trouble)
{
    return refuse_loss(
        noun, path,
        arena_printf(arena, "%s If the data is lost, delete the resource on this node and create it again.", hint),
        arena, trouble);
}

int provider_refuse_vanished_snapshot(const char *path, struct arena *arena, struct trouble *trouble)
{
    return refuse_loss("Snapshot", path,
                       arena_strdup(arena, "If it was renamed, rename it back. If it is lost, delete the snapshot."),
                       arena, trouble);
}

int provider_read_wait(const struct outcome *outcome, const char *tool, struct storage_fact *fact, struct arena *arena,
                       struct trouble *trouble)
{
    facts_set_text(&fact->device, outcome->device);
    fact->device_kib = outcome->device_kib;
    if (fact->device_kib >= fact->size_kib)
        return 0;
    fact->is_uncertain = true;
    trouble->message = arena_printf(arena, "Device %s is smaller than its volume.", outcome->device);
    trouble->cause =
        arena_printf(arena, "It has %" PRId64 " KiB, %s says %" PRId64 " KiB.", fact->device_kib, tool, fact->size_kib);
    trouble->correction = arena_strdup(arena, "It is looked at again and retried by itself.");
    return -1;
}

char *provider_snapshot_name(const char *volume, const char *snapshot, struct arena *arena)
{
    return arena_printf(arena, "%s_%s", volume, snapshot);
}

bool provider_names_volume(const char *identifier)
{
    for (const char *at = strchr(identifier, '_'); at; at = strchr(at + 1, '_')) {
        size_t digits = strspn(at + 1, "0123456789");

        if (at > identifier && digits >= 5 && (at[1 + digits] == '\0' || at[1 + digits] == '_'))
            return true;
    }
    return false;
}

static char *fold(const char *name)
{
    char *key = memory_strdup(name);

    text_upper(key);
    return key;
}

struct known_pool *known_pool_find(const struct map *pools, const char *name)
{
    CLEANUP(memory_freep) char *key = fold(name);
    struct map_node *node = map_find(pools, key);

    return node ? CONTAINER_OF(node, struct known_pool, node) : NULL;
}

bool known_pool_add(struct map *pools, struct known_pool *pool)
{
    pool->node.key = fold(pool->want->pool);
    pool->provider = provider_find(pool->want->provider);
    if (map_insert(pools, &pool->node))
        return true;
    memory_freep(&pool->node.key);
    return false;
}

void known_pool_remove(struct map *pools, struct known_pool *pool)
{
    map_remove(pools, &pool->node);
    memory_freep(&pool->node.key);
}
