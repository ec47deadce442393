/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The client's pure parts, and its tables against the outside world: every place in a body must be one that the
 * controller reads, every command and option one that users of the original know, every command must stand in the man
 * page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"
#include "roles/client/command.h"
#include "roles/client/config.h"
#include "roles/client/pretty.h"
#include "roles/client/table.h"
#include "roles/client/value.h"

static void sizes_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        int64_t kib;
    } good[] = {
        { "1", 1048576 },
        { "0", 0 },
        { "1B", 1 },
        { "1024b", 1 },
        { "1025B", 2 },
        { "3S", 2 },
        { "4K", 4 },
        { "4kB", 4 },
        { "5kb", 5 },
        { "100MB", 97657 },
        { "100M", 102400 },
        { "100 MiB", 102400 },
        { "1Gi", 1048576 },
        { "1g", 1048576 },
        { "2TB", 1953125000 },
        { "1P", INT64_C(1) << 40 },
        { "8191P", INT64_C(8191) << 40 },
        { "8192PiB", INT64_C(8192) << 40 },
    };
    static const char *const bad[] = {
        "", "abc", "-1G", "1.5G", "1Q", "1GG", "99999999999999999999", "9999999999999999P"
    };
    struct arena arena = { 0 };
    int64_t kib;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_null(value_parse_size(&arena, good[i].text, &kib));
        assert_int_equal(kib, good[i].kib);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_non_null(value_parse_size(&arena, bad[i], &kib));
    arena_done(&arena);
}

static void sizes_are_shown_short(void **state)
{
    static const struct {
        int64_t kib;
        const char *text;
    } cases[] = {
        { 0, "0 KiB" },          { 1023, "1023 KiB" },
        { 1024, "1 MiB" },       { 1025, "1.00 MiB" },
        { 5000, "4.88 MiB" },    { 10454304, "9.97 GiB" },
        { 1048876, "1.00 GiB" }, { INT64_MAX, "8388608.00 PiB" },
        { -2048, "-2 MiB" },     { INT64_MIN, "-8388608.00 PiB" },
    };
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(value_format_size(&arena, cases[i].kib), cases[i].text);
    arena_done(&arena);
}

static void spans_are_read(void **state)
{
    static const struct {
        const char *text;
        int hours;
    } good[] = {
        { "3", 3 },     { "3h", 3 },     { "5d", 120 },          { "1d10h", 34 },
        { "1d 2", 26 }, { "3days", 72 }, { "1 day 1 hour", 25 },
    };
    static const char *const bad[] = { "", "h", "10m", "1h1d", "1d1d", "3x", "-1", "99999999999h" };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(value_parse_span(good[i].text, &ms));
        assert_int_equal(ms, INT64_C(3600000) * good[i].hours);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(value_parse_span(bad[i], &ms));
    assert_false(value_parse_day_end("2026-13-40", &ms));
    assert_false(value_parse_day_end("2026-01-01x", &ms));
}

/* One clock for all moments shows what the library shows for each, also around changes of the distance to UTC. */
static void times_are_local(void **state)
{
    static const char *const zones[] = { "UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "LHST-10:30LHDT-11,M10.1.0,M4.1.0",
                                         "NPT-5:45", "LMT0:44:30" };
    static const int64_t starts[] = { -7300, 0, 1711846000, 1729990000, 1728141000, 1712416000 };
    struct value_clock clock;
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        clock = (struct value_clock){ 0 };
        for (size_t j = 0; j < ARRAY_SIZE(starts); j++) {
            for (int step = 0; step < 400; step++) {
                time_t seconds = (time_t)(starts[j] + step * 37);
                struct tm local;
                char text[32];

                assert_non_null(localtime_r(&seconds, &local));
                strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
                assert_string_equal(value_format_time(&clock, &arena, (int64_t)seconds * 1000), text);
            }
        }
    }
    unsetenv("TZ");
    tzset();
    arena_done(&arena);
}

static void names_sort_as_people_count(void **state)
{
    static const char *const sorted[] = { "", "1", "02", "10", "A", "a", "a1", "a1b", "a2", "a10", "a10b", "b" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
            int order = value_compare_natural(sorted[i], sorted[j]);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void equal_rows_keep_their_order(void **state)
{
    enum { ROWS = 1000 };
    static const struct table_column columns[] = { { "Key" }, { "Number" } };
    static const char *const keys[] = { "c", "a", "b" };
    struct arena arena = { 0 };
    struct table table;

    (void)state;
    table_init(&table, &arena, columns, 2);
    for (int i = 0; i < ROWS; i++) {
        struct cell *cells = table_add_row(&table);

        cells[0].text = keys[i % 3];
        cells[1].text = arena_printf(&arena, "%d", i);
    }
    table_sort(&table, (uint32_t[]){ 0 }, 1);
    for (int i = 1; i < ROWS; i++) {
        const struct cell *before = table.rows.at[i - 1].cells, *here = table.rows.at[i].cells;
        int order = strcmp(before[0].text, here[0].text);

        assert_true(order <= 0);
        assert_true(order < 0 || atoi(before[1].text) < atoi(here[1].text));
    }
    arena_done(&arena);
}

static void tables_count_letters_not_bytes(void **state)
{
    static const struct table_column columns[] = { { "Ä" }, { "R", .is_right = true } };
    struct arena arena = { 0 };
    struct buf out = { 0 };
    struct table table;
    struct cell *cells;

    (void)state;
    table_init(&table, &arena, columns, 2);
    cells = table_add_row(&table);
    cells[0].text = "größer\nx";
    cells[1].text = "1";
    cells = table_add_row(&table);
    cells[1].text = "12";
    table_print(&table, (struct table_style){ 0 }, &out);
    assert_string_equal(buf_text(&out), "+-------------+\n"
                                        "| Ä      |  R |\n"
                                        "|=============|\n"
                                        "| größer |  1 |\n"
                                        "| x      |    |\n"
                                        "|-------------|\n"
                                        "|        | 12 |\n"
                                        "+-------------+\n");
    buf_done(&out);
    arena_done(&arena);
}

static void broken_json_is_only_ugly(void **state)
{
    static const char *const cases[] = { "",        "{",           "[\"", "\"\\",
                                         "\"\\u12", "\"\\ud83d\"", "]}",  "\"\xff\xc3\"",
                                         "[[[",     "\"\xf0\x9f" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf out = { 0 };
        char *exact = memory_copy(cases[i], strlen(cases[i]) + 1);

        pretty_json(&out, exact, strlen(exact), 0);
        free(exact);
        buf_done(&out);
    }
}

static void later_sections_replace_earlier_ones(void **state)
{
    struct arena arena = { 0 };
    struct config config = { 0 };
    const struct text_map *global;

    (void)state;
    assert_null(
        config_parse(&config,
                     "# comment\n[global]\nControllers = a,b\n no more\ntimeout: 5\nno-color =\n; x\n[node.list]\n"
                     "groupby = [\"state\"]\n",
                     &arena));
    global = config_find(&config, "global");
    assert_int_equal(global->count, 3);
    assert_string_equal(text_map_find(global, "controllers"), "a,b\nno more");
    assert_string_equal(text_map_find(global, "timeout"), "5");
    assert_string_equal(text_map_find(global, "no-color"), "");
    assert_null(config_parse(&config, "[global]\ntimeout = 100%%\r\n", &arena));
    global = config_find(&config, "global");
    assert_int_equal(global->count, 1);
    assert_string_equal(text_map_find(global, "timeout"), "100%");
    assert_non_null(config_find(&config, "node.list"));
    assert_null(config_find(&config, "none"));
    assert_string_equal(config_parse(&config, "[global\n", &arena), "line 1: expected [section] or key = value");
    assert_string_equal(config_parse(&config, "\nkey = value\n", &arena), "line 2: expected [section] or key = value");
    assert_string_equal(config_parse(&config, "[a]\nnothing\n", &arena), "line 2: expected [section] or key = value");
    arena_done(&arena);
}

static void files_are_read_in_their_order(void **state)
{
    char top[] = "/tmp/test_client.XXXXXX";
    struct arena arena = { 0 };
    struct config config = { 0 };
    static const struct {
        const char *path, *text;
    } files[] = {
        { "linstor-client.d/20.conf", "[global]\ntimeout = 20\n" },
        { "linstor-client.d/10.conf", "[global]\ntimeout = 10\n[only]\na = b\n" },
        { "linstor-client.d/90.txt", "nonsense" },
        { "linstor-client.conf", "[global]\ntimeout = 1\n" },
        { "home/.config/linstor/linstor-client.conf", "[home]\na = b\n" },
    };

    (void)state;
    assert_non_null(mkdtemp(top));
    assert_int_equal(text_make_directories(arena_printf(&arena, "%s/linstor-client.d", top), 0700), 0);
    assert_int_equal(text_make_directories(arena_printf(&arena, "%s/home/.config/linstor", top), 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        assert_int_equal(text_write_file(arena_printf(&arena, "%s/%s", top, files[i].path), files[i].text,
                                         strlen(files[i].text), 0600),
                         0);
    assert_null(config_read(&config, top, arena_printf(&arena, "%s/home", top), &arena));
    assert_string_equal(text_map_find(config_find(&config, "global"), "timeout"), "20");
    assert_non_null(config_find(&config, "home"));
    assert_non_null(config_find(&config, "only"));
    config = (struct config){ 0 };
    assert_null(config_read(&config, top, NULL, &arena));
    assert_string_equal(text_map_find(config_find(&config, "global"), "timeout"), "1");
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        unlink(arena_printf(&arena, "%s/%s", top, files[i].path));
    rmdir(arena_printf(&arena, "%s/linstor-client.d", top));
    rmdir(arena_printf(&arena, "%s/home/.config/linstor", top));
    rmdir(arena_printf(&arena, "%s/home/.config", top));
    rmdir(arena_printf(&arena, "%s/home", top));
    rmdir(top);
    arena_done(&arena);
}

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
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test(sizes_are_shown_short),
        cmocka_unit_test(spans_are_read),
        cmocka_unit_test(times_are_local),
        cmocka_unit_test(names_sort_as_people_count),
        cmocka_unit_test(equal_rows_keep_their_order),
        cmocka_unit_test(tables_count_letters_not_bytes),
        cmocka_unit_test(broken_json_is_only_ugly),
        cmocka_unit_test(later_sections_replace_earlier_ones),
        cmocka_unit_test(files_are_read_in_their_order),
        cmocka_unit_test(bodies_have_places_that_are_read),
        cmocka_unit_test(paths_have_their_arguments),
        cmocka_unit_test(commands_are_those_of_the_original),
        cmocka_unit_test(the_man_page_tells_of_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
