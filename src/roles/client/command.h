/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands as data. One command is one row: its words, its arguments, the request that it sends and, if it shows a
 * list, the list's columns. Most commands need nothing else; what cannot be said in a row is a small function.
 *
 * Where a value goes is said by the argument's row: into the path ("/v1/nodes/{node}" names it), into the query, or to
 * a place in the body ("net_interfaces[0].address"; "[]" appends, and for several values appends each). An argument of
 * several values that the path names makes one request for each value.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/field.h"

struct call;
struct list;
struct prop_rule;

enum argument_count {
    COUNT_ONE,
    COUNT_FLAG,     /* no value */
    COUNT_OPTIONAL, /* none or one */
    COUNT_ANY,      /* none or more */
    COUNT_SOME,     /* one or more */
};

enum argument_type {
    TYPE_TEXT,
    TYPE_LOWER, /* made lower case */
    TYPE_INTEGER,
    TYPE_PORT,        /* 1 to 65535 */
    TYPE_SLOTS,       /* 1 to 31 */
    TYPE_SIZE,        /* sent as KiB */
    TYPE_LAYERS,      /* words parted by commas */
    TYPE_PROVIDERS,   /* words parted by commas */
    TYPE_AUX,         /* property keys, sent with Aux/ before them */
    TYPE_AUX_COUNTS,  /* pairs of key and number */
    TYPE_PLACE_COUNT, /* N; +N more; max */
    TYPE_SWITCH,      /* true without a value; everything but "false" is true */
    TYPE_COLUMNS,     /* titles of the list's columns, lower case */
    TYPE_SHOW_PROPS,  /* KEY or KEY=TITLE */
    TYPE_SPAN,        /* of time, sent as ms since 1970 so long ago */
    TYPE_DAY,         /* its end, sent as ms since 1970 */
};

struct argument {
    const char *names; /* "--nodes -n", the first names the value; a positional has one word without dash */
    const char *value; /* what help calls the value; NULL: made of the name */
    enum argument_count count;
    enum argument_type type;
    bool is_required;
    bool is_hidden;      /* accepted, but not in help */
    const char *choices; /* "plain ssl" */
    const char *body;    /* place in the body */
    const char *word;    /* of a flag: the text that goes there in place of true */
    const char *query;   /* name of the parameter */
    const char *help;
    const struct prop_rule *rule; /* of an option of DRBD, see drbd_options.h */
};

enum { COMMAND_TABLES = 4 };

struct command {
    const char *names; /* "list-commands commands list": the name and its aliases */
    const char *summary;
    const struct command *children;               /* ends with a row without names */
    const struct command *(*make_children)(void); /* in place of children, where another table has the rows */
    const struct argument *arguments[COMMAND_TABLES];
    uint32_t drbd_options; /* bits of enum prop_object: options of DRBD for these are arguments, too */
    const char *method;    /* NULL: run does everything, or there are children */
    const char *target;
    const char *base; /* JSON that the body starts from; NULL: no body unless an argument has something for it */
    const struct schema *body;         /* what the controller reads the body with */
    const struct list *list;           /* what is shown; NULL: the list of entries that tells the outcome */
    const char *properties;            /* list-properties: where they are in the answer, see properties.h */
    int (*prepare)(struct call *call); /* changes or checks call->body before it is sent; an exit code, 0 goes on */
    int (*run)(struct call *call);     /* in place of sending; an exit code */
    bool is_hidden;
    bool is_local;            /* talks to no controller */
    bool in_transaction;      /* of resources: allowed there, too ... */
    bool only_in_transaction; /* ... or only there, see transaction.h */
};

/* The whole tree; its children are the words that may stand first, its arguments the global options. */
extern const struct command command_root;

/* All arguments, table by table: NULL behind the last. Tables that are not constant are made in the arena. */
const struct argument *command_table(const struct command *command, unsigned index, struct arena *arena);
/* NULL when the command has none. */
const struct command *command_children(const struct command *command);
/* By name or alias; NULL when there is none. */
const struct command *command_find_child(const struct command *command, const char *word);
/* The first word of names, or the n-th; *length is 0 behind the last. */
const char *names_at(const char *names, unsigned index, int *length);
bool names_have(const char *names, const char *word);
/* The word by which code and paths call the argument: the first name without its dashes. */
const char *argument_name(const struct argument *argument, int *length);
bool argument_is_option(const struct argument *argument);
/* Short names first, as people know them: "-p/--port". */
const char *argument_all_names(const struct argument *argument, const char *separator, struct arena *arena);
