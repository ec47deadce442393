/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Widths are counted in code points, as the original does. Two passes over the cells: one finds widths and whether any
 * cell has several lines (then a thin line parts the rows), one prints.
 */
#include "roles/client/table.h"

#include <stdlib.h>
#include <string.h>

#include "roles/client/value.h"

struct frame_line {
    const char *left, *fill, *right;
};
struct frame {
    const char *pipe;
    struct frame_line top, header, between, bottom;
};

static const struct frame frame_ascii = {
    .pipe = "|",
    .top = { "+", "-", "+" },
    .header = { "|", "=", "|" },
    .between = { "|", "-", "|" },
    .bottom = { "+", "-", "+" },
};
static const struct frame frame_utf8 = {
    .pipe = "┊",
    .top = { "╭", "─", "╮" },
    .header = { "╞", "═", "╡" },
    .between = { "╞", "┄", "╡" },
    .bottom = { "╰", "─", "╯" },
};

const char *color_start(enum color color)
{
    switch (color) {
    case COLOR_NONE: return "";
    case COLOR_DARKRED: return "\033[0;31m";
    case COLOR_DARKGREEN: return "\033[0;32m";
    case COLOR_DARKBLUE: return "\033[0;34m";
    case COLOR_DARKPINK: return "\033[0;35m";
    case COLOR_RED: return "\033[1;31m";
    case COLOR_GREEN: return "\033[1;32m";
    case COLOR_YELLOW: return "\033[1;33m";
    case COLOR_BLUE: return "\033[1;34m";
    case COLOR_PINK: return "\033[1;35m";
    }
    return "";
}

void table_init(struct table *table, struct arena *arena, const struct table_column *columns, uint32_t count)
{
    *table = (struct table){ .arena = arena, .column_count = count };
    table->columns = arena_alloc(arena, sizeof(*columns) * (count + 1));
    if (count > 0)
        memcpy(table->columns, columns, sizeof(*columns) * count);
}

struct cell *table_add_row(struct table *table)
{
    struct table_row *row = LIST_ADD(&table->rows, table->arena);

    row->cells = arena_alloc(table->arena, sizeof(row->cells[0]) * (table->column_count + 1));
    return row->cells;
}

struct sort_order {
    const uint32_t *columns;
    uint32_t count;
};

static const char *cell_text(const struct cell *cell)
{
    return cell->text ? cell->text : "";
}

static bool is_before_or_equal(const struct sort_order *order, const struct table_row *a, const struct table_row *b)
{
    for (uint32_t i = 0; i < order->count; i++) {
        uint32_t column = order->columns[i];
        int result = value_compare_natural(cell_text(&a->cells[column]), cell_text(&b->cells[column]));

        if (result != 0)
            return result < 0;
    }
    return true;
}

/* Rows mostly come in order already: then one comparison tells. */
static void merge(const struct sort_order *order, const struct table_row *from, struct table_row *to, uint32_t middle,
                  uint32_t count)
{
    uint32_t left = 0, right = middle;

    if (middle == count || is_before_or_equal(order, &from[middle - 1], &from[middle])) {
        memcpy(to, from, count * sizeof(*to));
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool take_left = right >= count || (left < middle && is_before_or_equal(order, &from[left], &from[right]));

        to[i] = from[take_left ? left++ : right++];
    }
}

void table_sort(struct table *table, const uint32_t *columns, uint32_t count)
{
    struct sort_order order = { columns, count };
    uint32_t rows = table->rows.count;
    struct table_row *from = table->rows.at;
    struct table_row *to = arena_alloc(table->arena, sizeof(*to) * (rows + 1));

    for (uint32_t run = 1; run < rows; run *= 2) {
        struct table_row *swap = from;

        for (uint32_t at = 0; at < rows; at += 2 * run) {
            uint32_t here = rows - at < 2 * run ? rows - at : 2 * run;

            merge(&order, from + at, to + at, here < run ? here : run, here);
        }
        from = to;
        to = swap;
    }
    table->rows.at = from;
    table->rows.room = 0;
}

/* Code points of one line of a cell. */
static uint32_t width_of(const char *text, size_t length)
{
    uint32_t width = 0;

    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

static const char *line_end(const char *text)
{
    return strchrnul(text, '\n');
}

/* The widest line of the text; *lines becomes larger when it has more. */
static uint32_t widest_line(const char *text, uint32_t *lines)
{
    uint32_t widest = 0, count = 1;
    const char *end;

    for (;; text = end + 1, count++) {
        uint32_t width;

        end = line_end(text);
        width = width_of(text, (size_t)(end - text));
        widest = width > widest ? width : widest;
        if (!*end)
            break;
    }
    *lines = count > *lines ? count : *lines;
    return widest;
}

struct printer {
    const struct frame *frame;
    struct buf *out;
    uint32_t *widths;
    bool color;
};

static void print_line(const struct printer *printer, const struct table *table, const struct frame_line *line)
{
    size_t fill = 3 * (size_t)table->column_count - 1;

    for (uint32_t i = 0; i < table->column_count; i++)
        fill += printer->widths[i];
    buf_add_text(printer->out, line->left);
    while (fill-- > 0)
        buf_add_text(printer->out, line->fill);
    buf_add_text(printer->out, line->right);
    buf_add_char(printer->out, '\n');
}

static void add_blanks(struct buf *out, uint32_t count)
{
    static const char blanks[] = "                                ";

    while (count > 0) {
        uint32_t part = count < sizeof(blanks) - 1 ? count : (uint32_t)sizeof(blanks) - 1;

        buf_add(out, blanks, part);
        count -= part;
    }
}

static void print_cell(const struct printer *printer, const struct table_column *column, uint32_t width,
                       const char *text, size_t length, enum color color)
{
    uint32_t blanks = width - width_of(text, length);

    buf_add_char(printer->out, ' ');
    if (color != COLOR_NONE)
        buf_add_text(printer->out, color_start(color));
    if (column->is_right)
        add_blanks(printer->out, blanks);
    buf_add(printer->out, text, length);
    if (!column->is_right)
        add_blanks(printer->out, blanks);
    if (color != COLOR_NONE)
        buf_add_text(printer->out, COLOR_END);
    buf_add_char(printer->out, ' ');
}

static void print_row(const struct printer *printer, const struct table *table, const struct table_row *row,
                      const char **rest)
{
    uint32_t lines = 1;

    for (uint32_t i = 0; i < table->column_count; i++) {
        rest[i] = cell_text(&row->cells[i]);
        if (strchr(rest[i], '\n'))
            widest_line(rest[i], &lines);
    }
    for (uint32_t line = 0; line < lines; line++) {
        buf_add_text(printer->out, printer->frame->pipe);
        for (uint32_t i = 0; i < table->column_count; i++) {
            const struct table_column *column = &table->columns[i];
            const char *end = line_end(rest[i]);
            enum color color = row->cells[i].color != COLOR_NONE ? row->cells[i].color : column->color;

            print_cell(printer, column, printer->widths[i], rest[i], (size_t)(end - rest[i]),
                       printer->color ? color : COLOR_NONE);
            buf_add_text(printer->out, printer->frame->pipe);
            rest[i] = *end ? end + 1 : end;
        }
        buf_add_char(printer->out, '\n');
    }
}

void table_print(const struct table *table, struct table_style style, struct buf *out)
{
    struct printer printer = { style.utf8 ? &frame_utf8 : &frame_ascii, out, NULL, style.color };
    const char **rest = arena_alloc(table->arena, sizeof(*rest) * (table->column_count + 1));
    struct cell *titles = arena_alloc(table->arena, sizeof(*titles) * (table->column_count + 1));
    struct printer plain;
    uint32_t lines = 1;

    printer.widths = arena_alloc(table->arena, sizeof(uint32_t) * (table->column_count + 1));
    for (uint32_t i = 0; i < table->column_count; i++) {
        titles[i].text = table->columns[i].title;
        printer.widths[i] = width_of(titles[i].text, strlen(titles[i].text));
        for (uint32_t j = 0; j < table->rows.count; j++) {
            struct cell *cell = &table->rows.at[j].cells[i];
            uint32_t width;

            cell->text = value_visible(table->arena, cell_text(cell));
            width = widest_line(cell->text, &lines);
            printer.widths[i] = width > printer.widths[i] ? width : printer.widths[i];
        }
    }
    plain = printer;
    plain.color = false;
    print_line(&printer, table, &printer.frame->top);
    print_row(&plain, table, &(struct table_row){ titles }, rest);
    print_line(&printer, table, &printer.frame->header);
    for (uint32_t i = 0; i < table->rows.count; i++) {
        if (i > 0 && lines > 1)
            print_line(&printer, table, &printer.frame->between);
        print_row(&printer, table, &table->rows.at[i], rest);
    }
    print_line(&printer, table, &printer.frame->bottom);
}
