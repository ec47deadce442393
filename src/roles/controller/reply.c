/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a finished request to bytes. A list that fits into one piece is answered whole; a longer one is streamed, piece
 * by piece, with turns of the loop between them. Objects may come and go in between, so a listing remembers keys, never
 * objects.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "roles/controller/request.h"

#define JSON_TYPE "application/json"

int request_reply(struct request *q, const struct schema *schema, const void *doc)
{
    q->reply_schema = schema;
    q->reply = doc;
    return 0;
}

int request_reply_one_in_list(struct request *q, const struct schema *schema, const void *doc)
{
    q->is_reply_list = true;
    return request_reply(q, schema, doc);
}

static int refuse_number(struct request *q, const char *name, const char *value)
{
    return rc_add(&q->rc, FAIL_UNKNOWN_ERROR, .message = rc_text(&q->rc, "%s=%s is not possible.", name, value),
                  .details = rc_text(&q->rc, "The parameter '%s' of a list is a number from 0 to %d.", name, INT32_MAX),
                  .is_bare = true);
}

/* LINSTOR: a parameter without a value is none. */
static int query_number(struct request *q, const char *name, int64_t *number)
{
    const char *value = request_query(q, name);

    if (!value || !*value || text_parse_i64(value, INT32_MIN, INT32_MAX, number))
        return 0;
    return refuse_number(q, name, value);
}

struct listing *request_reply_list(struct request *q, const struct schema *schema,
                                   bool (*next)(struct request *, struct listing *, void *, struct arena *))
{
    struct listing *listing = arena_alloc(&q->arena, sizeof(*listing));
    int64_t limit = 0, offset = 0;

    listing->schema = schema;
    listing->next = next;
    listing->left = -1;
    q->listing = listing;
    if (request_check_query_names(q) != 0 || query_number(q, "limit", &limit) != 0 ||
        query_number(q, "offset", &offset) != 0)
        return listing;
    if (limit > 0) { /* LINSTOR: the offset counts only together with a limit, and a limit below 1 is none */
        if (offset < 0)
            refuse_number(q, "offset", request_query(q, "offset"));
        listing->left = limit;
        listing->skip = offset;
    }
    return listing;
}

int request_reply_text(struct request *q, const char *content_type, struct buf *take)
{
    struct buf text = *take;

    *take = (struct buf){ 0 };
    q->is_text = true;
    q->text_type = content_type;
    q->text = text;
    return 0;
}

int request_reply_pieces(struct request *q, const char *content_type,
                         bool (*produce)(struct request *q, struct buf *out))
{
    q->text_type = content_type;
    q->produce = produce;
    return 0;
}

enum { SPARE_REQUESTS = 64, SPARE_ARENA_BYTES = 8 * 1024 };

struct request *request_new(struct service *service)
{
    struct request *q = STAILQ_FIRST(&service->spare);

    if (q) {
        STAILQ_REMOVE_HEAD(&service->spare, link);
        service->spare_count--;
    } else {
        q = memory_alloc(sizeof(*q));
    }
    q->service = service;
    q->model = &service->model;
    return q;
}

void request_free(struct request *q)
{
    struct service *service = q->service;
    struct arena arena;

    buf_done(&q->text);
    if (service->spare_count == SPARE_REQUESTS) {
        arena_done(&q->arena);
        free(q);
        return;
    }
    arena_reset(&q->arena);
    if (q->arena.end - q->arena.next > SPARE_ARENA_BYTES)
        arena_done(&q->arena);
    arena = q->arena;
    *q = (struct request){ .arena = arena };
    STAILQ_INSERT_HEAD(&service->spare, q, link);
    service->spare_count++;
}

static void free_queue(struct request_queue *queue, void (*free_one)(struct request *q))
{
    struct request *q;

    while ((q = STAILQ_FIRST(queue))) {
        STAILQ_REMOVE_HEAD(queue, link);
        free_one(q);
    }
}

static void free_spare(struct request *q)
{
    arena_done(&q->arena);
    free(q);
}

void requests_free(struct service *service)
{
    free_queue(&service->undurable, request_free);
    free_queue(&service->settling, request_free);
    free_queue(&service->spare, free_spare);
}

/* Appends documents until the piece is large enough or took long enough; false at the end of the list. */
static bool produce_list(struct request *q, struct buf *out)
{
    struct listing *listing = q->listing;
    struct arena arena = { 0 };
    void *doc = memory_alloc(listing->schema->size);
    bool is_more = true;

    q->writer.out = out;
    listing->at = NULL; /* the model may have changed since the last piece */
    for (int looks = 0; looks < REQUEST_PIECE_LOOKS && out->length < REQUEST_PIECE_BYTES; looks++) {
        memset(doc, 0, listing->schema->size);
        arena_reset(&arena);
        listing->is_passed = false;
        is_more = listing->left != 0 && listing->next(q, listing, doc, &arena);
        if (!is_more)
            break;
        if (listing->is_passed)
            continue;
        if (listing->skip > 0) {
            listing->skip--;
            continue;
        }
        if (listing->left > 0)
            listing->left--;
        field_encode(listing->schema, doc, FIELD_REST, &q->writer);
    }
    if (!is_more)
        json_end(&q->writer, ']');
    arena_done(&arena);
    free(doc);
    return is_more;
}

static void stream_gone(void *owner)
{
    request_free(owner);
}

static bool produce_rest(void *owner, struct buf *out)
{
    struct request *q = owner;
    size_t before = out->length;

    if (q->text.length > 0) { /* what was produced to find out that it is long */
        buf_add(out, q->text.data, q->text.length);
        buf_done(&q->text);
        return true;
    }
    buf_reserve(out,
                REQUEST_PIECE_BYTES + REQUEST_PIECE_BYTES / 8); /* the list is long: nothing is gained by growing */
    if (!q->produce(q, out)) {
        request_free(q);
        return false;
    }
    if (out->length == before)
        http_stream_poke(q->exchange); /* nothing found in this turn, but in the next, perhaps */
    return true;
}

static void answer_pieces(struct request *q)
{
    if (!q->produce(q, &q->text)) {
        http_respond(q->exchange, q->route->status, q->text_type, &q->text);
        request_free(q);
        return;
    }
    http_on_gone(q->exchange, stream_gone, q);
    http_respond_stream(q->exchange, q->route->status, q->text_type, produce_rest, q);
}

static void answer_list(struct request *q)
{
    q->writer.out = &q->text;
    json_begin(&q->writer, '[');
    request_reply_pieces(q, JSON_TYPE, produce_list);
    answer_pieces(q);
}

void request_encode_rc(const struct rc *rc, struct buf *out)
{
    struct json_writer writer = { .out = out };

    json_begin(&writer, '[');
    for (uint32_t i = 0; i < rc->entries.count; i++)
        field_encode(&rc_doc_schema, &rc->entries.at[i], FIELD_REST, &writer);
    json_end(&writer, ']');
}

static int status_of(const struct request *q)
{
    int status = q->route ? q->route->status : 500;

    if (q->failure_status && rc_has_error(&q->rc))
        return q->failure_status;
    if (status >= 400 || !rc_has_error(&q->rc))
        return q->route ? status : rc_has_error(&q->rc) ? 500 : 200;
    /* LINSTOR: a body that cannot be read */
    if (q->rc.entries.at[0].ret_code == API_CALL_PARSE_ERROR)
        return 400;
    return rc_status(&q->rc, status);
}

void request_answer(struct request *q)
{
    bool failed = rc_has_error(&q->rc);
    struct buf out = { 0 };
    struct json_writer writer = { .out = &out };

    if (!q->exchange) {
        request_free(q);
        return;
    }
    if (failed && q->route && q->route->status < 400)
        request_report(q);
    if (q->listing && !failed) {
        answer_list(q);
        return;
    }
    if (q->produce && !failed) {
        answer_pieces(q);
        return;
    }
    if (q->is_text && !failed) {
        http_respond(q->exchange, q->route ? q->route->status : 200, q->text_type, &q->text);
        request_free(q);
        return;
    }
    buf_reserve(&out, 512);
    if (q->reply && !failed) {
        if (q->is_reply_list)
            json_begin(&writer, '[');
        field_encode(q->reply_schema, q->reply, FIELD_REST, &writer);
        if (q->is_reply_list)
            json_end(&writer, ']');
    } else {
        request_encode_rc(&q->rc, &out);
    }
    http_respond(q->exchange, status_of(q), JSON_TYPE, &out);
    request_free(q);
}

const char *request_query(const struct request *q, const char *name)
{
    return uri_find_parameter(&q->uri, name);
}

bool request_query_bool(const struct request *q, const char *name, bool otherwise)
{
    const char *value = request_query(q, name);

    return value ? text_equal_fold(value, "true") : otherwise;
}

bool request_query_admits(const struct request *q, const char *parameter, const char *name)
{
    const char *value;
    bool is_absent = true;
    size_t at = 0;

    while ((value = uri_next_parameter(&q->uri, parameter, &at))) {
        is_absent = false;
        if (text_equal_fold(value, name))
            return true;
    }
    return is_absent;
}

bool request_query_admits_props(const struct request *q, const struct text_map *props)
{
    const char *condition;
    size_t at = 0;

    while ((condition = uri_next_parameter(&q->uri, "props", &at))) {
        const char *equals = strchr(condition, '=');
        char key[512];
        const char *value;
        size_t length = equals ? (size_t)(equals - condition) : strlen(condition);

        if (length >= sizeof(key))
            return false;
        memcpy(key, condition, length);
        key[length] = '\0';
        value = text_map_find(props, key);
        if (!value || (equals && strcmp(value, equals + 1) != 0))
            return false;
    }
    return true;
}
