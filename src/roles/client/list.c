/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One reader serves the three forms of output. The splitter hands over element after element; for a table it is decoded
 * and becomes rows, for programs its text is indented as it is, or written in the older form.
 */
#include "roles/client/list.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/json_split.h"
#include "base/text.h"
#include "roles/client/pretty.h"
#include "roles/client/request.h"
#include "roles/client/session.h"
#include "roles/client/value.h"

enum { COLUMNS_LIMIT = 64, V0_PARTS = 2, FROM_FILE_LIMIT = 1 << 30 };

struct reader {
    struct call *call;
    const struct list *list;
    struct json_split split;
    struct arena document_arena;
    void *document;
    struct table table;
    const struct list_column *shown[COLUMNS_LIMIT]; /* of each column of the table; NULL: a property */
    const char *props[COLUMNS_LIMIT];
    bool drops_rows; /* list->keeps is to be asked */
    struct value_clock clock;
    void *state;
    uint32_t count; /* elements so far */
    struct buf parts[V0_PARTS];
    struct json_writer writers[V0_PARTS];
    struct buf out;   /* JSON in the newer form */
    struct buf whole; /* the answer, when the list is a member of it */
    const char *error;
};

void cell_set_color(struct cell *cell, const struct list_row *row, const char *text, enum color color)
{
    cell->text = text && *text ? arena_strdup(row->arena, text) : NULL;
    cell->color = color;
}

void cell_set(struct cell *cell, const struct list_row *row, const char *text)
{
    cell_set_color(cell, row, text, COLOR_NONE);
}

void cell_print(struct cell *cell, const struct list_row *row, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    cell->text = arena_vprintf(row->arena, format, args);
    va_end(args);
}

static bool is_same_title(const char *title, const char *name, bool with_blanks)
{
    for (; *title; title++) {
        if (*title == ' ' && !with_blanks)
            continue;
        if (tolower((unsigned char)*title) != *name)
            return false;
        name++;
    }
    return !*name;
}

int list_find_column(const struct list *list, const char *name)
{
    for (int i = 0; list->columns[i].title; i++)
        if (is_same_title(list->columns[i].title, name, true) || is_same_title(list->columns[i].title, name, false))
            return i;
    return -1;
}

const struct text_list *list_column_names(const struct list *list, struct arena *arena)
{
    struct text_list *names = arena_alloc(arena, sizeof(*names));

    for (const struct list_column *column = list->columns; column->title; column++) {
        char *name = arena_strdup(arena, column->title);

        for (char *at = name; *at; at++)
            *at = (char)tolower((unsigned char)*at);
        *LIST_ADD(names, arena) = name;
    }
    return names;
}

static bool is_shown(const struct arguments *arguments, const struct list_column *column)
{
    if (!column->when)
        return true;
    return column->when[0] == '!' ? !arguments_have(arguments, column->when + 1)
                                  : arguments_have(arguments, column->when);
}

/* "Aux/site=Site" -> the column "Site" of the property "Aux/site" */
static uint32_t add_prop_columns(struct reader *reader, struct table_column *columns, uint32_t count)
{
    const struct argument_value *props = arguments_find(reader->call->arguments, "show-props");

    for (uint32_t i = 0; props && i < props->texts.count && count < COLUMNS_LIMIT; i++) {
        const char *text = props->texts.at[i], *equals = strchr(text, '=');

        reader->props[count] = equals ? arena_strndup(reader->call->arena, text, (size_t)(equals - text)) : text;
        columns[count++] = (struct table_column){ .title = equals ? equals + 1 : text };
    }
    return count;
}

static void start_table(struct reader *reader)
{
    struct table_column columns[COLUMNS_LIMIT];
    uint32_t count = 0;

    for (const struct list_column *column = reader->list->columns; column->title; column++) {
        if (!is_shown(reader->call->arguments, column))
            continue;
        reader->shown[count] = column;
        columns[count++] = (struct table_column){ column->title, column->is_right, column->color };
    }
    count = add_prop_columns(reader, columns, count);
    table_init(&reader->table, reader->call->arena, columns, count);
}

static void add_rows(struct reader *reader)
{
    const struct list *list = reader->list;
    struct list_row row = { .document = reader->document,
                            .arena = reader->call->arena,
                            .clock = &reader->clock,
                            .arguments = reader->call->arguments,
                            .state = reader->state };
    uint32_t rows = list->count_rows ? list->count_rows(reader->document, reader->call->arguments) : 1;

    if (list->observe)
        list->observe(&row);
    for (; row.index < rows; row.index++) {
        const struct text_map *props = list->props ? list->props(&row) : NULL;
        struct cell *cells;

        if (reader->drops_rows && !list->keeps(&row))
            continue;
        cells = table_add_row(&reader->table);
        for (uint32_t i = 0; i < reader->table.column_count; i++) {
            if (reader->shown[i])
                reader->shown[i]->fill(&cells[i], &row);
            else if (props)
                cell_set(&cells[i], &row, text_map_find(props, reader->props[i]));
        }
    }
}

static int decode_rest(struct reader *reader, const char *text, size_t length, struct field_error *error)
{
    struct json_error ignored; /* it was JSON a moment ago */
    cJSON *json = reader->list->decode ? json_parse(text, length, &ignored) : NULL;
    int result = json ? reader->list->decode(reader->document, json, &reader->document_arena, error) : 0;

    cJSON_Delete(json);
    return result;
}

static bool decode(struct reader *reader, const char *text, size_t length)
{
    struct field_error error = { 0 };

    arena_reset(&reader->document_arena);
    reader->document = arena_alloc(&reader->document_arena, reader->list->schema->size);
    if (field_scan_text(reader->list->schema, reader->document, text, length, &reader->document_arena, &error) == 0 &&
        decode_rest(reader, text, length, &error) == 0)
        return true;
    reader->error = arena_printf(reader->call->arena, "element %u: %s", reader->count, error.message);
    return false;
}

/* Programs get the answer as the one element of a list. */
static bool is_wrapped(const struct reader *reader)
{
    return !reader->split.is_single && !reader->list->is_flat;
}

static bool take_element(void *owner, const char *text, size_t length)
{
    struct reader *reader = owner;
    struct client *client = reader->call->client;

    if (client->is_machine && !(client->is_v0 && reader->list->v0_names)) {
        unsigned depth = is_wrapped(reader) ? 2 : 1;

        if (reader->count++ > 0)
            buf_add_char(&reader->out, ',');
        pretty_new_line(&reader->out, depth);
        pretty_json(&reader->out, text, length, depth);
        return true;
    }
    if (!decode(reader, text, length))
        return false;
    reader->count++;
    if (client->is_machine) {
        struct json_writer *writers[V0_PARTS] = { &reader->writers[0], &reader->writers[1] };

        reader->list->write_v0(writers, reader->document);
    } else {
        add_rows(reader);
    }
    return true;
}

static bool take_bytes(void *owner, const char *bytes, size_t length)
{
    struct reader *reader = owner;

    if (reader->list->member && !reader->call->client->is_machine) {
        buf_add(&reader->whole, bytes, length);
        return true;
    }
    return json_split_feed(&reader->split, bytes, length) == 0;
}

/* The member's elements, from the whole answer. */
static void take_member(struct reader *reader)
{
    struct json_error error;
    cJSON *tree = json_parse(buf_text(&reader->whole), reader->whole.length, &error);
    const cJSON *item;

    if (!tree)
        reader->error = arena_strdup(reader->call->arena, error.message);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(tree, reader->list->member))
    {
        char *text = cJSON_PrintUnformatted(item);

        if (text && !reader->error)
            take_element(reader, text, strlen(text));
        cJSON_free(text);
    }
    cJSON_Delete(tree);
}

static void print_v0(struct reader *reader)
{
    CLEANUP(buf_done) struct buf json = { 0 };
    int length;

    buf_add_text(&json, "[{");
    for (unsigned i = 0; i < V0_PARTS; i++) {
        const char *name = names_at(reader->list->v0_names, i, &length);

        if (length > 0)
            buf_printf(&json, "%s\"%.*s\":[%s]", i > 0 ? "," : "", length, name, buf_text(&reader->parts[i]));
    }
    buf_add_text(&json, "}]");
    pretty_json(&reader->out, buf_text(&json), json.length, 0);
    buf_add_char(&reader->out, '\n');
    client_print(reader->call->client, &reader->out);
}

static void print_machine(struct reader *reader)
{
    CLEANUP(buf_done) struct buf head = { 0 };
    struct client *client = reader->call->client;

    if (client->is_v0 && reader->list->v0_names) {
        print_v0(reader);
        return;
    }
    buf_add_char(&head, '[');
    if (is_wrapped(reader)) {
        pretty_new_line(&head, 1);
        buf_add_char(&head, '[');
        if (reader->count > 0)
            pretty_new_line(&reader->out, 1);
        buf_add_char(&reader->out, ']');
    }
    buf_add_text(&reader->out, is_wrapped(reader) || reader->count > 0 ? "\n]\n" : "]\n");
    client_print(client, &head);
    client_print(client, &reader->out);
}

static void sort_table(struct reader *reader)
{
    const struct argument_value *group = arguments_find(reader->call->arguments, "groupby");
    uint32_t columns[COLUMNS_LIMIT] = { 0 }, count = 0;

    for (uint32_t i = 0; group && i < group->texts.count && count < COLUMNS_LIMIT; i++) {
        int wanted = list_find_column(reader->list, group->texts.at[i]);

        for (uint32_t j = 0; j < reader->table.column_count; j++)
            if (wanted >= 0 && reader->shown[j] == &reader->list->columns[wanted])
                columns[count++] = j;
    }
    if (reader->list->is_sorted && reader->table.column_count > 0)
        table_sort(&reader->table, columns, count > 0 ? count : 1);
}

static void print_table(struct reader *reader)
{
    struct client *client = reader->call->client;
    bool is_pastable = arguments_have(reader->call->arguments, "pastable");
    struct table_style style = { client->utf8 && !is_pastable, client->color && !is_pastable };

    if (reader->list->finish)
        reader->list->finish(client, &reader->table, reader->state);
    sort_table(reader);
    buf_clear(&reader->out);
    table_print(&reader->table, style, &reader->out);
    client_print(client, &reader->out);
    if (reader->list->after)
        reader->list->after(client, reader->state);
}

static void reader_done(struct reader *reader)
{
    json_split_done(&reader->split);
    arena_done(&reader->document_arena);
    buf_done(&reader->out);
    buf_done(&reader->whole);
    for (unsigned i = 0; i < V0_PARTS; i++)
        buf_done(&reader->parts[i]);
}

/* A saved answer, in place of one from a controller. */
static int read_file(struct reader *reader, const char *path)
{
    CLEANUP(buf_done) struct buf text = { 0 };
    int error = text_read_file(strcmp(path, "-") == 0 ? "/dev/stdin" : path, FROM_FILE_LIMIT, &text);

    if (error != 0)
        return client_fail(reader->call->client, EXIT_ARGUMENTS, "Error: %s: %s", path, strerror(-error));
    take_bytes(reader, buf_text(&text), text.length);
    return EXIT_OK;
}

static void reader_init(struct reader *reader, struct call *call, const struct list *list)
{
    *reader = (struct reader){ .call = call, .list = list };
    json_split_init(&reader->split, take_element, reader);
    reader->state = arena_alloc(call->arena, list->state_size + 1);
    for (unsigned i = 0; i < V0_PARTS; i++)
        reader->writers[i].out = &reader->parts[i];
    start_table(reader);
    reader->drops_rows = list->keeps && (!list->keeps_when || arguments_have(call->arguments, list->keeps_when));
}

/* All has been read, or could not be. */
static int show(struct reader *reader, int code, const char *target)
{
    struct client *client = reader->call->client;

    if (code == EXIT_OK && reader->list->member && !client->is_machine && !client->is_curl)
        take_member(reader);
    else if (code == EXIT_OK && !client->is_curl && !reader->error && !reader->split.error &&
             json_split_end(&reader->split) != 0)
        reader->error = reader->error ? reader->error : reader->split.error;
    if (reader->error || reader->split.error)
        code =
            client_fail(client, EXIT_ERROR, "Error: Unable to parse REST json data: %s\nRequest-Uri: %s; Status: 200",
                        reader->error ? reader->error : reader->split.error, target);
    else if (code == EXIT_OK && client->is_machine && !client->is_curl)
        print_machine(reader);
    else if (code == EXIT_OK && !client->is_curl)
        print_table(reader);
    reader_done(reader);
    return code;
}

int list_run_request(struct call *call, const struct list *list, const char *method, const char *target,
                     const char *body)
{
    const char *file = arguments_text(call->arguments, "from-file");
    struct reader reader;
    int code;

    reader_init(&reader, call, list);
    if (file)
        code = read_file(&reader, file);
    else
        code = session_request(call->client, method, target, body, take_bytes, &reader, NULL);
    return show(&reader, code, target);
}

int list_show(struct call *call, const struct list *list, const struct buf *answer)
{
    struct reader reader;

    reader_init(&reader, call, list);
    take_bytes(&reader, buf_text(answer), answer->length);
    return show(&reader, EXIT_OK, call->command->target);
}

int list_run(struct call *call)
{
    const struct command *command = call->command;
    const char *path = request_add_query(call, request_path(call, command->target, NULL));
    int code = request_build_body(call);

    if (!path)
        return EXIT_ARGUMENTS;
    if (code == EXIT_OK && command->prepare)
        code = command->prepare(call);
    if (code != EXIT_OK)
        return code;
    return list_run_request(call, command->list, command->method, path, request_body_text(call));
}
