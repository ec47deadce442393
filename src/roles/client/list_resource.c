/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "api/resource.h"
#include "base/map.h"
#include "base/text.h"
#include "roles/client/lists.h"
#include "roles/client/pretty.h"
#include "roles/client/reply.h"
#include "roles/client/value.h"

static const struct resource_doc *resource_of(const struct list_row *row)
{
    return row->document;
}

static bool has_flag(const struct resource_doc *resource, const char *flag)
{
    return text_list_has(&resource->flags, flag);
}

static void fill_name(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, resource_of(row)->name);
}

static void fill_node(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, resource_of(row)->node_name);
}

static const struct drbd_layer_doc *drbd_of(const struct resource_doc *resource)
{
    return resource->layer_object ? resource->layer_object->drbd : NULL;
}

static void fill_ports(struct cell *cell, const struct list_row *row)
{
    const struct drbd_layer_doc *drbd = drbd_of(resource_of(row));
    const char *ports = "";

    for (uint32_t i = 0; drbd && i < drbd->tcp_ports.count; i++)
        ports = arena_printf(row->arena, "%s%s%lld", ports, *ports ? ", " : "", (long long)drbd->tcp_ports.at[i]);
    cell->text = ports;
}

/* Each layer once, top first. The reader of the document has limited the depth. */
static void add_layers(const struct layer_object_doc *layer, struct text_list *layers, struct arena *arena)
{
    if (layer->type && !text_list_has(layers, layer->type))
        text_list_add(layers, layer->type, arena);
    for (uint32_t i = 0; i < layer->children.count; i++)
        add_layers(&layer->children.at[i], layers, arena);
}

static void fill_layers(struct cell *cell, const struct list_row *row)
{
    const struct layer_object_doc *layer = resource_of(row)->layer_object;
    struct text_list layers = { 0 };

    if (layer && layer->children.count == 0) {
        cell_set(cell, row, layer->type);
        return;
    }
    if (layer)
        add_layers(layer, &layers, row->arena);
    cell->text = value_join(row->arena, &layers, ",");
}

static void fill_usage(struct cell *cell, const struct list_row *row)
{
    const struct resource_doc *resource = resource_of(row);

    if (!resource->state || !resource->state->in_use.has || has_flag(resource, "DELETE") ||
        has_flag(resource, "DRBD_DELETE") || has_flag(resource, "INACTIVE"))
        return;
    if (resource->state->in_use.value)
        *cell = (struct cell){ "InUse", COLOR_GREEN };
    else
        cell->text = "Unused";
}

static bool has_failed_connection(const struct resource_doc *resource)
{
    const struct drbd_layer_doc *drbd = drbd_of(resource);

    for (uint32_t i = 0; drbd && i < drbd->connections.count; i++)
        if (!drbd->connections.at[i].connected)
            return true;
    return false;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static struct cell disk_state(const struct resource_doc *resource, const struct volume_doc *volume)
{
    static const char *const bad[] = {
        "Inconsistent", "Failed", "To: Creating", "To: Attachable", "To: Attaching", NULL
    };
    static const char *const good[] = { "UpToDate", "Created", "Attached", NULL };
    bool is_drbd = volume->layer_data_list.count > 0 && volume->layer_data_list.at[0].type &&
                   strcmp(volume->layer_data_list.at[0].type, "DRBD") == 0;
    const char *state = volume->state ? volume->state->disk_state : NULL;

    if (!is_drbd && volume->layer_data_list.count > 0 && !state)
        return (struct cell){ "Created", COLOR_NONE };
    if (!state || strcmp(state, "DUnknown") == 0)
        return (struct cell){ "Unknown", COLOR_YELLOW };
    if (strcmp(state, "Diskless") == 0) {
        if (!has_flag(resource, "DISKLESS"))
            return (struct cell){ "Diskless", COLOR_RED };
        return (struct cell){ has_flag(resource, "TIE_BREAKER") ? "TieBreaker" : "Diskless", COLOR_NONE };
    }
    if (is_one_of(state, bad))
        return (struct cell){ state, COLOR_RED };
    return (struct cell){ state, is_one_of(state, good) ? COLOR_NONE : COLOR_YELLOW };
}

static struct cell volume_state(const struct resource_doc *resource, const struct volume_doc *volume,
                                struct arena *arena)
{
    struct cell cell = disk_state(resource, volume);

    if (text_list_has(&volume->flags, "RESIZE"))
        cell.text = arena_printf(arena, "Resizing, %s", cell.text);
    else
        cell.text = arena_strdup(arena, cell.text); /* the document does not live as long */
    return cell;
}

/* "R, N": the levels at which the satellite or a user told DRBD to go without its disk; NULL when none did. */
static const char *skip_disk_levels(const struct resource_doc *resource, struct arena *arena)
{
    static const struct {
        const char *type, *letters;
    } levels[] = {
        { "RESOURCE", "R" },
        { "RESOURCE_DEFINITION", "RD" },
        { "NODE", "N" },
        { "STORAGEPOOL", "SP" },
    };
    const struct effective_prop_doc *prop = NULL;
    struct text_list found = { 0 };

    for (uint32_t i = 0; i < resource->effective_props.count; i++)
        if (strcmp(resource->effective_props.at[i].key, "DrbdOptions/SkipDisk") == 0)
            prop = &resource->effective_props.at[i];
    if (!prop || !text_equal_fold(prop->value, "True"))
        return NULL;
    for (uint32_t i = 0; i <= prop->other.count; i++) {
        const char *type = i == 0 ? prop->type : prop->other.at[i - 1].type, *letters = "C";

        for (size_t j = 0; type && j < ARRAY_SIZE(levels); j++)
            letters = strcmp(type, levels[j].type) == 0 ? levels[j].letters : letters;
        text_list_add(&found, letters, arena);
    }
    return value_join(arena, &found, ", ");
}

static struct cell resource_state(const struct resource_doc *resource, struct arena *arena)
{
    struct cell cell = { "Unknown", COLOR_YELLOW };
    const char *levels = skip_disk_levels(resource, arena);

    if (has_flag(resource, "DELETE") || has_flag(resource, "DRBD_DELETE"))
        return (struct cell){ "DELETING", COLOR_RED };
    if (has_flag(resource, "INACTIVE"))
        return (struct cell){ "INACTIVE", COLOR_YELLOW };
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        cell = volume_state(resource, &resource->volumes.at[i], arena);
        if (cell.color != COLOR_NONE)
            break;
    }
    if (has_flag(resource, "EVACUATE"))
        cell.text = arena_printf(arena, "%s, Evacuating", cell.text);
    if (levels)
        cell = (struct cell){ arena_printf(arena, "%s, SkipDisk (%s)", cell.text, levels), COLOR_YELLOW };
    if (has_failed_connection(resource))
        cell.color = COLOR_RED;
    return cell;
}

static void fill_state(struct cell *cell, const struct list_row *row)
{
    *cell = resource_state(resource_of(row), row->arena);
}

/* "Connecting(charlie,delta),StandAlone(echo)" */
static const char *failed_connections(const struct drbd_layer_doc *drbd, struct arena *arena)
{
    const char *all = "";

    for (uint32_t i = 0; i < drbd->connections.count; i++) {
        const char *message = drbd->connections.at[i].message ? drbd->connections.at[i].message : "Unknown",
                   *peers = "";
        bool is_told = false;

        for (uint32_t j = 0; j < drbd->connections.count; j++) {
            const struct drbd_connection_doc *other = &drbd->connections.at[j];

            if (other->connected || strcmp(other->message ? other->message : "Unknown", message) != 0)
                continue;
            is_told = is_told || j < i;
            peers = arena_printf(arena, "%s%s%s", peers, *peers ? "," : "", other->peer);
        }
        if (!drbd->connections.at[i].connected && !is_told)
            all = arena_printf(arena, "%s%s%s(%s)", all, *all ? "," : "", message, peers);
    }
    return all;
}

static struct cell connections(const struct resource_doc *resource, struct arena *arena)
{
    if (strcmp(resource_state(resource, arena).text, "Unknown") == 0)
        return (struct cell){ 0 };
    if (!has_failed_connection(resource))
        return (struct cell){ "Ok", COLOR_NONE };
    return (struct cell){ failed_connections(drbd_of(resource), arena), COLOR_RED };
}

static void fill_connections(struct cell *cell, const struct list_row *row)
{
    *cell = connections(resource_of(row), row->arena);
}

static void fill_created(struct cell *cell, const struct list_row *row)
{
    if (resource_of(row)->create_timestamp.has)
        cell->text = value_format_time(row->clock, row->arena, resource_of(row)->create_timestamp.value);
}

/* Those that are not well. */
static bool keeps_resource(const struct list_row *row)
{
    struct cell conns = connections(resource_of(row), row->arena);

    return resource_state(resource_of(row), row->arena).color != COLOR_NONE || conns.color == COLOR_RED;
}

struct user {
    struct map_node by_name;
    uint32_t nodes;
};
struct resource_list_state {
    struct map users; /* resources that are in use */
    bool skips_disks;
};

static void observe_resource(const struct list_row *row)
{
    struct resource_list_state *state = row->state;
    const struct resource_doc *resource = resource_of(row);
    struct map_node *node;
    struct user *user;

    if (resource->effective_props.count > 0 && skip_disk_levels(resource, row->arena))
        state->skips_disks = true;
    if (!resource->state || !resource->state->in_use.value || !resource->name)
        return;
    node = map_find(&state->users, resource->name);
    if (!node) {
        user = arena_alloc(row->arena, sizeof(*user));
        user->by_name.key = arena_strdup(row->arena, resource->name);
        map_insert(&state->users, &user->by_name);
        node = &user->by_name;
    }
    CONTAINER_OF(node, struct user, by_name)->nodes++;
}

/* A resource that is in use on two nodes is worth a look. */
static void finish_resources(struct client *client, struct table *table, void *owner)
{
    const struct resource_list_state *state = owner;

    (void)client;
    for (uint32_t i = 0; i < table->rows.count; i++) {
        struct cell *cells = table->rows.at[i].cells;

        for (uint32_t j = 1; j < table->column_count; j++) {
            struct map_node *node;

            if (cells[j].color != COLOR_GREEN || !cells[0].text)
                continue;
            node = map_find(&state->users, cells[0].text);
            if (node && CONTAINER_OF(node, struct user, by_name)->nodes > 1)
                cells[j].color = COLOR_YELLOW;
        }
    }
}

static void tell_about_skip_disk(struct client *client, void *owner)
{
    const struct resource_list_state *state = owner;

    if (state->skips_disks)
        fputs(
            "SkipDisk:\n"
            "  At least one resource has 'DrbdOptions/SkipDisk' enabled. This indicates an IO error on the\n"
            "  affected resource(s). Remove this property (using 'linstor resource set-property $node $rsc "
            "DrbdOptions/SkipDisk') \n"
            "  to instruct LINSTOR and DRBD to adjust (and recreate if necessary) the affected logical volumes again.\n"
            "  For more information please visit: "
            "https://linbit.com/drbd-user-guide/linstor-guide-1_0-en/#s-linstor-drbd-skip-disk\n",
            client->out);
}

static const struct text_map *resource_props(const struct list_row *row)
{
    return &resource_of(row)->props;
}

static void write_text(struct json_writer *writer, const char *key, const char *text)
{
    json_key(writer, key);
    json_text(writer, text ? text : "");
}

static const struct layer_volume_doc *drbd_volume(const struct volume_doc *volume)
{
    for (uint32_t i = 0; i < volume->layer_data_list.count; i++) {
        const struct layer_volume_doc *data = volume->layer_data_list.at[i].data;

        if (data && data->drbd_volume_definition)
            return data;
    }
    return NULL;
}

static void write_volume_v0(struct json_writer *writer, const struct volume_doc *volume)
{
    const struct layer_volume_doc *drbd = drbd_volume(volume);

    json_begin(writer, '{');
    write_text(writer, "stor_pool_name", volume->storage_pool_name);
    json_key(writer, "vlm_nr");
    json_i64(writer, volume->volume_number);
    write_text(writer, "vlm_uuid", volume->uuid);
    if (volume->device_path)
        write_text(writer, "device_path", volume->device_path);
    if (drbd) {
        json_key(writer, "vlm_minor_nr");
        json_i64(writer, drbd->drbd_volume_definition->minor_number);
        write_text(writer, "backing_disk", drbd->backing_device);
        write_text(writer, "meta_disk", drbd->meta_disk);
    }
    if (volume->allocated_size_kib.has) {
        json_key(writer, "allocated");
        json_i64(writer, volume->allocated_size_kib.value);
    }
    json_end(writer, '}');
}

static void write_state_v0(struct json_writer *writer, const struct resource_doc *resource)
{
    json_begin(writer, '{');
    write_text(writer, "rsc_name", resource->name);
    write_text(writer, "node_name", resource->node_name);
    if (resource->state && resource->state->in_use.has) {
        json_key(writer, "in_use");
        json_bool(writer, resource->state->in_use.value);
    }
    json_key(writer, "vlm_states");
    json_begin(writer, '[');
    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        const struct volume_doc *volume = &resource->volumes.at[i];

        json_begin(writer, '{');
        json_key(writer, "vlm_nr");
        json_i64(writer, volume->volume_number);
        if (volume->state && volume->state->disk_state)
            write_text(writer, "disk_state", volume->state->disk_state);
        json_end(writer, '}');
    }
    json_end(writer, ']');
    json_end(writer, '}');
}

static void write_resource_v0(struct json_writer *const *writers, const void *document)
{
    const struct resource_doc *resource = document;
    struct json_writer *writer = writers[1];

    write_state_v0(writers[0], resource);
    json_begin(writer, '{');
    write_text(writer, "name", resource->name);
    write_text(writer, "uuid", resource->uuid);
    write_text(writer, "node_name", resource->node_name);
    json_key(writer, "rsc_flags");
    json_begin(writer, '[');
    for (uint32_t i = 0; i < resource->flags.count; i++)
        json_text(writer, resource->flags.at[i]);
    json_end(writer, ']');
    json_key(writer, "props");
    pretty_write_pairs(writer, &resource->props);
    json_key(writer, "vlms");
    json_begin(writer, '[');
    for (uint32_t i = 0; i < resource->volumes.count; i++)
        write_volume_v0(writer, &resource->volumes.at[i]);
    json_end(writer, ']');
    json_end(writer, '}');
}

static const struct list_column resource_columns[] = {
    { "ResourceName", fill_name },
    { "Node", fill_node },
    { "DRBD Ports", fill_ports, .when = "show-drbd-ports" },
    { "Layers", fill_layers },
    { "Usage", fill_usage },
    { "Conns", fill_connections, .color = COLOR_DARKGREEN },
    { "State", fill_state, .is_right = true, .color = COLOR_DARKGREEN },
    { "CreatedOn", fill_created },
    { 0 },
};
const struct list list_resources = {
    .schema = &resource_doc_schema,
    .columns = resource_columns,
    .is_sorted = true,
    .keeps = keeps_resource,
    .keeps_when = "faulty",
    .props = resource_props,
    .state_size = sizeof(struct resource_list_state),
    .observe = observe_resource,
    .finish = finish_resources,
    .after = tell_about_skip_disk,
    .v0_names = "resource_states resources",
    .write_v0 = write_resource_v0,
};

static const struct volume_doc *volume_of(const struct list_row *row)
{
    return &resource_of(row)->volumes.at[row->index];
}

static uint32_t count_volumes(const void *document, const struct arguments *arguments)
{
    (void)arguments;
    return ((const struct resource_doc *)document)->volumes.count;
}

static bool keeps_volume(const struct list_row *row)
{
    return !has_flag(resource_of(row), "INACTIVE") || has_flag(resource_of(row), "EVICTED");
}

static void fill_volume_pool(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, volume_of(row)->storage_pool_name ? volume_of(row)->storage_pool_name : "None");
}

static void fill_volume_number(struct cell *cell, const struct list_row *row)
{
    cell_print(cell, row, "%d", volume_of(row)->volume_number);
}

static void fill_volume_minor(struct cell *cell, const struct list_row *row)
{
    const struct layer_volume_doc *drbd = drbd_volume(volume_of(row));

    if (drbd)
        cell_print(cell, row, "%d", drbd->drbd_volume_definition->minor_number);
}

static void fill_volume_device(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, volume_of(row)->device_path ? volume_of(row)->device_path : "None");
}

static void fill_volume_allocated(struct cell *cell, const struct list_row *row)
{
    if (volume_of(row)->allocated_size_kib.value > 0)
        cell->text = value_format_size(row->arena, volume_of(row)->allocated_size_kib.value);
}

static void fill_volume_state(struct cell *cell, const struct list_row *row)
{
    const struct resource_doc *resource = resource_of(row);
    const char *levels = skip_disk_levels(resource, row->arena);

    for (uint32_t i = 0; i < volume_of(row)->reports.count; i++) {
        if (((uint64_t)volume_of(row)->reports.at[i].ret_code & RC_TYPE_MASK) == RC_ERROR) {
            *cell = (struct cell){ "Error", COLOR_RED };
            return;
        }
    }
    if (has_flag(resource, "INACTIVE")) {
        *cell = (struct cell){ "INACTIVE", COLOR_YELLOW };
        return;
    }
    if (has_flag(resource, "DELETE") || has_flag(resource, "DRBD_DELETE")) {
        *cell = (struct cell){ "DELETING", COLOR_RED };
        return;
    }
    *cell = volume_state(resource, volume_of(row), row->arena);
    if (levels)
        *cell = (struct cell){ arena_printf(row->arena, "%s, SkipDisk (%s)", cell->text, levels), COLOR_YELLOW };
    if (has_failed_connection(resource))
        cell->color = COLOR_RED;
}

/* "Established(2)" while all is well, else a line for each peer. */
static void fill_volume_replication(struct cell *cell, const struct list_row *row)
{
    static const char *const with_progress[] = { "SyncTarget", "PausedSyncS", "PausedSyncT", "VerifyT", NULL };
    const struct volume_state_doc *state = volume_of(row)->state;
    uint32_t count = state ? state->replication_states.count : 0, established = 0;
    const char *lines = "";

    for (uint32_t i = 0; i < count; i++) {
        const struct replication_state_doc *peer = &state->replication_states.at[i];
        const char *name = peer->replication_state ? peer->replication_state : "", *progress = "";

        established += strcmp(name, "Established") == 0;
        if (is_one_of(name, with_progress))
            progress =
                peer->done_percentage.has ? arena_printf(row->arena, "(%.2f%%)", peer->done_percentage.value) : "(?)";
        lines = arena_printf(row->arena, "%s%s%s: %s%s", lines, *lines ? "\n" : "", peer->peer, name, progress);
    }
    if (count > 0 && established == count)
        *cell = (struct cell){ arena_printf(row->arena, "Established(%u)", count), COLOR_GREEN };
    else if (count > 0)
        *cell = (struct cell){ lines, COLOR_YELLOW };
}

struct volume_list_state {
    struct arena *arena;
    struct text_list reports; /* each as JSON */
};

static void observe_volumes(const struct list_row *row)
{
    const struct resource_doc *resource = resource_of(row);
    struct volume_list_state *state = row->state;

    for (uint32_t i = 0; i < resource->volumes.count; i++) {
        for (uint32_t j = 0; j < resource->volumes.at[i].reports.count; j++) {
            CLEANUP(buf_done) struct buf json = { 0 };
            struct json_writer writer = { .out = &json };

            field_encode(&rc_doc_schema, &resource->volumes.at[i].reports.at[j], FIELD_REST, &writer);
            text_list_add(&state->reports, buf_text(&json), row->arena);
        }
    }
}

static void print_reports(struct client *client, void *owner)
{
    const struct volume_list_state *state = owner;

    for (uint32_t i = 0; i < state->reports.count; i++) {
        struct rc_doc rc = { 0 };
        struct field_error error;

        if (field_decode_text(&rc_doc_schema, &rc, state->reports.at[i], strlen(state->reports.at[i]), client->arena,
                              &error) == 0)
            reply_print_block(client, &rc);
    }
}

static const struct text_map *volume_props(const struct list_row *row)
{
    return &volume_of(row)->props;
}

static const struct list_column volume_columns[] = {
    { "Resource", fill_name },
    { "Node", fill_node },
    { "StoragePool", fill_volume_pool },
    { "VolNr", fill_volume_number, .is_right = true },
    { "MinorNr", fill_volume_minor, .is_right = true },
    { "DeviceName", fill_volume_device },
    { "Allocated", fill_volume_allocated, .is_right = true },
    { "InUse", fill_usage },
    { "State", fill_volume_state, .is_right = true, .color = COLOR_DARKGREEN },
    { "Repl", fill_volume_replication, .when = "!hide-replication-states" },
    { 0 },
};
const struct list list_volumes = {
    .schema = &resource_doc_schema,
    .columns = volume_columns,
    .count_rows = count_volumes,
    .keeps = keeps_volume,
    .props = volume_props,
    .state_size = sizeof(struct volume_list_state),
    .observe = observe_volumes,
    .after = print_reports,
    .v0_names = "resource_states resources",
    .write_v0 = write_resource_v0,
};
