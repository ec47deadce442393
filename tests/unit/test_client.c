/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The client's tables against the outside world: every place in a body must be one that the controller reads, every
 * command and option one that users of the original know, every command must stand in the man page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"
#include "roles/client/command.h"

/* Calls take for every command that is no group; path is its words. */
static void walk_commands(const struct command *command, const char *path, struct arena *arena,
                          void (*take)(const struct command *, const char *, void *), void *owner)
{
    for (const struct command *child = command_children(command); child->names; child++) {
        int length;
        const char *name = names_at(child->names, 0, &length);
        const char *own = arena_printf(arena, "%s%s%.*s", path, *path ? " " : "", length, name);

        if (command_children(child))
            walk_commands(child, own, arena, take, owner);
        else
            take(child, own, owner);
    }
}

static const struct field *find_field(const struct schema *schema, const char *name, size_t length)
{
    for (uint32_t i = 0; schema && i < schema->count; i++)
        if (strncmp(schema->fields[i].name, name, length) == 0 && !schema->fields[i].name[length])
            return &schema->fields[i];
    return NULL;
}

/* "a[0].b", "a.b", "a[]"; what stands behind a map of texts is a key. */
static bool place_exists(const struct schema *schema, const char *place)
{
    while (*place) {
        size_t length = strcspn(place, ".[");
        const struct field *field = find_field(schema, place, length);
        bool is_list = place[length] == '[';

        if (!field)
            return false;
        if (field->kind == FIELD_KIND_TEXT_MAP)
            return !is_list;
        if (is_list !=
            (field->kind == FIELD_KIND_LIST || field->kind == FIELD_KIND_TEXTS || field->kind == FIELD_KIND_I64S))
            return false;
        place += length + (is_list ? strcspn(place + length, "]") + 1 : 0);
        place += *place == '.';
        schema = field->kind == FIELD_KIND_LIST || field->kind == FIELD_KIND_OBJECT ? field->ref : NULL;
    }
    return true;
}

static void check_places(const struct command *command, const char *path, void *owner)
{
    struct arena *arena = owner;

    if (command->base && command->body) {
        void *body = arena_alloc(arena, command->body->size);
        struct json_error broken;
        struct field_error error = { 0 };
        cJSON *json = json_parse(command->base, strlen(command->base), &broken);

        assert_non_null(json);
        if (field_decode_strict(command->body, body, json, arena, &error) != 0)
            fail_msg("%s: %s", path, error.message);
        cJSON_Delete(json);
    }
    for (size_t i = 0; i < ARRAY_SIZE(command->arguments); i++)
        for (const struct argument *row = command->arguments[i]; row && row->names; row++)
            if (row->body && command->body && !place_exists(command->body, row->body))
                fail_msg("%s: nobody reads %s", path, row->body);
            else if (row->body && !command->body && !command->run)
                fail_msg("%s: the row does not say what reads its body", path);
}

static void bodies_have_places_that_are_read(void **state)
{
    struct arena arena = { 0 };

    (void)state;
    walk_commands(&command_root, "", &arena, check_places, &arena);
    arena_done(&arena);
}

static void check_target(const struct command *command, const char *path, void *owner)
{
    struct arena *arena = owner;

    if (!command->run && (!command->method || !command->target))
        fail_msg("%s: does nothing", path);
    for (const char *open = command->target ? strchr(command->target, '{') : NULL; open; open = strchr(open + 1, '{')) {
        char *name = arena_strndup(arena, open + 1, strcspn(open + 1, "}"));
        bool is_there = false;

        for (size_t i = 0; i < ARRAY_SIZE(command->arguments); i++) {
            for (const struct argument *row = command->arguments[i]; row && row->names; row++) {
                int length;
                const char *own = argument_name(row, &length);

                is_there = is_there || (strncmp(own, name, (size_t)length) == 0 && !name[length]);
            }
        }
        if (!is_there)
            fail_msg("%s: there is no argument {%s}", path, name);
    }
}

static void paths_have_their_arguments(void **state)
{
    struct arena arena = { 0 };

    (void)state;
    walk_commands(&command_root, "", &arena, check_target, &arena);
    arena_done(&arena);
}

struct original {
    cJSON *tree;
    struct arena *arena;
    int commands;
};

/* The command of that path in the original's tree, where each step is a list of name and aliases. */
static const cJSON *find_original(const struct original *original, const char *path)
{
    const cJSON *command;

    cJSON_ArrayForEach(command, original->tree)
    {
        const char *own = "";
        const cJSON *step;

        cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(command, "path"))
        {
            own = arena_printf(original->arena, "%s%s%s", own, *own ? " " : "", step->child->valuestring);
        }
        if (strcmp(own, path) == 0)
            return command;
    }
    return NULL;
}

/* What we have and the original has not. */
static bool is_our_own(const char *path, const char *name, size_t length)
{
    static const struct {
        const char *path, *name;
    } own[] = { { "resource list-volumes", "--from-file" }, { "physical-storage list", "--from-file" } };

    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (strcmp(own[i].path, path) == 0 && strncmp(own[i].name, name, length) == 0 && !own[i].name[length])
            return true;
    return false;
}

static bool original_has(const cJSON *command, const char *name, size_t length)
{
    const cJSON *argument, *flag;

    cJSON_ArrayForEach(argument, cJSON_GetObjectItemCaseSensitive(command, "args"))
    {
        cJSON_ArrayForEach(flag, cJSON_GetObjectItemCaseSensitive(argument, "flags"))
        {
            if (strncmp(flag->valuestring, name, length) == 0 && !flag->valuestring[length])
                return true;
        }
    }
    return false;
}

static int count_original_positionals(const cJSON *command)
{
    const cJSON *argument;
    int count = 0;

    cJSON_ArrayForEach(argument, cJSON_GetObjectItemCaseSensitive(command, "args"))
    {
        count += cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(argument, "flags")) == 0;
    }
    return count;
}

static void check_aliases(const struct command *command, const char *path, const cJSON *original)
{
    const cJSON *steps = cJSON_GetObjectItemCaseSensitive(original, "path"), *alias;

    cJSON_ArrayForEach(alias, cJSON_GetArrayItem(steps, cJSON_GetArraySize(steps) - 1))
    {
        if (!names_have(command->names, alias->valuestring))
            fail_msg("%s: lacks the alias %s", path, alias->valuestring);
    }
}

static void check_original(const struct command *command, const char *path, void *owner)
{
    struct original *original = owner;
    const cJSON *known = find_original(original, path);
    const struct argument *rows;
    int length, positionals = 0, options = 0;

    if (!known && strcmp(path, "completion bash") == 0) /* has a program of its own there */
        return;
    if (!known && strcmp(path, "encryption status") == 0) /* in a later one */
        return;
    if (!known)
        fail_msg("%s: the original has no such command", path);
    original->commands++;
    check_aliases(command, path, known);
    for (unsigned i = 0; (rows = command_table(command, i, original->arena)); i++) {
        for (const struct argument *row = rows; row->names; row++) {
            positionals += !argument_is_option(row);
            options += row->rule != NULL;
            for (unsigned j = 0; argument_is_option(row); j++) {
                const char *name = names_at(row->names, j, &length);

                if (length == 0)
                    break;
                if (!original_has(known, name, (size_t)length) && !is_our_own(path, name, (size_t)length))
                    fail_msg("%s: the original has no %.*s", path, length, name);
            }
        }
    }
    if (positionals != count_original_positionals(known))
        fail_msg("%s: %d positionals, the original has %d", path, positionals, count_original_positionals(known));
    if (command->drbd_options &&
        options + positionals != cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(known, "args")))
        fail_msg("%s: %d options of DRBD are not all that the original has", path, options);
}

static void commands_are_those_of_the_original(void **state)
{
    static const char file[] = "../shared/reference/data/cli-tree.json";
    struct buf text = { 0 };
    struct arena arena = { 0 };
    struct original original = { .arena = &arena };
    struct json_error error;

    (void)state;
    if (text_read_file(file, 1 << 24, &text) != 0) {
        print_message("%s is not there\n", file);
        skip();
    }
    original.tree = json_parse(buf_text(&text), text.length, &error);
    assert_non_null(original.tree);
    walk_commands(&command_root, "", &arena, check_original, &original);
    assert_true(original.commands > 50);
    cJSON_Delete(original.tree);
    buf_done(&text);
    arena_done(&arena);
}

static void check_man_page(const struct command *command, const char *path, void *owner)
{
    const struct buf *page = owner;
    char *line = memory_printf("\n.It Nm linstor Cm %s\n", path), *part;
    const char *at = strstr(buf_text(page), line), *end;

    if (command->is_hidden) {
        free(line);
        return;
    }
    if (!at)
        fail_msg("man/linstor.1 does not tell of \"%s\"", path);
    end = strstr(at + strlen(line), "\n.It Nm linstor");
    part = memory_printf("%.*s", (int)((end ? end : at + strlen(at)) - at), at);
    for (size_t i = 0; i < ARRAY_SIZE(command->arguments); i++) {
        for (const struct argument *row = command->arguments[i]; row && row->names; row++) {
            int length;
            const char *name = argument_name(row, &length);
            char *item = memory_printf(argument_is_option(row) ? "Fl -%.*s" : ".It Ar %.*s", length, name);

            if (!row->is_hidden && !strstr(part, item))
                fail_msg("man/linstor.1 does not tell of %.*s below \"%s\"", length, name, path);
            free(item);
        }
    }
    free(part);
    free(line);
}

static void the_man_page_tells_of_every_command(void **state)
{
    struct buf page = { 0 };
    struct arena arena = { 0 };

    (void)state;
    assert_int_equal(text_read_file("man/linstor.1", 1 << 24, &page), 0);
    walk_commands(&command_root, "", &arena, check_man_page, &page);
    /* and of every global option */
    for (const struct argument *row = command_root.arguments[0]; row->names; row++) {
        int length;
        const char *name = argument_name(row, &length);
        char *option = memory_printf(".It Fl -%.*s", length, name);

        if (!row->is_hidden && !strstr(buf_text(&page), option))
            fail_msg("man/linstor.1 does not tell of --%.*s", length, name);
        free(option);
    }
    buf_done(&page);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_have_places_that_are_read),
        cmocka_unit_test(paths_have_their_arguments),
        cmocka_unit_test(commands_are_those_of_the_original),
        cmocka_unit_test(the_man_page_tells_of_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
