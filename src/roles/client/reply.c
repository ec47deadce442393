/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/reply.h"

#include <string.h>

#include "roles/client/pretty.h"
#include "roles/client/value.h"

static bool decode(struct client *client, const char *text, struct rc_doc *rc, struct arena *arena)
{
    struct field_error error;

    (void)client;
    *rc = (struct rc_doc){ 0 };
    return field_decode_text(&rc_doc_schema, rc, text, strlen(text), arena, &error) == 0;
}

bool reply_check(struct client *client, const char *text)
{
    struct arena arena = { 0 };
    struct rc_doc rc;
    bool is_entry = decode(client, text, &rc, &arena);

    arena_done(&arena);
    return is_entry;
}

enum severity { SEVERITY_SUCCESS, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };

static enum severity severity_of(const struct rc_doc *rc)
{
    uint64_t type = (uint64_t)rc->ret_code & RC_TYPE_MASK;

    if (type == RC_ERROR)
        return SEVERITY_ERROR;
    if (type == RC_WARN)
        return SEVERITY_WARNING;
    return type == RC_INFO ? SEVERITY_INFO : SEVERITY_SUCCESS;
}

static void print_part(struct client *client, struct buf *out, const char *title, const char *text)
{
    if (!text || !*text)
        return;
    if (title)
        buf_printf(out, "%s:\n", title);
    text = value_visible(client->arena, text);
    while (*text) {
        const char *end = strchrnul(text, '\n');

        buf_printf(out, "    %.*s\n", (int)(end - text), text);
        text = *end ? end + 1 : end;
    }
}

static bool is_empty(const char *text)
{
    return !text || !*text;
}

void reply_print_block(struct client *client, const struct rc_doc *rc)
{
    static const struct {
        const char *title;
        enum color color;
    } heads[] = {
        [SEVERITY_SUCCESS] = { "SUCCESS:\n", COLOR_GREEN },
        [SEVERITY_INFO] = { "INFO:\n", COLOR_BLUE },
        [SEVERITY_WARNING] = { "WARNING:\n", COLOR_YELLOW },
        [SEVERITY_ERROR] = { "ERROR:\n", COLOR_RED },
    };
    enum severity severity = severity_of(rc);
    bool has_more = !is_empty(rc->cause) || !is_empty(rc->correction) || !is_empty(rc->details);
    CLEANUP(buf_done) struct buf out = { 0 };

    client_print_colored(client, heads[severity].color, heads[severity].title);
    print_part(client, &out, has_more ? "Description" : NULL, rc->message);
    print_part(client, &out, "Cause", rc->cause);
    print_part(client, &out, "Correction", rc->correction);
    print_part(client, &out, "Details", rc->details);
    if (rc->error_report_ids.count > 0) {
        buf_add_text(&out, "Show reports:\n    linstor error-reports show");
        for (uint32_t i = 0; i < rc->error_report_ids.count; i++)
            buf_printf(&out, " %s", rc->error_report_ids.at[i]);
        buf_add_char(&out, '\n');
    }
    client_print(client, &out);
}

/* The older form of an entry: references are a list, of times it knows nothing. */
static void write_v0(const struct rc_doc *rc, struct json_writer *writer)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        { "message", rc->message }, { "cause", rc->cause }, { "correction", rc->correction }, { "details", rc->details }
    };

    json_begin(writer, '{');
    json_key(writer, "ret_code");
    json_i64(writer, rc->ret_code);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (!is_empty(texts[i].text)) {
            json_key(writer, texts[i].key);
            json_text(writer, texts[i].text);
        }
    }
    if (rc->obj_refs.count > 0) {
        json_key(writer, "object_refs");
        pretty_write_pairs(writer, &rc->obj_refs);
    }
    if (rc->error_report_ids.count > 0) {
        json_key(writer, "error_report_ids");
        json_begin(writer, '[');
        for (uint32_t i = 0; i < rc->error_report_ids.count; i++)
            json_text(writer, rc->error_report_ids.at[i]);
        json_end(writer, ']');
    }
    json_end(writer, '}');
}

static void print_machine(struct client *client)
{
    CLEANUP(buf_done) struct buf json = { 0 }, out = { 0 };
    struct json_writer writer = { .out = &json };

    json_begin(&writer, '[');
    for (uint32_t i = 0; i < client->replies.count; i++) {
        struct arena arena = { 0 };
        struct rc_doc rc;

        if (!client->is_v0)
            json_raw(&writer, client->replies.at[i]);
        else if (decode(client, client->replies.at[i], &rc, &arena))
            write_v0(&rc, &writer);
        arena_done(&arena);
    }
    json_end(&writer, ']');
    pretty_json(&out, buf_text(&json), json.length, 0);
    buf_add_char(&out, '\n');
    client_print(client, &out);
}

int reply_print_all(struct client *client)
{
    int code = EXIT_OK;

    if (client->is_machine && client->replies.count > 0) {
        /* programs read ret_code; the original's exit code is 0 whatever the entries say, and scripts depend on it */
        print_machine(client);
        return EXIT_OK;
    }
    for (uint32_t i = 0; i < client->replies.count; i++) {
        struct arena arena = { 0 };
        struct rc_doc rc;

        if (decode(client, client->replies.at[i], &rc, &arena)) {
            enum severity severity = severity_of(&rc);

            reply_print_block(client, &rc);
            if (severity == SEVERITY_ERROR || (severity == SEVERITY_WARNING && client->warn_as_error))
                code = EXIT_API;
        }
        arena_done(&arena);
    }
    return code;
}
