/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as people type and read them: sizes, spans of time, times, counts of replicas. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/field.h"

/*
 * "10G", "500 MiB", "4096k" -> KiB, rounded up; without a unit GiB. K, KiB and so on are powers of 1024, kB and so on
 * of 1000, S is a sector of 512 bytes; case does not count. NULL, or what is wrong (may have two lines).
 */
const char *value_parse_size(struct arena *arena, const char *text, int64_t *size_kib);
/* The same to bytes; without a unit it is bytes. */
const char *value_parse_bytes(struct arena *arena, const char *text, int64_t *bytes);
/* "1 GiB", "9.97 GiB": the largest unit in which it is at least one. */
const char *value_format_size(struct arena *arena, int64_t size_kib);

/* "1d10h", "3h", "3" (hours), "3days" -> ms; false when it is none. */
bool value_parse_span(const char *text, int64_t *span_ms);
/* "2026-06-30" -> the last second of that day, local time, ms since 1970. */
bool value_parse_day_end(const char *text, int64_t *time_ms);
/*
 * Local time for many moments, zeroed at first. Zones change their distance to UTC at the ends of quarters of an hour
 * only, so one look-up serves all moments of such a quarter that follow each other.
 */
struct value_clock {
    int64_t start; /* of the quarter, seconds since 1970 */
    char hour[32]; /* "2024-11-07 17:00:00"; empty when none was looked up */
    int second;    /* of that hour, at the start */
};
/* "2024-11-07 17:20:00", local time. */
const char *value_format_time(struct value_clock *clock, struct arena *arena, int64_t time_ms);

/* "a,b" -> two texts; empty parts are left out. */
void value_split(struct arena *arena, const char *text, char separator, struct text_list *parts);
const char *value_join(struct arena *arena, const struct text_list *parts, const char *separator);
/* ['a', 'b'], as lists stand in some cells. */
const char *value_quote_list(struct arena *arena, const struct text_list *parts);

/* Text of others for a terminal, on which control characters could do anything: in place of each stands '?', of a
 * tabulator a blank; ends of lines stay. The text itself when it has none. */
const char *value_visible(struct arena *arena, const char *text);

/* Order in which people expect names: digits count as numbers ("db2" before "db10"), numbers before text. */
int value_compare_natural(const char *a, const char *b);
