/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { FILE_LIMIT = 1 << 20 };

const struct text_map *config_find(const struct config *config, const char *section)
{
    for (uint32_t i = 0; i < config->sections.count; i++)
        if (strcmp(config->sections.at[i].name, section) == 0)
            return &config->sections.at[i].values;
    return NULL;
}

static struct config_section *add_section(struct config *config, const char *name, size_t length, struct arena *arena)
{
    struct config_section *section = LIST_ADD(&config->sections, arena);

    section->name = arena_strndup(arena, name, length);
    return section;
}

/* Without blanks around it; "%%" is a percent sign. */
static char *clean(const char *text, size_t length, struct arena *arena)
{
    char *copy, *to;

    while (length > 0 && isspace((unsigned char)*text)) {
        text++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    to = copy = arena_strndup(arena, text, length);
    for (const char *from = copy; *from; from++) {
        *to++ = *from;
        from += from[0] == '%' && from[1] == '%';
    }
    *to = '\0';
    return copy;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

static bool take_line(struct config *read, const char *line, size_t length, char **last_key, struct arena *arena)
{
    struct config_section *section = read->sections.count > 0 ? &read->sections.at[read->sections.count - 1] : NULL;
    size_t key_length = strcspn(line, "=:\n");
    const char *known;
    char *key, *value;

    if (isspace((unsigned char)*line) && section && *last_key) { /* goes on with the value above */
        known = text_map_find(&section->values, *last_key);
        text_map_set(&section->values, *last_key, arena_printf(arena, "%s\n%s", known, clean(line, length, arena)),
                     arena);
        return true;
    }
    if (*line == '[') {
        const char *end = memchr(line, ']', length);

        if (!end)
            return false;
        *last_key = NULL;
        add_section(read, line + 1, (size_t)(end - line - 1), arena);
        return true;
    }
    if (!section || key_length >= length)
        return false;
    key = clean(line, key_length, arena);
    value = clean(line + key_length + 1, length - key_length - 1, arena);
    lower(key);
    text_map_set(&section->values, key, value, arena);
    *last_key = key;
    return *key != '\0';
}

const char *config_parse(struct config *config, const char *text, struct arena *arena)
{
    struct config read = { 0 };
    char *last_key = NULL;
    int number = 0;

    for (const char *line = text; *line;) {
        const char *end = strchrnul(line, '\n');
        size_t length = (size_t)(end - line);
        bool is_blank = strspn(line, " \t\r") >= length;

        number++;
        if (!is_blank && *line != '#' && *line != ';' && !take_line(&read, line, length, &last_key, arena))
            return arena_printf(arena, "line %d: expected [section] or key = value", number);
        line = *end ? end + 1 : end;
    }
    for (uint32_t i = 0; i < read.sections.count; i++) {
        struct config_section *section = &read.sections.at[i];
        bool is_there = false;

        for (uint32_t j = 0; j < config->sections.count; j++) {
            if (strcmp(config->sections.at[j].name, section->name) == 0) {
                config->sections.at[j] = *section;
                is_there = true;
            }
        }
        if (!is_there)
            *LIST_ADD(&config->sections, arena) = *section;
    }
    return NULL;
}

/* A file that is not there says nothing; *found tells. */
static const char *read_one(struct config *config, const char *path, bool *found, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text = { 0 };
    int error = text_read_file(path, FILE_LIMIT, &text);
    const char *wrong;

    *found = error == 0;
    if (error == -ENOENT || error == -ENOTDIR || error == -EACCES)
        return NULL;
    if (error != 0)
        return arena_printf(arena, "%s: %s", path, strerror(-error));
    wrong = config_parse(config, buf_text(&text), arena);
    return wrong ? arena_printf(arena, "%s: %s", path, wrong) : NULL;
}

static int is_conf(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && text_ends_with(entry->d_name, ".conf");
}

const char *config_read(struct config *config, const char *etc, const char *home, struct arena *arena)
{
    const char *directory = arena_printf(arena, "%s/linstor-client.d", etc), *wrong = NULL;
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_conf, alphasort);
    bool found = false;

    for (int i = 0; i < count; i++) {
        if (!wrong)
            wrong = read_one(config, arena_printf(arena, "%s/%s", directory, entries[i]->d_name), &found, arena);
        free(entries[i]);
    }
    free(entries);
    if (wrong)
        return wrong;
    found = false;
    if (home)
        wrong = read_one(config, arena_printf(arena, "%s/.config/linstor/linstor-client.conf", home), &found, arena);
    if (!found && !wrong)
        wrong = read_one(config, arena_printf(arena, "%s/linstor-client.conf", etc), &found, arena);
    return wrong;
}
