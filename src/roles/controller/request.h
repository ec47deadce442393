/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request as handlers see it: names from the path, the query, a decoded body, an open transaction, and the answer in
 * the making. Handlers are synchronous and know neither HTTP nor JSON nor the loop. A request lives until it is
 * answered; if it waits for something, in the list of parked ones.
 */
#pragma once

#include "model/name.h"
#include "model/txn.h"
#include "net/http.h"
#include "net/uri.h"
#include "roles/controller/rc.h"
#include "roles/controller/service.h"

/* Names in paths: {node}, {resource}, ... */
enum variable {
    VAR_NODE,
    VAR_INTERFACE,
    VAR_POOL,
    VAR_GROUP,
    VAR_RESOURCE,
    VAR_VOLUME_NUMBER,
    VAR_KEY,
    VAR_REPORT,
    VAR_ANY,
    VAR_COUNT,
};

enum route_use {
    ROUTE_WRITE = 1,         /* a transaction is open; committed when the handler returns 0, aborted otherwise */
    ROUTE_SETTLE = 2,        /* the answer waits until satellites applied what the commit changed, or failed to */
    ROUTE_BODY_OPTIONAL = 4, /* no body is an empty object */
    ROUTE_BODY_JSON = 8,     /* the body is no object; the handler decodes it from json */
    ROUTE_SECRET = 16,       /* nothing of the body stays in memory */
};

struct request;
typedef int route_handler(struct request *q);

struct route {
    const char *method;
    const char *path;      /* "/v1/nodes/{node}"; a last {key} takes the rest of the path */
    route_handler *handle; /* 0, or -1 when rc has an error */
    unsigned use;
    const struct schema *body; /* NULL: none is read */
    int status;                /* of success */
    int64_t context;           /* operation and object bits of rc entries */
};

/*
 * A list that is sent in pieces. next() looks at one more object and fills doc (zeroed), or says that it is not to be
 * listed (listing_pass), or that there is none (false): how many are looked at in one turn is decided by the caller.
 */
struct listing {
    const struct schema *schema;
    bool (*next)(struct request *q, struct listing *listing, void *doc, struct arena *arena);
    char outer[OBJECT_KEY_SIZE], inner[OBJECT_KEY_SIZE]; /* keys of the last object; "" before the first */
    bool is_inside;                                      /* outer is the object whose children are walked */
    const struct object *at; /* the last object, while the turn lasts: NULL at the start of each piece */
    int64_t skip, left;      /* offset and limit; left -1: no limit */
    bool is_passed;          /* the object looked at is not to be listed */
    uint32_t position;       /* free for next() */
};

static inline bool listing_pass(struct listing *listing)
{
    listing->is_passed = true;
    return true;
}

/* What a parked request waits for, one item each. */
enum settle_kind {
    SETTLE_RESOURCE,
    SETTLE_POOL,
    SETTLE_NODE,
    SETTLE_ORPHAN,
    SETTLE_VAULT,
    SETTLE_DISKS,
    SETTLE_DEVICE_POOL
};
struct settle_item {
    enum settle_kind kind;
    char *third;          /* of an orphan: its identifier */
    char *first, *second; /* definition and node, node and pool, node */
    bool was_new, was_deleted;
    int64_t number; /* of a job of the vault */
};

/* What volumes that a request makes or grows take of a pool. */
struct room_taken {
    const struct storage_pool *pool;
    int64_t kib;
};

struct request {
    struct service *service;
    const struct model *model;
    const struct route *route;
    struct http_exchange *exchange; /* NULL: the client has gone */
    struct arena arena;
    struct txn *txn;
    LIST_OF(struct room_taken) taken; /* deploy.c, while the handler runs */
    struct rc rc;
    char *var[VAR_COUNT];
    int32_t volume_number;
    struct uri uri;
    void *body;
    const cJSON *json; /* of ROUTE_BODY_JSON: the body as it came, valid in the handler */

    const struct schema *reply_schema;
    const void *reply;  /* instead of rc, when there is no error */
    bool is_reply_list; /* reply is an array of one */
    int failure_status; /* instead of what the first error asks for; 0: that */
    struct listing *listing;
    struct json_writer writer; /* of the listing under way */
    bool is_text;              /* the answer is this text */
    const char *text_type;     /* NULL: none is told */
    struct buf text;
    bool (*produce)(struct request *q, struct buf *out); /* the answer is what this appends, piece by piece */
    void *producer;                                      /* in the arena; free for produce() */

    STAILQ_ENTRY(request) link; /* of the parked or the spare ones */
    uint64_t generation;        /* must be durable before the answer */
    LIST_OF(struct settle_item) settle;
    bool is_settling;
    int64_t deadline_ms;   /* while the handler runs: how long to wait, 0: the default; then when that ends */
    int64_t refresh_token; /* satellites are asked for something, capacities for one; 0: not */
    /* Called in a transaction when all has settled without an error: what it changes is waited for anew. */
    route_handler *next;
    void (*resume)(struct request *q); /* called once when everything has settled, before the answer */
};

/* A piece is so long, or shorter when so many objects were looked at for it. */
enum { REQUEST_PIECE_BYTES = 64 * 1024, REQUEST_PIECE_LOOKS = 1000 };
enum { REQUEST_DEADLINE_MS = 60000 };

/* The answer of a successful GET; doc lives in the request's arena or longer. A list whose filters are illegal is an
 * error in rc. */
int request_reply(struct request *q, const struct schema *schema, const void *doc);
int request_reply_one_in_list(struct request *q, const struct schema *schema, const void *doc);
struct listing *request_reply_list(struct request *q, const struct schema *schema,
                                   bool (*next)(struct request *, struct listing *, void *, struct arena *));
int request_reply_text(struct request *q, const char *content_type, struct buf *take);

/* produce() appends some 64 KiB a time, with turns between, and returns false when that was all. */
int request_reply_pieces(struct request *q, const char *content_type,
                         bool (*produce)(struct request *q, struct buf *out));

/* Query parameters. */
const char *request_query(const struct request *q, const char *name); /* first value, NULL when absent */
bool request_query_bool(const struct request *q, const char *name, bool otherwise);
/* True when the parameter is absent, or one of its values is name in any case. */
bool request_query_admits(const struct request *q, const char *parameter, const char *name);
/* True when all props= conditions (key, or key=value) hold. */
bool request_query_admits_props(const struct request *q, const struct text_map *props);

/* Look-ups that answer FAIL_NOT_FOUND_... themselves; NULL then. */
const struct node *request_get_node(struct request *q, const char *name);
/* LINSTOR: with SearchDomain, a short name in a request that changes something stands for a full one. */
const struct node *request_find_node(struct request *q, const char *name);
/* The same for the resource of a definition (or of none) on a node. */
const struct resource *request_find_resource(struct request *q, const struct resource_definition *definition,
                                             const char *node);
const struct resource_group *request_get_group(struct request *q, const char *name);
const struct resource_definition *request_get_definition(struct request *q, const char *name);
/* For changes: one that is being deleted is refused, too. */
const struct resource_definition *request_get_definition_to_change(struct request *q, const char *name);
const struct resource *request_get_resource(struct request *q, const char *definition, const char *node);
const struct volume_definition *request_get_volume_definition(struct request *q,
                                                              const struct resource_definition *definition);
/* LINSTOR: what a list is filtered by must be legal names, though not of something. -1 and rc. */
int request_check_query_names(struct request *q);
/* LINSTOR: views refuse nodes= that names no node; lists do not. -1 and rc. */
int request_check_query_nodes(struct request *q);
/* FAIL_INVLD_... when text is no legal name: -1. */
int request_check_name(struct request *q, enum name_kind kind, const char *text);

/* routes.c */
void request_go_on(struct request *q); /* calls next, as if it were the route's handler */
void request_received(void *service, struct http_exchange *exchange);
/* reply.c. One of zeroes; those that were freed come first. */
struct request *request_new(struct service *service);
/* Sends what the request says, and frees it. */
void request_answer(struct request *q);
void request_encode_rc(const struct rc *rc, struct buf *out);
void request_free(struct request *q);
void requests_free(struct service *service); /* all that are parked, and the memory of those that were */
/* rest_report.c: an error report of what is unexpected in rc, whose entries then name it */
void request_report(struct request *q);
/* parked.c */
void request_park(struct request *q);
void parked_turn(struct service *service);
void parked_fail(struct service *service, const char *why); /* what waited for durability was undone */
/* What the satellite of that node failed at, and when it tries again. */
void request_add_trouble(struct request *q, const char *node, int64_t code, const struct trouble *trouble);
/* Once for each resource: of the changes of the request's one commit. */
void request_settle_resource(struct request *q, const struct resource *resource, bool was_new, bool was_deleted);
void request_settle_pool(struct request *q, const struct storage_pool *pool);
void request_settle_orphan(struct request *q, const struct node *node, const char *pool, const char *identifier);
void request_settle_vault(struct request *q, int64_t number);
void request_settle_disks(struct request *q, const struct node *node);       /* refresh_token is set */
void request_settle_device_pool(struct request *q, const struct node *node); /* likewise */
void request_settle_node(struct request *q, const struct node *node, int64_t wait_ms);
