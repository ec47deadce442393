/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

bool text_parse_i64(const char *text, int64_t min, int64_t max, int64_t *value)
{
    char *end;
    long long number;

    if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1])))
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < min || number > max)
        return false;
    *value = number;
    return true;
}

bool text_parse_double(const char *text, double *value)
{
    char *end;
    double number;

    if (text[0] == '+' || text[strspn(text, "0123456789+-.eE")] != '\0') /* no blanks, infinities, hexadecimal */
        return false;
    errno = 0;
    number = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0')
        return false;
    *value = number;
    return true;
}

void text_upper(char *text)
{
    for (; *text; text++)
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 'a' + 'A');
}

bool text_equal_fold(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    if ((*a ^ *b) & ~0x20) /* mostly, and cheaply */
        return false;
    return strcasecmp(a, b) == 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);

    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

static void (*random_source)(void *bytes, size_t size); /* only tests set it */

void text_set_random(void (*fn)(void *bytes, size_t size))
{
    random_source = fn;
}

void text_random_bytes(void *bytes, size_t size)
{
    char *next = bytes;

    if (random_source) {
        random_source(bytes, size);
        return;
    }
    while (size > 0) {
        ssize_t got = getrandom(next, size, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        next += got;
        size -= (size_t)got;
    }
}

/* Numbers for UUIDs are no secrets, so they are asked for many at a time. */
static void next_uuid_bytes(unsigned char raw[static 16])
{
    static struct {
        unsigned char bytes[32][16];
        size_t left;
    } ahead;

    if (random_source) {
        random_source(raw, 16);
        return;
    }
    if (ahead.left == 0) {
        text_random_bytes(ahead.bytes, sizeof(ahead.bytes));
        ahead.left = ARRAY_SIZE(ahead.bytes);
    }
    memcpy(raw, ahead.bytes[--ahead.left], 16);
}

void text_make_uuid(char uuid[static TEXT_UUID_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char raw[16];
    size_t at = 0;

    next_uuid_bytes(raw);
    raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
    raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(raw); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            uuid[at++] = '-';
        uuid[at++] = hex[raw[i] >> 4];
        uuid[at++] = hex[raw[i] & 15];
    }
    uuid[at] = '\0';
}

/* Version 8: the bits are ours to choose. */
void text_uuid_of(const char *name, char uuid[static TEXT_UUID_SIZE])
{
    uint64_t high = text_hash(TEXT_HASH_START, name, strlen(name));
    uint64_t low = text_hash(text_hash(high, "/", 1), name, strlen(name));

    snprintf(uuid, TEXT_UUID_SIZE, "%08x-%04x-8%03x-%04x-%012" PRIx64, (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff), (unsigned)(0x8000 | (low >> 48 & 0x3fff)),
             low & UINT64_C(0xffffffffffff));
}

bool text_is_uuid(const char *text)
{
    for (size_t i = 0; i < TEXT_UUID_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return text[TEXT_UUID_SIZE - 1] == '\0';
}

char *text_base64(struct arena *arena, const void *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = bytes;
    char *text = arena_alloc(arena, (size + 2) / 3 * 4 + 1);
    char *out = text;

    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)in[i] << 16;

        if (i + 1 < size)
            group |= (uint32_t)in[i + 1] << 8;
        if (i + 2 < size)
            group |= in[i + 2];
        *out++ = digits[group >> 18 & 63];
        *out++ = digits[group >> 12 & 63];
        *out++ = i + 1 < size ? digits[group >> 6 & 63] : '=';
        *out++ = i + 2 < size ? digits[group & 63] : '=';
    }
    return text;
}

static char *put_digits(char *at, int number, int digits)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
    return at + digits;
}

/* Of days since 1970: the Gregorian calendar repeats every 400 years, and a year that begins in March ends with its
 * leap day. */
static char *put_date(char *at, int64_t days)
{
    int64_t since = days + 719468, era = (since >= 0 ? since : since - 146096) / 146097; /* since 0000-03-01 */
    int day = (int)(since - era * 146097);
    int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int month;

    day -= 365 * year + year / 4 - year / 100;
    month = (5 * day + 2) / 153; /* March is 0 */
    at = put_digits(at, (int)(era * 400) + year + (month >= 10), 4);
    *at++ = '-';
    at = put_digits(at, month < 10 ? month + 3 : month - 9, 2);
    *at++ = '-';
    return put_digits(at, day - (153 * month + 2) / 5 + 1, 2);
}

/* In every entry of every answer, so it is done without the C library. */
void text_format_time(int64_t wall_ms, char text[static TEXT_TIME_SIZE])
{
    enum { DAY_MS = 86400000 };
    int64_t days = (wall_ms >= 0 ? wall_ms : wall_ms - DAY_MS + 1) / DAY_MS;
    int ms = (int)(wall_ms - days * DAY_MS);

    text = put_date(text, days);
    *text++ = 'T';
    text = put_digits(text, ms / 3600000, 2);
    *text++ = ':';
    text = put_digits(text, ms / 60000 % 60, 2);
    *text++ = ':';
    text = put_digits(text, ms / 1000 % 60, 2);
    *text++ = '.';
    text = put_digits(text, ms % 1000, 3);
    memcpy(text, "Z", 2);
}

uint64_t text_hash(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *in = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ in[i]) * UINT64_C(0x100000001b3);
    return hash;
}

int text_read_file(const char *path, size_t limit, struct buf *buf)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int result = 0;

    if (fd < 0)
        return -errno;
    for (;;) {
        ssize_t got;

        buf_reserve(buf, 4096);
        got = read(fd, buf->data + buf->length, buf->capacity - buf->length - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = -errno;
        if (got <= 0)
            break;
        buf->length += (size_t)got;
        if (buf->length > limit) {
            result = -EFBIG;
            break;
        }
    }
    buf->data[buf->length] = '\0';
    close(fd);
    return result;
}

static int sync_directory_of(const char *path)
{
    CLEANUP(memory_freep) char *directory = memory_strdup(path);
    char *slash = strrchr(directory, '/');
    int fd, result = 0;

    if (!slash)
        strcpy(directory, ".");
    else
        slash[slash == directory] = '\0';
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0)
        result = -errno;
    close(fd);
    return result;
}

void text_read_line(int directory, const char *path, char *line, size_t size)
{
    int file = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = file < 0 ? 0 : read(file, line, size - 1);

    line[length > 0 ? length : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (file >= 0)
        close(file);
}

int text_write_file(const char *path, const void *bytes, size_t size, unsigned mode)
{
    CLEANUP(memory_freep) char *temporary = memory_printf("%s.new", path);
    const char *next = bytes;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    int result = 0;

    if (fd < 0)
        return -errno;
    while (size > 0 && result == 0) {
        ssize_t written = write(fd, next, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            result = -errno;
        } else {
            next += written;
            size -= (size_t)written;
        }
    }
    if (result == 0 && fsync(fd) != 0)
        result = -errno;
    close(fd);
    if (result == 0 && rename(temporary, path) != 0)
        result = -errno;
    if (result != 0) {
        unlink(temporary);
        return result;
    }
    return sync_directory_of(path);
}

int text_make_directories(const char *path, unsigned mode)
{
    CLEANUP(memory_freep) char *partial = memory_strdup(path);

    for (char *slash = strchr(partial + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(partial, (mode_t)mode) != 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    if (mkdir(partial, (mode_t)mode) != 0 && errno != EEXIST)
        return -errno;
    return 0;
}
