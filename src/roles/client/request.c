/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/request.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "model/layer.h"
#include "net/uri.h"
#include "roles/client/session.h"
#include "roles/client/value.h"

static const char *escape(struct call *call, const char *text)
{
    CLEANUP(buf_done) struct buf out = { 0 };

    uri_encode(&out, text);
    return arena_strdup(call->arena, buf_text(&out));
}

/* The next "{name}" in the target; NULL when there is none. */
static const char *next_name(struct call *call, const char *target, const char **name, const char **behind)
{
    const char *open = strchr(target, '{'), *close = open ? strchr(open, '}') : NULL;

    if (!close)
        return NULL;
    *name = arena_strndup(call->arena, open + 1, (size_t)(close - open - 1));
    *behind = close + 1;
    return open;
}

const struct argument_value *request_each(struct call *call, const char *target)
{
    const char *name, *behind;

    while (next_name(call, target, &name, &behind)) {
        const struct argument_value *value = arguments_find(call->arguments, name);

        if (value && (value->argument->count == COUNT_SOME || value->argument->count == COUNT_ANY))
            return value;
        target = behind;
    }
    return NULL;
}

const char *request_path(struct call *call, const char *target, const char *each)
{
    const struct argument_value *several = request_each(call, target);
    const char *path = "", *name, *behind, *open;

    while ((open = next_name(call, target, &name, &behind))) {
        const struct argument_value *value = arguments_find(call->arguments, name);
        const char *text = each && value && value == several ? each : arguments_text(call->arguments, name);

        path =
            arena_printf(call->arena, "%s%.*s%s", path, (int)(open - target), target, escape(call, text ? text : ""));
        target = behind;
    }
    return arena_printf(call->arena, "%s%s", path, target);
}

const char *request_add_parameter(struct call *call, const char *path, const char *name, const char *value)
{
    return arena_printf(call->arena, "%s%c%s=%s", path, strchr(path, '?') ? '&' : '?', name, escape(call, value));
}

/* ms since 1970 as text; NULL, and the reason is shown, when the value is neither a span nor a day. */
static const char *time_text(struct call *call, const struct argument *argument, const char *text)
{
    int64_t ms;

    if (argument->type == TYPE_DAY ? !value_parse_day_end(text, &ms) : !value_parse_span(text, &ms)) {
        client_fail(call->client, EXIT_ARGUMENTS, "Unable to parse time string: '%s'. Format should be e.g.: %s", text,
                    argument->type == TYPE_DAY ? "'2026-06-30'" : "'1d10h' or '3h'");
        return NULL;
    }
    if (argument->type == TYPE_SPAN)
        ms = (int64_t)time(NULL) * 1000 - ms;
    return arena_printf(call->arena, "%lld", (long long)ms);
}

const char *request_add_query(struct call *call, const char *path)
{
    for (uint32_t i = 0; i < call->arguments->own_count; i++) {
        const struct argument_value *value = &call->arguments->own[i];
        const struct argument *argument = value->argument;

        if (!value->is_given || !argument->query)
            continue;
        if (argument->count == COUNT_FLAG)
            path = request_add_parameter(call, path, argument->query, "True");
        for (uint32_t j = 0; j < value->texts.count; j++) {
            const char *text = value->texts.at[j];

            if (argument->type == TYPE_SPAN || argument->type == TYPE_DAY)
                text = time_text(call, argument, text);
            if (!text)
                return NULL;
            path = request_add_parameter(call, path, argument->query, text);
        }
    }
    return path;
}

static cJSON *integer(struct call *call, int64_t number)
{
    /* numbers of cJSON are double */
    return cJSON_CreateRaw(arena_printf(call->arena, "%lld", (long long)number));
}

void request_put(cJSON *body, const char *place, cJSON *value)
{
    while (*place) {
        size_t length = strcspn(place, ".[");
        char *key = memory_copy(place, length + 1);
        bool is_list = place[length] == '[', is_append = is_list && place[length + 1] == ']', is_last;
        cJSON *next;

        key[length] = '\0';
        place += length;
        place += is_list ? strcspn(place, "]") + 1 : 0;
        is_last = !*place;
        place += *place == '.';
        next = cJSON_GetObjectItemCaseSensitive(body, key);
        if (is_list) {
            cJSON *list = next ? next : cJSON_AddArrayToObject(body, key);

            next = is_append ? NULL : cJSON_GetArrayItem(list, 0);
            if (is_last)
                cJSON_AddItemToArray(list, value);
            else if (!next)
                cJSON_AddItemToArray(list, next = cJSON_CreateObject());
        } else if (is_last) {
            if (next)
                cJSON_ReplaceItemInObjectCaseSensitive(body, key, value);
            else
                cJSON_AddItemToObject(body, key, value);
        } else if (!next) {
            next = cJSON_AddObjectToObject(body, key);
        }
        free(key);
        body = next;
    }
}

/* A list is there even if nothing is appended to it, because an empty one clears what was set. */
static void put_list(cJSON *body, const char *place)
{
    const char *end = strstr(place, "[]");

    if (end && !end[2]) {
        char *list = memory_copy(place, (size_t)(end - place) + 1);

        list[end - place] = '\0';
        request_put(body, list, cJSON_CreateArray());
        free(list);
    }
}

static const char *find_unknown(const struct text_list *words, bool are_layers)
{
    for (uint32_t i = 0; i < words->count; i++) {
        enum layer_kind layer;
        enum provider_kind provider;

        if (are_layers ? !layer_kind_parse(words->at[i], &layer) : !provider_kind_parse(words->at[i], &provider))
            return words->at[i];
    }
    return NULL;
}

static int put_words(struct call *call, const struct argument_value *value)
{
    bool is_layers = value->argument->type == TYPE_LAYERS;
    struct text_list words = { 0 };
    const char *unknown;

    value_split(call->arena, value->texts.at[0], ',', &words);
    unknown = find_unknown(&words, is_layers);
    if (unknown)
        return client_fail(call->client, EXIT_ARGUMENTS, "%s \"%s\" not valid", is_layers ? "Layer name" : "Provider",
                           unknown);
    put_list(call->body, value->argument->body);
    for (uint32_t i = 0; i < words.count; i++)
        request_put(call->body, value->argument->body, cJSON_CreateString(words.at[i]));
    return EXIT_OK;
}

static int put_size(struct call *call, const struct argument_value *value)
{
    for (uint32_t i = 0; i < value->texts.count; i++) {
        int64_t size_kib;
        const char *error = value_parse_size(call->arena, value->texts.at[i], &size_kib);

        if (error)
            return client_fail(call->client, EXIT_ARGUMENTS, "%s", error);
        request_put(call->body, value->argument->body, integer(call, size_kib));
    }
    return EXIT_OK;
}

static int put_place_count(struct call *call, const struct argument_value *value)
{
    const char *text = value->texts.at[0], *place = value->argument->body;
    bool is_more = text[0] == '+';
    int64_t count = -1;

    if (strcmp(text, "max") != 0 && strcmp(text, "all") != 0 && !text_parse_i64(text + is_more, 0, INT32_MAX, &count))
        return client_fail(call->client, EXIT_ARGUMENTS, "'%s' is no number of replicas: N, +N or max", text);
    place = arena_printf(call->arena, "%s.%s", place, is_more ? "additional_place_count" : "place_count");
    request_put(call->body, place, integer(call, count));
    return EXIT_OK;
}

static int put_aux_counts(struct call *call, const struct argument_value *value)
{
    cJSON *map = cJSON_CreateObject();
    int64_t count;

    request_put(call->body, value->argument->body, map);
    if (value->texts.count % 2 != 0)
        return client_fail(call->client, EXIT_ARGUMENTS,
                           "--x-replicas-on-different takes pairs of property and number");
    for (uint32_t i = 0; i + 1 < value->texts.count; i += 2) {
        if (!text_parse_i64(value->texts.at[i + 1], 0, INT32_MAX, &count))
            return client_fail(call->client, EXIT_ARGUMENTS, "'%s' is not a number", value->texts.at[i + 1]);
        cJSON_AddItemToObject(map, arena_printf(call->arena, "Aux/%s", value->texts.at[i]), integer(call, count));
    }
    return EXIT_OK;
}

static int put_texts(struct call *call, const struct argument_value *value)
{
    const struct argument *argument = value->argument;
    int64_t number;

    put_list(call->body, argument->body);
    for (uint32_t i = 0; i < value->texts.count; i++) {
        const char *text = argument->type == TYPE_SPAN || argument->type == TYPE_DAY
                               ? time_text(call, argument, value->texts.at[i])
                               : value->texts.at[i];
        bool is_number = argument->type == TYPE_INTEGER || argument->type == TYPE_PORT ||
                         argument->type == TYPE_SLOTS || argument->type == TYPE_SPAN || argument->type == TYPE_DAY;

        if (!text)
            return EXIT_ARGUMENTS;
        if (!*text && argument->count != COUNT_ONE && argument->count != COUNT_OPTIONAL)
            continue; /* --storage-pool= clears */
        if (argument->type == TYPE_AUX)
            text = arena_printf(call->arena, "Aux/%s", text);
        request_put(call->body, argument->body,
                    is_number && text_parse_i64(text, INT64_MIN, INT64_MAX, &number) ? integer(call, number)
                                                                                     : cJSON_CreateString(text));
    }
    if (value->texts.count == 0 && argument->count == COUNT_OPTIONAL)
        request_put(call->body, argument->body, cJSON_CreateString(""));
    return EXIT_OK;
}

static int put_value(struct call *call, const struct argument_value *value)
{
    const struct argument *argument = value->argument;
    const char *first = value->texts.count > 0 ? value->texts.at[0] : "";

    if (argument->count == COUNT_FLAG) {
        request_put(call->body, argument->body,
                    argument->word ? cJSON_CreateString(argument->word) : cJSON_CreateTrue());
        return EXIT_OK;
    }
    switch (argument->type) {
    case TYPE_SWITCH:
        request_put(call->body, argument->body, cJSON_CreateBool(!text_equal_fold(first, "false")));
        return EXIT_OK;
    case TYPE_LAYERS:
    case TYPE_PROVIDERS: return put_words(call, value);
    case TYPE_SIZE: return put_size(call, value);
    case TYPE_PLACE_COUNT: return put_place_count(call, value);
    case TYPE_AUX_COUNTS: return put_aux_counts(call, value);
    case TYPE_TEXT:
    case TYPE_LOWER:
    case TYPE_INTEGER:
    case TYPE_PORT:
    case TYPE_SLOTS:
    case TYPE_AUX:
    case TYPE_COLUMNS:
    case TYPE_SHOW_PROPS:
    case TYPE_SPAN:
    case TYPE_DAY: return put_texts(call, value);
    }
    return EXIT_OK;
}

int request_build_body(struct call *call)
{
    cJSON_Delete(call->body);
    call->body = call->command->base ? cJSON_Parse(call->command->base) : NULL;
    for (uint32_t i = 0; i < call->arguments->own_count; i++) {
        const struct argument_value *value = &call->arguments->own[i];
        int code;

        if (!value->is_given || !value->argument->body)
            continue;
        if (!call->body)
            call->body = cJSON_CreateObject();
        code = put_value(call, value);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

const char *request_body_text(struct call *call)
{
    char *printed = call->body ? cJSON_PrintUnformatted(call->body) : NULL;
    const char *text = printed ? arena_strdup(call->arena, printed) : NULL;

    cJSON_free(printed);
    return text;
}

int request_run(struct call *call)
{
    const struct command *command = call->command;
    const struct argument_value *each = request_each(call, command->target);
    uint32_t count = each ? each->texts.count : 1;
    int code = request_build_body(call), worst = EXIT_OK;

    if (code == EXIT_OK && command->prepare)
        code = command->prepare(call);
    if (code != EXIT_OK)
        return code;
    for (uint32_t i = 0; i < count; i++) {
        const char *path = request_path(call, command->target, each ? each->texts.at[i] : NULL);

        path = request_add_query(call, path);
        if (!path)
            return EXIT_ARGUMENTS;
        code = session_send(call->client, command->method, path, request_body_text(call));
        worst = code != EXIT_OK ? code : worst;
        if (code == EXIT_CONNECTION || code == EXIT_TIMEOUT)
            break;
    }
    return worst;
}
