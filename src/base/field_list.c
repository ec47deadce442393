/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of enumerations, and lists and maps that rows carry. They live in arenas and are short (properties of an
 * object), so a sorted array with binary search serves both small size and quick look-up; growing copies the array with
 * room for as many again.
 */
#include "base/field.h"

#include <string.h>
#include <strings.h>

#include "base/field_layout.h"

const char *enum_name(const struct enum_name *names, uint64_t value)
{
    for (; names->name; names++)
        if (names->value == value)
            return names->name;
    return NULL;
}

bool enum_parse(const struct enum_name *names, const char *text, uint64_t *value)
{
    for (; names->name; names++) {
        if (strcasecmp(names->name, text) == 0) {
            *value = names->value;
            return true;
        }
    }
    return false;
}

void *list_add(void *list, size_t item_size, struct arena *arena)
{
    struct any_list *any = list;
    uint32_t count = any->count;

    if (count >= any->room) {
        uint32_t room = list_next_room(count);
        void *larger = arena_alloc(arena, item_size * room);

        if (count > 0)
            memcpy(larger, any->at, item_size * count);
        any->at = larger;
        any->room = room;
    }
    any->count++;
    return memset((char *)any->at + item_size * count, 0, item_size);
}

void text_list_add(struct text_list *list, const char *text, struct arena *arena)
{
    *LIST_ADD(list, arena) = arena_strdup(arena, text);
}

bool text_list_has(const struct text_list *list, const char *text)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i], text) == 0)
            return true;
    return false;
}

bool text_list_has_fold(const struct text_list *list, const char *text)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcasecmp(list->at[i], text) == 0)
            return true;
    return false;
}

/* Index of the first key that is not less than key. */
static uint32_t position(const struct text_map *map, const char *key, bool *found)
{
    uint32_t low = 0, high = map->count;

    *found = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(map->at[middle].key, key);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *text_map_find(const struct text_map *map, const char *key)
{
    bool found;
    uint32_t at = position(map, key, &found);

    return found ? map->at[at].value : NULL;
}

void text_map_set(struct text_map *map, const char *key, const char *value, struct arena *arena)
{
    bool found;
    uint32_t at = position(map, key, &found);

    if (!found) {
        LIST_ADD(map, arena);
        memmove(&map->at[at + 1], &map->at[at], sizeof(map->at[0]) * (map->count - 1 - at));
        map->at[at].key = arena_strdup(arena, key);
    }
    map->at[at].value = arena_strdup(arena, value);
}

static void remove_range(struct text_map *map, uint32_t first, uint32_t count)
{
    if (count == 0)
        return;
    map->count -= count;
    memmove(&map->at[first], &map->at[first + count], sizeof(map->at[0]) * (map->count - first));
    if (map->count == 0)
        *map = (struct text_map){ 0 };
}

bool text_map_remove(struct text_map *map, const char *key)
{
    bool found;
    uint32_t at = position(map, key, &found);

    remove_range(map, at, found);
    return found;
}

void text_map_remove_below(struct text_map *map, const char *prefix)
{
    size_t length = strlen(prefix);
    bool found;
    uint32_t first = position(map, prefix, &found), end = first;

    while (end < map->count && strncmp(map->at[end].key, prefix, length) == 0)
        end++;
    remove_range(map, first, end - first);
}
