/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON as -m prints it: two blanks of indentation, ASCII only, numbers and order as the controller sent them. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/field.h"

/* One JSON value; lines behind the first are indented for the given depth. Broken JSON gives broken text, nothing
 * worse. */
void pretty_json(struct buf *out, const char *json, size_t length, unsigned depth);
void pretty_new_line(struct buf *out, unsigned depth);
/* [{"key": .., "value": ..}, ..] */
void pretty_write_pairs(struct json_writer *writer, const struct text_map *map);
