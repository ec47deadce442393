/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "api/resource_definition.h"
#include "roles/client/lists.h"
#include "roles/client/pretty.h"
#include "roles/client/value.h"

static const struct resource_definition_doc *definition_of(const struct list_row *row)
{
    return row->document;
}

static void fill_name(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, definition_of(row)->name);
}

static void fill_external(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, definition_of(row)->external_name);
}

static const struct drbd_definition_doc *drbd_of(const struct resource_definition_doc *definition)
{
    for (uint32_t i = 0; i < definition->layer_data.count; i++)
        if (definition->layer_data.at[i].data)
            return definition->layer_data.at[i].data;
    return NULL;
}

static void fill_port(struct cell *cell, const struct list_row *row)
{
    const struct drbd_definition_doc *drbd = drbd_of(definition_of(row));

    if (drbd && drbd->port >= 0)
        cell_print(cell, row, "%d", drbd->port);
    else
        cell->text = "-";
}

static void fill_group(struct cell *cell, const struct list_row *row)
{
    cell_set(cell, row, definition_of(row)->resource_group_name);
}

static void fill_layers(struct cell *cell, const struct list_row *row)
{
    const struct resource_definition_doc *definition = definition_of(row);
    struct text_list layers = { 0 };

    for (uint32_t i = 0; i < definition->layer_data.count; i++)
        text_list_add(&layers, definition->layer_data.at[i].type, row->arena);
    cell->text = value_join(row->arena, &layers, ",");
}

static void fill_state(struct cell *cell, const struct list_row *row)
{
    const struct text_list *flags = &definition_of(row)->flags;

    if (text_list_has(flags, "DELETE") || text_list_has(flags, "FAILED"))
        *cell = (struct cell){ "DELETE", COLOR_RED };
    else if (text_list_has(flags, "CLONING") || text_list_has(flags, "RESTORE_TARGET"))
        *cell = (struct cell){ "CLONING", COLOR_YELLOW };
    else
        *cell = (struct cell){ "ok", COLOR_DARKGREEN };
}

static const struct text_map *definition_props(const struct list_row *row)
{
    return &definition_of(row)->props;
}

static int32_t minor_of(const struct volume_definition_doc *volume)
{
    for (uint32_t i = 0; i < volume->layer_data.count; i++)
        if (volume->layer_data.at[i].data)
            return volume->layer_data.at[i].data->minor_number;
    return -1;
}

static void write_flags(struct json_writer *writer, const char *key, const struct text_list *flags)
{
    json_key(writer, key);
    json_begin(writer, '[');
    for (uint32_t i = 0; i < flags->count; i++)
        json_text(writer, flags->at[i]);
    json_end(writer, ']');
}

static void write_text(struct json_writer *writer, const char *key, const char *text)
{
    json_key(writer, key);
    json_text(writer, text ? text : "");
}

static void write_definition_v0(struct json_writer *const *writers, const void *document)
{
    const struct resource_definition_doc *definition = document;
    const struct drbd_definition_doc *drbd = drbd_of(definition);
    struct json_writer *writer = writers[0];

    json_begin(writer, '{');
    write_text(writer, "rsc_name", definition->name);
    write_text(writer, "rsc_dfn_uuid", definition->uuid);
    json_key(writer, "vlm_dfns");
    json_begin(writer, '[');
    for (uint32_t i = 0; i < definition->volume_definitions.count; i++) {
        const struct volume_definition_doc *volume = &definition->volume_definitions.at[i];

        json_begin(writer, '{');
        json_key(writer, "vlm_nr");
        json_i64(writer, volume->volume_number.value);
        json_key(writer, "vlm_size");
        json_i64(writer, volume->size_kib);
        write_text(writer, "vlm_dfn_uuid", volume->uuid);
        write_flags(writer, "vlm_flags", &volume->flags);
        json_key(writer, "vlm_props");
        pretty_write_pairs(writer, &volume->props);
        if (minor_of(volume) >= 0) {
            json_key(writer, "vlm_minor");
            json_i64(writer, minor_of(volume));
        }
        json_end(writer, '}');
    }
    json_end(writer, ']');
    write_flags(writer, "rsc_dfn_flags", &definition->flags);
    json_key(writer, "rsc_dfn_props");
    pretty_write_pairs(writer, &definition->props);
    if (drbd) {
        json_key(writer, "rsc_dfn_port");
        json_i64(writer, drbd->port);
        write_text(writer, "rsc_dfn_secret", drbd->secret);
    }
    json_end(writer, '}');
}

static const struct list_column definition_columns[] = {
    { "ResourceName", fill_name },
    { "External", fill_external, .when = "external-name" },
    { "Port", fill_port, .when = "show-preferred-drbd-ports" },
    { "ResourceGroup", fill_group },
    { "Layers", fill_layers },
    { "State", fill_state },
    { 0 },
};
const struct list list_resource_definitions = {
    .schema = &resource_definition_doc_schema,
    .columns = definition_columns,
    .is_sorted = true,
    .props = definition_props,
    .v0_names = "rsc_dfns",
    .write_v0 = write_definition_v0,
};

static const struct volume_definition_doc *volume_of(const struct list_row *row)
{
    return &definition_of(row)->volume_definitions.at[row->index];
}

static uint32_t count_volumes(const void *document, const struct arguments *arguments)
{
    (void)arguments;
    return ((const struct resource_definition_doc *)document)->volume_definitions.count;
}

static void fill_volume_number(struct cell *cell, const struct list_row *row)
{
    cell_print(cell, row, "%d", volume_of(row)->volume_number.value);
}

static void fill_volume_minor(struct cell *cell, const struct list_row *row)
{
    if (minor_of(volume_of(row)) >= 0)
        cell_print(cell, row, "%d", minor_of(volume_of(row)));
}

static void fill_volume_size(struct cell *cell, const struct list_row *row)
{
    cell->text = value_format_size(row->arena, volume_of(row)->size_kib);
}

static void fill_volume_gross(struct cell *cell, const struct list_row *row)
{
    cell->text = text_list_has(&volume_of(row)->flags, "GROSS_SIZE") ? "+" : "";
}

static void fill_volume_state(struct cell *cell, const struct list_row *row)
{
    const struct text_list *flags = &volume_of(row)->flags;

    if (text_list_has(flags, "DELETE"))
        *cell = (struct cell){ "DELETING", COLOR_RED };
    else if (text_list_has(flags, "RESIZE"))
        *cell = (struct cell){ "resizing", COLOR_DARKPINK };
    else
        *cell = (struct cell){ "ok", COLOR_DARKGREEN };
}

static const struct text_map *volume_props(const struct list_row *row)
{
    return &volume_of(row)->props;
}

static const struct list_column volume_columns[] = {
    { "ResourceName", fill_name },
    { "External", fill_external, .when = "external-name" },
    { "VolumeNr", fill_volume_number },
    { "VolumeMinor", fill_volume_minor },
    { "Size", fill_volume_size },
    { "Gross", fill_volume_gross },
    { "State", fill_volume_state, .color = COLOR_DARKGREEN },
    { 0 },
};
const struct list list_volume_definitions = {
    .schema = &resource_definition_doc_schema,
    .columns = volume_columns,
    .is_sorted = true,
    .count_rows = count_volumes,
    .props = volume_props,
    .v0_names = "rsc_dfns",
    .write_v0 = write_definition_v0,
};
