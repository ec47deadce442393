/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small conversions of text that the C library does not have in a safe form. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* The whole text must be a decimal number within the range; false otherwise. */
bool text_parse_i64(const char *text, int64_t min, int64_t max, int64_t *value);
bool text_parse_double(const char *text, double *value);

/* ASCII only, as names and keys are. */
void text_upper(char *text);
bool text_equal_fold(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);

enum { TEXT_UUID_SIZE = 37 };
void text_random_bytes(void *bytes, size_t size); /* from the kernel */
/* For tests that must replay: bytes come from fn instead; NULL: from the kernel again. */
void text_set_random(void (*fn)(void *bytes, size_t size));
void text_make_uuid(char uuid[static TEXT_UUID_SIZE]);                 /* version 4, lower case; on the main thread */
void text_uuid_of(const char *name, char uuid[static TEXT_UUID_SIZE]); /* always the same for the same name */
bool text_is_uuid(const char *text);

char *text_base64(struct arena *arena, const void *bytes, size_t size);

/* "2026-06-02T10:45:56.123Z" */
enum { TEXT_TIME_SIZE = 32 };
void text_format_time(int64_t wall_ms, char text[static TEXT_TIME_SIZE]);

/* FNV-1a; chain calls by passing the last result, start with TEXT_HASH_START. */
#define TEXT_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t text_hash(uint64_t hash, const void *bytes, size_t size);

/* Whole file into *buf; 0 or -errno. Files larger than limit are -EFBIG. */
struct buf;
int text_read_file(const char *path, size_t limit, struct buf *buf) MUST_CHECK;
/* The first line of a small file below directory, which may be AT_FDCWD; "" when it cannot be read. */
void text_read_line(int directory, const char *path, char *line, size_t size);
/* Written to a temporary name, synced, renamed over path, directory synced; mode is that of the file. 0 or -errno. */
int text_write_file(const char *path, const void *bytes, size_t size, unsigned mode) MUST_CHECK;
/* Like mkdir -p; 0 or -errno. */
int text_make_directories(const char *path, unsigned mode) MUST_CHECK;
