/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Properties of any object: setting one, and listing all. Where an answer has them is said by the command's row:
 * "map": the answer itself; "first": of the first element; "volumes" and the like: of the element of that list, in the
 * first element, whose volume_number is given; "number": of the element of the answer with that number.
 */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "roles/client/commands.h"
#include "roles/client/pretty.h"
#include "roles/client/request.h"
#include "roles/client/session.h"

const struct argument arguments_property[] = {
    { "--aux", .count = COUNT_FLAG, .help = "A property of your own: Aux/ is put before the key." },
    { "key", .help = "The property." },
    { "value", .count = COUNT_OPTIONAL, .help = "Its value; without one the property is deleted." },
    { 0 },
};
const struct argument arguments_pastable[] = { ARGUMENT_PASTABLE, { 0 } };

int run_set_property(struct call *call)
{
    const char *key = arguments_text(call->arguments, "key"), *value = arguments_text(call->arguments, "value");
    struct json_writer writer = { .out = &(struct buf){ 0 } };
    int code;

    if (arguments_have(call->arguments, "aux"))
        key = arena_printf(call->arena, "Aux/%s", key);
    json_begin(&writer, '{');
    json_key(&writer, value && *value ? "override_props" : "delete_props");
    if (value && *value) {
        json_begin(&writer, '{');
        json_key(&writer, key);
        json_text(&writer, value);
        json_end(&writer, '}');
    } else {
        json_begin(&writer, '[');
        json_text(&writer, key);
        json_end(&writer, ']');
    }
    json_end(&writer, '}');
    code = session_send(call->client, call->command->method, request_path(call, call->command->target, NULL),
                        buf_text(writer.out));
    buf_done(writer.out);
    return code;
}

static const cJSON *with_number(const cJSON *list, const char *number)
{
    const cJSON *item;
    int64_t wanted;

    if (!number || !text_parse_i64(number, 0, INT32_MAX, &wanted))
        return NULL;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *own = cJSON_GetObjectItemCaseSensitive(item, "volume_number");

        if (cJSON_IsNumber(own) && own->valueint == wanted)
            return item;
    }
    return NULL;
}

/* The object that has the properties. */
static const cJSON *find_properties(struct call *call, const cJSON *answer)
{
    const char *where = call->command->properties, *number = arguments_text(call->arguments, "number");
    const cJSON *object = cJSON_IsArray(answer) ? answer->child : answer;

    if (strcmp(where, "map") == 0)
        return answer;
    if (strcmp(where, "number") == 0)
        object = with_number(answer, number);
    else if (strcmp(where, "first") != 0)
        object = with_number(cJSON_GetObjectItemCaseSensitive(object, where), number);
    return cJSON_GetObjectItemCaseSensitive(object, "props");
}

static void print_machine(struct call *call, const cJSON *props)
{
    CLEANUP(buf_done) struct buf json = { 0 }, out = { 0 };
    struct json_writer writer = { .out = &json };
    const cJSON *item;

    json_begin(&writer, '[');
    json_begin(&writer, '[');
    cJSON_ArrayForEach(item, props)
    {
        json_begin(&writer, '{');
        json_key(&writer, "key");
        json_text(&writer, item->string);
        json_key(&writer, "value");
        json_text(&writer, cJSON_IsString(item) ? item->valuestring : "");
        json_end(&writer, '}');
    }
    json_end(&writer, ']');
    json_end(&writer, ']');
    if (props && props->child)
        pretty_json(&out, buf_text(&json), json.length, 0);
    buf_add_char(&out, '\n');
    client_print(call->client, &out);
}

static void print_table(struct call *call, const cJSON *props)
{
    static const struct table_column columns[] = { { "Key" }, { "Value" } };
    CLEANUP(buf_done) struct buf out = { 0 };
    bool is_pastable = arguments_have(call->arguments, "pastable");
    struct table_style style = { call->client->utf8 && !is_pastable, call->client->color && !is_pastable };
    struct text_map sorted = { 0 };
    struct table table;
    const cJSON *item;

    cJSON_ArrayForEach(item, props)
    {
        text_map_set(&sorted, item->string, cJSON_IsString(item) ? item->valuestring : "", call->arena);
    }
    table_init(&table, call->arena, columns, ARRAY_SIZE(columns));
    for (uint32_t i = 0; i < sorted.count; i++) {
        struct cell *cells = table_add_row(&table);

        cells[0].text = sorted.at[i].key;
        cells[1].text = sorted.at[i].value;
    }
    table_print(&table, style, &out);
    client_print(call->client, &out);
}

static int show(struct call *call, const cJSON *answer)
{
    const cJSON *props = find_properties(call, answer);
    const char *node = arguments_text(call->arguments, "node");

    if (call->client->is_machine) {
        print_machine(call, props);
        return EXIT_OK;
    }
    if (!props || !props->child) {
        if (node && strcmp(call->command->properties, "first") == 0 && call->arguments->path[1] &&
            text_starts_with(call->command->target, "/v1/nodes?") && cJSON_GetArraySize(answer) == 0)
            return client_fail(call->client, EXIT_NOT_FOUND, "Node '%s' not found on controller.", node);
        client_print_colored(call->client, COLOR_YELLOW, "No property map found for this entry.");
        fputc('\n', call->client->out);
        return EXIT_OK;
    }
    print_table(call, props);
    return EXIT_OK;
}

int run_list_properties(struct call *call)
{
    const char *file = arguments_text(call->arguments, "from-file");
    CLEANUP(buf_done) struct buf text = { 0 };
    struct json_error error = { 0 };
    int code = EXIT_OK;
    cJSON *answer;

    if (file) {
        code = text_read_file(strcmp(file, "-") == 0 ? "/dev/stdin" : file, 1 << 30, &text);
        if (code != 0)
            return client_fail(call->client, EXIT_ARGUMENTS, "Error: %s: %s", file, strerror(-code));
        answer = json_parse(buf_text(&text), text.length, &error);
        if (!answer)
            return client_fail(call->client, EXIT_ERROR, "Error: %s: %s", file, error.message);
    } else {
        answer = session_get(call->client, request_path(call, call->command->target, NULL), &code);
        if (!answer)
            return code;
    }
    code = show(call, answer);
    cJSON_Delete(answer);
    return code;
}
