/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "api/resource_group.h"
#include "net/uri.h"
#include "roles/client/lists.h"
#include "roles/client/session.h"
#include "roles/client/value.h"

static const struct resource_group_doc *group_of(const struct list_row *row)
{
    return row->document;
}

static void fill_name(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, group_of(row)->name);
}

static void add_line(const char **lines, struct arena *arena, const char *title, const char *text)
{
    *lines = arena_printf(arena, "%s%s%s: %s", *lines, **lines ? "\n" : "", title, text);
}

static void fill_filter(struct cell *cell, const struct list_row *row)
{
    const struct select_filter_doc *filter = group_of(row)->select_filter;
    struct arena *arena = row->arena;
    const char *lines = "", *map = "";

    if (!filter)
        return;
    const struct {
        const char *title;
        const struct text_list *list;
    } lists[] = {
        { "NotPlaceWithRsc", &filter->not_place_with_rsc },
        { "ReplicasOnSame", &filter->replicas_on_same },
        { "ReplicasOnDifferent", &filter->replicas_on_different },
        { "LayerStack", &filter->layer_stack },
        { "ProviderList", &filter->provider_list },
    };
    if (filter->place_count.has)
        add_line(&lines, arena, "PlaceCount", arena_printf(arena, "%d", filter->place_count.value));
    if (filter->storage_pool_list.count > 0)
        add_line(&lines, arena, "StoragePool(s)", value_join(arena, &filter->storage_pool_list, ", "));
    if (filter->diskless_on_remaining.has && filter->diskless_on_remaining.value)
        add_line(&lines, arena, "DisklessOnRemaining", "True");
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        if (lists[i].list->count > 0)
            add_line(&lines, arena, lists[i].title, value_quote_list(arena, lists[i].list));
        /* the order that users know has these two in between */
        if (i == 0 && filter->not_place_with_rsc_regex)
            add_line(&lines, arena, "NotPlaceWithRscRegex", filter->not_place_with_rsc_regex);
        if (i == 2 && filter->x_replicas_on_different_map.count > 0) {
            for (uint32_t j = 0; j < filter->x_replicas_on_different_map.count; j++)
                map = arena_printf(arena, "%s%s'%s': %lld", map, *map ? ", " : "",
                                   filter->x_replicas_on_different_map.at[j].key,
                                   (long long)filter->x_replicas_on_different_map.at[j].value);
            add_line(&lines, arena, "XReplicasOnDifferent", arena_printf(arena, "{%s}", map));
        }
    }
    cell->text = lines;
}

/* Put in by finish_groups, which knows the volume groups. */
static void fill_volume_numbers(struct cell *cell, const struct list_row *row)
{
    (void)row;
    cell->text = "";
}

static void fill_description(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, group_of(row)->description);
}

static const struct text_map *group_props(const struct list_row *row)
{
    return &group_of(row)->props;
}

/* The numbers of a group's volume groups, asked for one by one: the list of groups does not tell them. */
static const char *ask_volume_numbers(struct client *client, const char *group)
{
    CLEANUP(buf_done) struct buf name = { 0 };
    const char *numbers = "";
    const cJSON *item;
    cJSON *tree;
    int code;

    uri_encode(&name, group);
    tree = session_get(client, arena_printf(client->arena, "/v1/resource-groups/%s/volume-groups", buf_text(&name)),
                       &code);
    cJSON_ArrayForEach(item, tree)
    {
        const cJSON *number = cJSON_GetObjectItemCaseSensitive(item, "volume_number");

        if (cJSON_IsNumber(number))
            numbers = arena_printf(client->arena, "%s%s%d", numbers, *numbers ? "," : "", number->valueint);
    }
    cJSON_Delete(tree);
    return numbers;
}

enum { GROUP_NAME, GROUP_FILTER, GROUP_NUMBERS };

static void finish_groups(struct client *client, struct table *table, void *state)
{
    (void)state;
    for (uint32_t i = 0; i < table->rows.count; i++) {
        struct cell *cells = table->rows.at[i].cells;

        /* a list read from a file has nobody to ask */
        if (client->connected)
            cells[GROUP_NUMBERS].text = ask_volume_numbers(client, cells[GROUP_NAME].text);
    }
}

static const struct list_column group_columns[] = {
    [GROUP_NAME] = { "ResourceGroup", fill_name },
    [GROUP_FILTER] = { "SelectFilter", fill_filter },
    [GROUP_NUMBERS] = { "VlmNrs", fill_volume_numbers },
    { "Description", fill_description },
    { 0 },
};
const struct list list_resource_groups = {
    .schema = &resource_group_doc_schema,
    .columns = group_columns,
    .is_sorted = true,
    .props = group_props,
    .finish = finish_groups,
};

static const struct volume_group_doc *volume_group_of(const struct list_row *row)
{
    return row->document;
}

static void fill_volume_group_number(struct cell *cell, const struct list_row *row)
{
    cell_print(cell, row, "%d", volume_group_of(row)->volume_number.value);
}

static void fill_volume_group_flags(struct cell *cell, const struct list_row *row)
{
    cell->text = value_join(row->arena, &volume_group_of(row)->flags, ", ");
}

static const struct text_map *volume_group_props(const struct list_row *row)
{
    return &volume_group_of(row)->props;
}

static const struct list_column volume_group_columns[] = {
    { "VolumeNr", fill_volume_group_number },
    { "Flags", fill_volume_group_flags },
    { 0 },
};
const struct list list_volume_groups = {
    .schema = &volume_group_doc_schema,
    .columns = volume_group_columns,
    .is_sorted = true,
    .props = volume_group_props,
};

static const struct space_info_doc *space_of(const struct list_row *row)
{
    return ((const struct query_size_info_doc *)row->document)->space_info;
}

static uint32_t count_space_infos(const void *document, const struct arguments *arguments)
{
    (void)arguments;
    return ((const struct query_size_info_doc *)document)->space_info != NULL;
}

static void fill_max_size(struct cell *cell, const struct list_row *row)
{
    cell->text = value_format_size(row->arena, space_of(row)->max_vlm_size_in_kib);
}

static void fill_available(struct cell *cell, const struct list_row *row)
{
    if (space_of(row)->available_size_in_kib.has)
        cell->text = value_format_size(row->arena, space_of(row)->available_size_in_kib.value);
}

static void fill_capacity(struct cell *cell, const struct list_row *row)
{
    if (space_of(row)->capacity_in_kib.has)
        cell->text = value_format_size(row->arena, space_of(row)->capacity_in_kib.value);
}

static void fill_next_spawn(struct cell *cell, const struct list_row *row)
{
    const struct space_info_doc *space = space_of(row);
    const char *lines = "";

    for (uint32_t i = 0; i < space->next_spawn_result.count; i++)
        lines = arena_printf(row->arena, "%s%s%s on %s", lines, *lines ? "\n" : "",
                             space->next_spawn_result.at[i].stor_pool_name, space->next_spawn_result.at[i].node_name);
    cell->text = *lines ? lines : "-";
}

/* What keeps the controller from telling sizes comes in the answer of a success. */
static void observe_size_info(const struct list_row *row)
{
    const struct query_size_info_doc *info = row->document;
    struct text_list *reports = row->state;

    for (uint32_t i = 0; i < info->reports.count; i++) {
        CLEANUP(buf_done) struct buf json = { 0 };
        struct json_writer writer = { .out = &json };

        field_encode(&rc_doc_schema, &info->reports.at[i], FIELD_REST, &writer);
        text_list_add(reports, buf_text(&json), row->arena);
    }
}

static void keep_reports(struct client *client, void *state)
{
    const struct text_list *reports = state;

    for (uint32_t i = 0; i < reports->count; i++)
        *LIST_ADD(&client->replies, client->arena) = reports->at[i];
}

static const struct list_column size_info_columns[] = {
    { "MaxVolumeSize", fill_max_size, .is_right = true },
    { "AvailableSize", fill_available, .is_right = true },
    { "Capacity", fill_capacity, .is_right = true },
    { "Next Spawn Result", fill_next_spawn },
    { 0 },
};
const struct list list_size_info = {
    .schema = &query_size_info_doc_schema,
    .columns = size_info_columns,
    .count_rows = count_space_infos,
    .state_size = sizeof(struct text_list),
    .observe = observe_size_info,
    .after = keep_reports,
};
