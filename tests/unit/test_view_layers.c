/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/view_layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "model/want.h"

/* A resource with one volume of 65536 KiB, and what its satellite told of it. */
struct bench {
    struct arena arena;
    struct volume volume;
    struct volume_fact told;
    struct resource_fact fact;
    struct resource resource;
};

static void bench_init(struct bench *bench, const char *const *layers)
{
    memset(bench, 0, sizeof(*bench));
    for (; *layers; layers++)
        text_list_add(&bench->resource.layers, *layers, &bench->arena);
    bench->volume.size_kib = 65536;
    bench->fact.volumes.at = &bench->told;
    bench->fact.volumes.count = 1;
    bench->resource.volumes.at = &bench->volume;
    bench->resource.volumes.count = 1;
}

static char *own(struct bench *bench, const char *text)
{
    return arena_strdup_null(&bench->arena, text);
}

static void tell(struct bench *bench, const char *layer, const char *suffix, const char *device, int64_t usable_kib)
{
    *LIST_ADD(&bench->told.levels, &bench->arena) = (struct level_fact){
        .layer = own(bench, layer),
        .suffix = own(bench, suffix),
        .device_path = own(bench, device),
        .usable_kib = usable_kib,
        .allocated_kib = usable_kib / 2,
    };
    bench->resource.fact = &bench->fact;
}

static void storage_alone_is_told_by_the_volume(void **state)
{
    static const char *const layers[] = { "STORAGE", NULL };
    const struct layer_object_doc *top;
    const struct layer_volume_doc *volume;
    struct bench bench;

    (void)state;
    bench_init(&bench, layers);
    top = view_layers(&bench.resource, &bench.arena);
    volume = &top->storage->storage_volumes.at[0];
    assert_string_equal(top->type, "STORAGE");
    assert_int_equal(top->children.count, 0);
    assert_int_equal(top->storage->storage_volumes.count, 1);
    assert_null(volume->device_path);
    assert_null(volume->disk_state);
    assert_int_equal(volume->allocated_size_kib, -1);
    assert_int_equal(volume->usable_size_kib, 65536);
    bench.resource.fact = &bench.fact;
    bench.told =
        (struct volume_fact){ .device_path = own(&bench, "/dev/loop1"), .usable_kib = 65540, .allocated_kib = 8 };
    volume = &view_layers(&bench.resource, &bench.arena)->storage->storage_volumes.at[0];
    assert_string_equal(volume->device_path, "/dev/loop1");
    assert_string_equal(volume->disk_state, "[]");
    assert_int_equal(volume->allocated_size_kib, 8);
    assert_int_equal(volume->usable_size_kib, 65540);
    arena_done(&bench.arena);
}

static const struct layer_object_doc *child(const struct layer_object_doc *level, uint32_t at, const char *type,
                                            const char *suffix)
{
    const struct layer_object_doc *found;

    assert_true(at < level->children.count);
    found = &level->children.at[at];
    assert_string_equal(found->type, type);
    if (suffix)
        assert_string_equal(found->resource_name_suffix, suffix);
    else
        assert_null(found->resource_name_suffix);
    return found;
}

/* Each layer once more for each side of the one above. */
static void sides_are_trees_of_their_own(void **state)
{
    static const char *const layers[] = { "CACHE", "WRITECACHE", "STORAGE", NULL };
    const struct layer_object_doc *top, *below;
    const struct layer_volume_doc *volume;
    struct bench bench;

    (void)state;
    bench_init(&bench, layers);
    tell(&bench, "CACHE", NULL, "/dev/mapper/cache", 65536);
    tell(&bench, "WRITECACHE", NULL, "/dev/mapper/slow", 65536);
    tell(&bench, "STORAGE", NULL, "/dev/loop1", 65536);
    tell(&bench, "STORAGE", ".cache", "/dev/loop2", 3277);
    tell(&bench, "WRITECACHE", ".dmcache_cache", "/dev/mapper/fast", 3280);
    tell(&bench, "STORAGE", ".dmcache_cache", "/dev/loop3", 3280);
    tell(&bench, "STORAGE", ".dmcache_cache.cache", "/dev/loop4", 1024);
    tell(&bench, "WRITECACHE", ".dmcache_meta", "/dev/mapper/meta", 4096);
    tell(&bench, "STORAGE", ".dmcache_meta", "/dev/loop5", 4096);
    top = view_layers(&bench.resource, &bench.arena);
    assert_string_equal(top->type, "CACHE");
    assert_int_equal(top->children.count, 3);
    volume = &top->cache->cache_volumes.at[0];
    assert_string_equal(volume->device_path, "/dev/mapper/cache");
    assert_string_equal(volume->device_path_cache, "/dev/mapper/fast");
    assert_string_equal(volume->device_meta_cache, "/dev/mapper/meta");
    assert_null(volume->backing_device);
    assert_null(volume->disk_state);
    assert_true(volume->volume_number.has);
    below = child(top, 0, "WRITECACHE", NULL);
    assert_string_equal(below->writecache->writecache_volumes.at[0].device_path_cache, "/dev/loop2");
    assert_null(below->writecache->writecache_volumes.at[0].device_meta_cache);
    assert_int_equal(below->children.count, 2);
    below = child(below, 1, "STORAGE", ".cache");
    assert_int_equal(below->storage->storage_volumes.at[0].usable_size_kib, 3277);
    below = child(child(top, 1, "WRITECACHE", ".dmcache_cache"), 1, "STORAGE", ".dmcache_cache.cache");
    assert_string_equal(below->storage->storage_volumes.at[0].device_path, "/dev/loop4");
    /* Nothing was told of this one. */
    below = child(child(top, 2, "WRITECACHE", ".dmcache_meta"), 1, "STORAGE", ".dmcache_meta.cache");
    assert_null(below->storage->storage_volumes.at[0].device_path);
    assert_int_equal(below->storage->storage_volumes.at[0].usable_size_kib, -1);
    arena_done(&bench.arena);
}

static void what_lies_below_is_shown(void **state)
{
    static const char *const layers[] = { "NVME", "LUKS", "STORAGE", NULL };
    const struct layer_object_doc *top, *below;
    struct bench bench;

    (void)state;
    bench_init(&bench, layers);
    tell(&bench, "NVME", NULL, NULL, 0);
    tell(&bench, "LUKS", NULL, "/dev/mapper/crypt", 65536);
    tell(&bench, "STORAGE", NULL, "/dev/vg/data_00000", 81920);
    top = view_layers(&bench.resource, &bench.arena);
    assert_string_equal(top->nvme->nvme_volumes.at[0].backing_device, "/dev/mapper/crypt");
    assert_false(top->nvme->nvme_volumes.at[0].opened.has);
    below = child(top, 0, "LUKS", NULL);
    assert_string_equal(below->luks->luks_volumes.at[0].backing_device, "/dev/vg/data_00000");
    assert_true(below->luks->luks_volumes.at[0].opened.value);
    child(below, 0, "STORAGE", NULL);
    arena_done(&bench.arena);
}

/* Clients take the last one for the volume's storage, so sides are not among them. */
static void a_volume_lists_its_own_layers(void **state)
{
    static const char *const layers[] = { "WRITECACHE", "STORAGE", NULL };
    struct volume_doc doc = { 0 };
    struct bench bench;

    (void)state;
    bench_init(&bench, layers);
    tell(&bench, "WRITECACHE", NULL, "/dev/mapper/slow", 65536);
    tell(&bench, "STORAGE", NULL, "/dev/loop1", 65540);
    tell(&bench, "STORAGE", ".cache", "/dev/loop2", 3277);
    view_volume_layers(&bench.resource, &bench.volume, &doc, &bench.arena);
    assert_int_equal(doc.layer_data_list.count, 2);
    assert_string_equal(doc.layer_data_list.at[0].type, "WRITECACHE");
    assert_string_equal(doc.layer_data_list.at[0].data->device_path_cache, "/dev/loop2");
    assert_string_equal(doc.layer_data_list.at[1].type, "STORAGE");
    assert_int_equal(doc.layer_data_list.at[1].data->usable_size_kib, 65540);
    arena_done(&bench.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storage_alone_is_told_by_the_volume),
        cmocka_unit_test(sides_are_trees_of_their_own),
        cmocka_unit_test(what_lies_below_is_shown),
        cmocka_unit_test(a_volume_lists_its_own_layers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
