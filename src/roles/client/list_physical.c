/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks of which storage pools can be made, those of the same size in one row. */
#include <string.h>

#include "api/physical_storage.h"
#include "base/json.h"
#include "base/text.h"
#include "roles/client/lists.h"
#include "roles/client/value.h"

struct disks_of_node {
    char *node;
    LIST_OF(struct physical_device_doc) devices;
};
struct disks_of_size {
    int64_t size_bytes;
    bool is_rotational;
    LIST_OF(struct disks_of_node) nodes;
};

/* What is asked of a document before it is decoded by hand: names of members are names of nodes. */
static const struct field disks_of_size_fields[] = {
    FIELD_AS(disks_of_size, "size", size_bytes, 0),
    FIELD_AS(disks_of_size, "rotational", is_rotational, 0),
};
static SCHEMA(disks_of_size)

    static int decode_node(struct disks_of_node *disks, const cJSON *json, struct arena *arena,
                           struct field_error *error)
{
    disks->node = arena_strdup(arena, json->string);
    for (const cJSON *item = cJSON_IsArray(json) ? json->child : NULL; item; item = item->next)
        if (field_decode(&physical_device_doc_schema, LIST_ADD(&disks->devices, arena), item, arena, error) < 0)
            return -1;
    return 0;
}

static int decode(void *document, const cJSON *json, struct arena *arena, struct field_error *error)
{
    struct disks_of_size *disks = document;
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(json, "nodes");

    for (const cJSON *node = cJSON_IsObject(nodes) ? nodes->child : NULL; node; node = node->next)
        if (decode_node(LIST_ADD(&disks->nodes, arena), node, arena, error) < 0)
            return -1;
    return 0;
}

static const struct disks_of_size *disks_of(const struct list_row *row)
{
    return row->document;
}

static void fill_size(struct cell *cell, const struct list_row *row)
{
    cell->text = value_format_size(row->arena, disks_of(row)->size_bytes / 1024);
}

static void fill_rotational(struct cell *cell, const struct list_row *row)
{
    cell->text = disks_of(row)->is_rotational ? "True" : "False";
}

/* "/dev/sdb(SERIAL,WWN)", as far as they are known. */
static void print_device(struct buf *text, const struct physical_device_doc *device)
{
    buf_add_text(text, device->device ? device->device : "");
    if (!device->serial && !device->wwn)
        return;
    buf_printf(text, "(%s%s%s)", device->serial ? device->serial : "", device->serial && device->wwn ? "," : "",
               device->wwn ? device->wwn : "");
}

/* A line for each node: "alpha[/dev/sdb,/dev/sdc]" */
static void fill_nodes(struct cell *cell, const struct list_row *row)
{
    CLEANUP(buf_done) struct buf text = { 0 };

    for (uint32_t i = 0; i < disks_of(row)->nodes.count; i++) {
        const struct disks_of_node *disks = &disks_of(row)->nodes.at[i];

        buf_printf(&text, "%s%s[", i > 0 ? "\n" : "", disks->node);
        for (uint32_t d = 0; d < disks->devices.count; d++) {
            buf_add_text(&text, d > 0 ? "," : "");
            print_device(&text, &disks->devices.at[d]);
        }
        buf_add_char(&text, ']');
    }
    cell_set(cell, row, buf_text(&text));
}

static const struct list_column columns[] = {
    { "Size", fill_size, .is_right = true },
    { "Rotational", fill_rotational },
    { "Nodes", fill_nodes },
    { 0 },
};
const struct list list_physical_storage = {
    .schema = &disks_of_size_schema,
    .columns = columns,
    .decode = decode,
};
