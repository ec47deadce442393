/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/text.h"

static const struct {
    const char *name;
    int64_t bytes;
} units[] = {
    { "B", 1 },
    { "S", 512 },
    { "K", INT64_C(1) << 10 },
    { "kB", INT64_C(1000) },
    { "KiB", INT64_C(1) << 10 },
    { "M", INT64_C(1) << 20 },
    { "MB", INT64_C(1000000) },
    { "MiB", INT64_C(1) << 20 },
    { "G", INT64_C(1) << 30 },
    { "GB", INT64_C(1000000000) },
    { "GiB", INT64_C(1) << 30 },
    { "T", INT64_C(1) << 40 },
    { "TB", INT64_C(1000000000000) },
    { "TiB", INT64_C(1) << 40 },
    { "P", INT64_C(1) << 50 },
    { "PB", INT64_C(1000000000000000) },
    { "PiB", INT64_C(1) << 50 },
};

static bool find_unit(const char *name, int64_t *bytes)
{
    /* "Gi" is what other tools take */
    size_t length = strlen(name);
    bool is_short = length == 2 && tolower((unsigned char)name[1]) == 'i';

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (strcasecmp(units[i].name, name) == 0 || (is_short && strncasecmp(units[i].name, name, 2) == 0)) {
            *bytes = units[i].bytes;
            return true;
        }
    }
    return false;
}

/* "10 GiB" -> 10 and the bytes of the unit, which stay as they are when there is none. */
static const char *parse_amount(struct arena *arena, const char *text, int64_t *number, int64_t *bytes)
{
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits + strspn(text + digits, " ");
    char *list;

    if (digits == 0)
        return arena_printf(arena, "Size '%s' is not a valid number", text);
    if (!text_parse_i64(arena_strndup(arena, text, digits), 0, INT64_MAX, number))
        return arena_printf(arena, "Size '%s' is too large", text);
    if (*unit && !find_unit(unit, bytes)) {
        list = arena_strdup(arena, units[0].name);
        for (size_t i = 1; i < ARRAY_SIZE(units); i++)
            list = arena_printf(arena, "%s, %s", list, units[i].name);
        return arena_printf(arena, "\"%s\" is not a valid unit!\nValid units: %s", unit, list);
    }
    return NULL;
}

const char *value_parse_size(struct arena *arena, const char *text, int64_t *size_kib)
{
    int64_t number, bytes = INT64_C(1) << 30, total;
    const char *error = parse_amount(arena, text, &number, &bytes);

    if (error)
        return error;
    if (__builtin_mul_overflow(number, bytes, &total)) {
        /* large counts of KiB fit where their bytes do not */
        if (bytes < 1024 || bytes % 1024 != 0 || __builtin_mul_overflow(number, bytes / 1024, size_kib))
            return arena_printf(arena, "Size '%s' is too large", text);
        return NULL;
    }
    *size_kib = total / 1024 + (total % 1024 != 0);
    return NULL;
}

const char *value_parse_bytes(struct arena *arena, const char *text, int64_t *bytes)
{
    int64_t number, unit = 1;
    const char *error = parse_amount(arena, text, &number, &unit);

    if (!error && __builtin_mul_overflow(number, unit, bytes))
        error = arena_printf(arena, "Size '%s' is too large", text);
    return error;
}

const char *value_format_size(struct arena *arena, int64_t size_kib)
{
    static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
    size_t unit = 0;
    int64_t one = 1;

    if (size_kib < 0)
        return arena_printf(arena, "-%s", value_format_size(arena, size_kib == INT64_MIN ? INT64_MAX : -size_kib));
    while (unit + 1 < ARRAY_SIZE(names) && size_kib / 1024 >= one) {
        one *= 1024;
        unit++;
    }
    if (size_kib % one == 0)
        return arena_printf(arena, "%lld %s", (long long)(size_kib / one), names[unit]);
    return arena_printf(arena, "%3.2f %s", (double)size_kib / (double)one, names[unit]);
}

/* "d", "day", "days" and "h", "hour", "hours" at *text; 0 when neither is there. */
static int64_t take_span_unit(const char **text)
{
    static const struct {
        const char *name;
        int64_t ms;
    } names[] = {
        { "days", INT64_C(86400000) }, { "day", INT64_C(86400000) }, { "d", INT64_C(86400000) },
        { "hours", INT64_C(3600000) }, { "hour", INT64_C(3600000) }, { "h", INT64_C(3600000) },
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (text_starts_with(*text, names[i].name)) {
            *text += strlen(names[i].name);
            return names[i].ms;
        }
    }
    return 0;
}

bool value_parse_span(const char *text, int64_t *span_ms)
{
    int64_t total = 0, last = INT64_MAX;

    if (!*text)
        return false;
    while (*text) {
        char *behind;
        long number = isdigit((unsigned char)*text) ? strtol(text, &behind, 10) : -1;
        int64_t unit;

        if (number < 0 || number > 1000000)
            return false;
        text = behind + strspn(behind, " ");
        unit = take_span_unit(&text);
        if (unit == 0 && *text) /* hours need no unit, at the end only */
            return false;
        unit = unit ? unit : INT64_C(3600000);
        if (unit >= last)
            return false;
        last = unit;
        total += number * unit;
        text += strspn(text, " ");
    }
    *span_ms = total;
    return true;
}

bool value_parse_day_end(const char *text, int64_t *time_ms)
{
    struct tm day = { 0 };
    const char *behind = strptime(text, "%Y-%m-%d", &day);
    time_t seconds;

    if (!behind || *behind)
        return false;
    day.tm_hour = 23;
    day.tm_min = 59;
    day.tm_sec = 59;
    day.tm_isdst = -1;
    seconds = mktime(&day);
    if (seconds == (time_t)-1)
        return false;
    *time_ms = (int64_t)seconds * 1000;
    return true;
}

static const char *format_local(struct arena *arena, time_t seconds)
{
    struct tm local;
    char text[32];

    if (!localtime_r(&seconds, &local) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local) == 0)
        return "";
    return arena_strdup(arena, text);
}

static void put_two_digits(char *to, int number)
{
    to[0] = (char)('0' + number / 10);
    to[1] = (char)('0' + number % 10);
}

const char *value_format_time(struct value_clock *clock, struct arena *arena, int64_t time_ms)
{
    enum { QUARTER = 900, HOUR = 3600 };
    time_t seconds = (time_t)(time_ms / 1000), start = seconds - seconds % QUARTER;
    struct tm local;
    int second;
    char *text;

    if (seconds < 0)
        return format_local(arena, seconds);
    if (!clock->hour[0] || clock->start != start) {
        clock->hour[0] = '\0';
        clock->start = start;
        if (!localtime_r(&start, &local) ||
            strftime(clock->hour, sizeof(clock->hour), "%Y-%m-%d %H:00:00", &local) == 0)
            return format_local(arena, seconds);
        clock->second = local.tm_min * 60 + local.tm_sec;
    }
    second = clock->second + (int)(seconds - start);
    if (second >= HOUR) /* a zone that is minutes and seconds away from all others */
        return format_local(arena, seconds);
    text = arena_strdup(arena, clock->hour);
    put_two_digits(strchr(text, ':') + 1, second / 60);
    put_two_digits(strrchr(text, ':') + 1, second % 60);
    return text;
}

void value_split(struct arena *arena, const char *text, char separator, struct text_list *parts)
{
    while (*text) {
        const char *end = strchrnul(text, separator);

        if (end > text)
            *LIST_ADD(parts, arena) = arena_strndup(arena, text, (size_t)(end - text));
        text = *end ? end + 1 : end;
    }
}

const char *value_join(struct arena *arena, const struct text_list *parts, const char *separator)
{
    size_t length = 1, at = 0;
    char *joined;

    for (uint32_t i = 0; i < parts->count; i++)
        length += strlen(parts->at[i]) + strlen(separator);
    joined = arena_alloc(arena, length);
    for (uint32_t i = 0; i < parts->count; i++) {
        if (i > 0)
            at = (size_t)(stpcpy(joined + at, separator) - joined);
        at = (size_t)(stpcpy(joined + at, parts->at[i]) - joined);
    }
    return joined;
}

const char *value_quote_list(struct arena *arena, const struct text_list *parts)
{
    if (parts->count == 0)
        return "[]";
    return arena_printf(arena, "['%s']", value_join(arena, parts, "', '"));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t count_digits(const char *text)
{
    size_t count = 0;

    while (is_digit(text[count]))
        count++;
    return count;
}

int value_compare_natural(const char *a, const char *b)
{
    while (*a && *b) {
        bool number_a = is_digit(*a), number_b = is_digit(*b);
        size_t length_a, length_b;
        int order;

        if (!number_a || !number_b) {
            if (number_a != number_b)
                return number_a ? -1 : 1;
            if (*a != *b)
                return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
            continue;
        }
        while (*a == '0')
            a++;
        while (*b == '0')
            b++;
        length_a = count_digits(a);
        length_b = count_digits(b);
        if (length_a != length_b)
            return length_a < length_b ? -1 : 1;
        order = memcmp(a, b, length_a);
        if (order != 0)
            return order < 0 ? -1 : 1;
        a += length_a;
        b += length_b;
    }
    return (*a != '\0') - (*b != '\0');
}

/* Of one character: 0, or how many bytes it has. UTF-8 has 32 more of them behind those of ASCII. */
static unsigned control_length(const char *text)
{
    unsigned char first = (unsigned char)text[0], second = first ? (unsigned char)text[1] : 0;

    if ((first < ' ' && first != '\n' && first != '\0') || first == 0x7f)
        return 1;
    return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

const char *value_visible(struct arena *arena, const char *text)
{
    const char *at = text;
    char *copy, *to;

    while (*at && control_length(at) == 0)
        at++;
    if (!*at)
        return text;
    copy = arena_strdup(arena, text);
    to = copy + (at - text);
    while (*at) {
        unsigned length = control_length(at);

        *to++ = length == 0 ? *at : *at == '\t' ? ' ' : '?';
        at += length ? length : 1;
    }
    *to = '\0';
    return copy;
}
