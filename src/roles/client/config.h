/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The client's configuration files: sections of "key = value". Files that are read later replace whole sections of
 * earlier ones.
 */
#pragma once

#include <stddef.h>

#include "base/field.h"

struct config_section {
    char *name;
    struct text_map values; /* keys are lower case */
};
struct config {
    LIST_OF(struct config_section) sections;
};

/* Adds what the text says; a section that is there is replaced. NULL, or what is wrong with it. */
const char *config_parse(struct config *config, const char *text, struct arena *arena);
const struct text_map *config_find(const struct config *config, const char *section); /* NULL when absent */
/*
 * <etc>/linstor-client.d/ *.conf in order of names, then <home>/.config/linstor/linstor-client.conf, else
 * <etc>/linstor-client.conf. NULL, or what is wrong.
 */
const char *config_read(struct config *config, const char *etc, const char *home, struct arena *arena);
