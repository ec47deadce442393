/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "api/resource_group.h"
#include "api/storage_pool.h"
#include "base/json.h"
#include "base/text.h"
#include "model/layer.h"
#include "roles/client/lists.h"
#include "roles/client/pretty.h"
#include "roles/client/reply.h"
#include "roles/client/value.h"

static const struct storage_pool_doc *pool_of(const struct list_row *row)
{
    return row->document;
}

static void fill_name(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, pool_of(row)->storage_pool_name);
}

static void fill_node(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, pool_of(row)->node_name);
}

static void fill_driver(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, pool_of(row)->provider_kind);
}

static void fill_pool_name(struct cell *cell, const struct list_row *row)
{
    /* the first is what controllers of today send, the others what old ones did */
    static const char *const keys[] = { PROVIDER_POOL_PROPERTY, "StorDriver/ZPoolThin", "StorDriver/ZPool",
                                        "StorDriver/LvmVg", "StorDriver/FileDir" };
    const struct text_map *props = &pool_of(row)->props;
    const char *thin = text_map_find(props, "StorDriver/ThinPool");

    for (size_t i = 0; i < ARRAY_SIZE(keys) && !cell->text; i++)
        cell_set(cell, row, text_map_find(props, keys[i]));
    if (cell->text && thin && !text_map_find(props, keys[0]))
        cell_print(cell, row, "%s/%s", cell->text, thin);
}

static void fill_capacity(struct cell *cell, const struct list_row *row, const struct maybe_i64 *size_kib)
{
    const char *name = pool_of(row)->provider_kind;
    enum provider_kind kind;

    if (name && provider_kind_parse(name, &kind) && provider_can(kind, PROVIDER_UNMEASURED))
        return;
    if (size_kib->has)
        cell->text = value_format_size(row->arena, size_kib->value);
}

static void fill_free(struct cell *cell, const struct list_row *row)
{
    fill_capacity(cell, row, &pool_of(row)->free_capacity);
}

static void fill_total(struct cell *cell, const struct list_row *row)
{
    fill_capacity(cell, row, &pool_of(row)->total_capacity);
}

static void fill_snapshots(struct cell *cell, const struct list_row *row)
{
    cell->text = pool_of(row)->supports_snapshots.value ? "True" : "False";
}

static void fill_state(struct cell *cell, const struct list_row *row)
{
    const struct storage_pool_doc *pool = pool_of(row);
    bool is_warning = false, is_error = false;

    for (uint32_t i = 0; i < pool->reports.count; i++) {
        uint64_t type = (uint64_t)pool->reports.at[i].ret_code & RC_TYPE_MASK;

        is_error = is_error || type == RC_ERROR;
        is_warning = is_warning || type == RC_WARN;
    }
    if (is_error)
        *cell = (struct cell){ "Error", COLOR_RED };
    else if (is_warning)
        *cell = (struct cell){ "Warning", COLOR_YELLOW };
    else
        *cell = (struct cell){ "Ok", COLOR_GREEN };
}

static void fill_shared_name(struct cell *cell, const struct list_row *row)
{
    const char *name = pool_of(row)->free_space_mgr_name;

    /* "node;pool" is not shared; older controllers part them by a colon */
    if (name && !strpbrk(name, ":;"))
        cell_set(cell, row, name);
}

struct pool_list_state {
    struct arena *arena;
    struct text_list reports; /* each once, as JSON */
};

static void observe_pool(const struct list_row *row)
{
    struct pool_list_state *state = row->state;
    const struct storage_pool_doc *pool = pool_of(row);

    state->arena = row->arena;
    for (uint32_t i = 0; i < pool->reports.count; i++) {
        CLEANUP(buf_done) struct buf json = { 0 };
        struct json_writer writer = { .out = &json };
        struct rc_doc rc = pool->reports.at[i];

        rc.created_at = NULL; /* the same report at another time is the same */
        field_encode(&rc_doc_schema, &rc, FIELD_REST, &writer);
        if (!text_list_has(&state->reports, buf_text(&json)))
            text_list_add(&state->reports, buf_text(&json), row->arena);
    }
}

static void print_reports(struct client *client, void *owner)
{
    const struct pool_list_state *state = owner;

    for (uint32_t i = 0; i < state->reports.count; i++) {
        struct rc_doc rc = { 0 };
        struct field_error error;

        if (field_decode_text(&rc_doc_schema, &rc, state->reports.at[i], strlen(state->reports.at[i]), client->arena,
                              &error) == 0)
            reply_print_block(client, &rc);
    }
}

static const struct text_map *pool_props(const struct list_row *row)
{
    return &pool_of(row)->props;
}

static void write_text(struct json_writer *writer, const char *key, const char *text)
{
    json_key(writer, key);
    json_text(writer, text ? text : "");
}

static const char *v0_driver(const char *name)
{
    enum provider_kind kind;

    return name && provider_kind_parse(name, &kind) && provider_rows[kind].driver ? provider_rows[kind].driver : name;
}

static void write_pool_v0(struct json_writer *const *writers, const void *document)
{
    const struct storage_pool_doc *pool = document;
    struct json_writer *writer = writers[0];

    json_begin(writer, '{');
    write_text(writer, "stor_pool_uuid", pool->uuid);
    write_text(writer, "stor_pool_name", pool->storage_pool_name);
    write_text(writer, "node_name", pool->node_name);
    write_text(writer, "free_space_mgr_name", pool->free_space_mgr_name);
    if (pool->free_capacity.has) {
        json_key(writer, "free_space");
        json_begin(writer, '{');
        write_text(writer, "stor_pool_name", pool->storage_pool_name);
        json_key(writer, "free_capacity");
        json_i64(writer, pool->free_capacity.value);
        json_key(writer, "total_capacity");
        json_i64(writer, pool->total_capacity.value);
        json_end(writer, '}');
    }
    write_text(writer, "driver", v0_driver(pool->provider_kind));
    json_key(writer, "static_traits");
    pretty_write_pairs(writer, &pool->static_traits);
    json_key(writer, "props");
    pretty_write_pairs(writer, &pool->props);
    json_end(writer, '}');
}

static const struct list_column pool_columns[] = {
    { "StoragePool", fill_name },
    { "Node", fill_node },
    { "Driver", fill_driver },
    { "PoolName", fill_pool_name },
    { "FreeCapacity", fill_free, .is_right = true },
    { "TotalCapacity", fill_total, .is_right = true },
    { "CanSnapshots", fill_snapshots },
    { "State", fill_state },
    { "SharedName", fill_shared_name },
    { 0 },
};
const struct list list_storage_pools = {
    .schema = &storage_pool_doc_schema,
    .columns = pool_columns,
    .is_sorted = true,
    .props = pool_props,
    .state_size = sizeof(struct pool_list_state),
    .observe = observe_pool,
    .after = print_reports,
    .v0_names = "stor_pools",
    .write_v0 = write_pool_v0,
};

static const struct candidate_doc *candidate_of(const struct list_row *row)
{
    const struct max_volume_sizes_doc *sizes = row->document;

    return &sizes->candidates.at[row->index];
}

static uint32_t count_candidates(const void *document, const struct arguments *arguments)
{
    (void)arguments;
    return ((const struct max_volume_sizes_doc *)document)->candidates.count;
}

static void fill_candidate_pool(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, candidate_of(row)->storage_pool);
}

static void fill_candidate_size(struct cell *cell, const struct list_row *row)
{
    cell->text = value_format_size(row->arena, candidate_of(row)->max_volume_size_kib);
}

static void fill_candidate_provisioning(struct cell *cell, const struct list_row *row)
{
    const struct max_volume_sizes_doc *sizes = row->document;

    if (!candidate_of(row)->all_thin)
        cell->text = "Thick";
    else if (sizes->default_max_oversubscription_ratio.has)
        cell_print(cell, row, "Thin, oversubscription ratio %.1f", sizes->default_max_oversubscription_ratio.value);
    else
        cell->text = "Thin";
}

static void fill_candidate_nodes(struct cell *cell, const struct list_row *row)
{
    const char *nodes = value_join(row->arena, &candidate_of(row)->node_names, ", ");

    if (strlen(nodes) > 40)
        cell_print(cell, row, "%.37s...", nodes);
    else
        cell->text = nodes;
}

static const struct list_column max_volume_size_columns[] = {
    { "StoragePool", fill_candidate_pool },
    { "MaxVolumeSize", fill_candidate_size, .is_right = true },
    { "Provisioning", fill_candidate_provisioning },
    { "Nodes", fill_candidate_nodes },
    { 0 },
};
const struct list list_max_volume_sizes = {
    .schema = &max_volume_sizes_doc_schema,
    .columns = max_volume_size_columns,
    .count_rows = count_candidates,
};
