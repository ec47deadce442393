/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lists as data: which documents come, and what each column shows of one. Documents are decoded one by one while the
 * answer arrives; only the cells' text stays in memory.
 */
#pragma once

#include "roles/client/client.h"
#include "roles/client/table.h"
#include "roles/client/value.h"

struct list_row {
    const void *document; /* of the list's schema */
    uint32_t index;       /* which of the document's rows */
    struct arena *arena;  /* lives as long as the table: texts of cells are taken from here */
    struct value_clock *clock;
    const struct arguments *arguments;
    void *state; /* the list's own, zeroed at first */
};

struct list_column {
    const char *title;
    void (*fill)(struct cell *cell, const struct list_row *row);
    bool is_right;
    enum color color;
    const char *when; /* shown only with this option; with a '!' before it, only without */
};

struct list {
    const struct schema *schema;
    /* What the schema cannot say, after it has been decoded; NULL: nothing. 0, or -1 and *error. */
    int (*decode)(void *document, const cJSON *json, struct arena *arena, struct field_error *error);
    const struct list_column *columns; /* ends with a row without a title */
    const char *member;                /* the array is this member of the answer's object */
    bool is_sorted;                    /* by the first column, or those of --groupby */
    bool is_flat;                      /* for programs: the elements without a list around the answer */
    uint32_t (*count_rows)(const void *document, const struct arguments *arguments); /* NULL: one each */
    bool (*keeps)(const struct list_row *row);                                       /* NULL: all */
    const char *keeps_when; /* the option without which all are kept; NULL: keeps is always asked */
    const struct text_map *(*props)(const struct list_row *row); /* of --show-props */
    size_t state_size;
    void (*observe)(const struct list_row *row);                             /* every document, once, before its rows */
    void (*finish)(struct client *client, struct table *table, void *state); /* before sorting and printing */
    void (*after)(struct client *client, void *state);                       /* behind the table */
    const char *v0_names; /* members of the older JSON form; NULL: it is the same as the newer */
    void (*write_v0)(struct json_writer *const *writers, const void *document);
};

/* Asks for the list that the command's row names, and shows it. */
int list_run(struct call *call) MUST_CHECK;
/* The same for another request and list. */
int list_run_request(struct call *call, const struct list *list, const char *method, const char *target,
                     const char *body) MUST_CHECK;

/* The same of an answer that is there, or what is left of it. */
int list_show(struct call *call, const struct list *list, const struct buf *answer) MUST_CHECK;

/* By the title in lower case, blanks included or not; -1 when there is none. */
int list_find_column(const struct list *list, const char *name);
const struct text_list *list_column_names(const struct list *list, struct arena *arena);

/* Copies the text; NULL and "" leave the cell empty. */
void cell_set(struct cell *cell, const struct list_row *row, const char *text);
void cell_set_color(struct cell *cell, const struct list_row *row, const char *text, enum color color);
void cell_print(struct cell *cell, const struct list_row *row, const char *format, ...) PRINTF_LIKE(3, 4);
