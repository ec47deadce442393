/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables as text: frames, padding, colours, cells of several lines, sorting. It knows nothing of what the cells mean;
 * all text belongs to the caller and must live as long as the table. Control characters in it are made visible.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/field.h"

enum color {
    COLOR_NONE,
    COLOR_DARKRED,
    COLOR_DARKGREEN,
    COLOR_DARKBLUE,
    COLOR_DARKPINK,
    COLOR_RED,
    COLOR_GREEN,
    COLOR_YELLOW,
    COLOR_BLUE,
    COLOR_PINK,
};
/* The escape sequence; "" for COLOR_NONE. */
const char *color_start(enum color color);
#define COLOR_END "\033[0m"

struct cell {
    const char *text; /* NULL is empty; lines are parted by '\n' */
    enum color color; /* beats the column's */
};

struct table_column {
    const char *title;
    bool is_right; /* aligned */
    enum color color;
};

struct table_row {
    struct cell *cells;
};

struct table {
    struct arena *arena;
    struct table_column *columns;
    uint32_t column_count;
    LIST_OF(struct table_row) rows;
};

struct table_style {
    bool utf8;
    bool color;
};

/* The columns are copied and may be changed afterwards. */
void table_init(struct table *table, struct arena *arena, const struct table_column *columns, uint32_t count);
/* column_count empty cells. */
struct cell *table_add_row(struct table *table);
/* By the columns of the given numbers, in natural order; equal rows keep their order. */
void table_sort(struct table *table, const uint32_t *columns, uint32_t count);
void table_print(const struct table *table, struct table_style style, struct buf *out);
