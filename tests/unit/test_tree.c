/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries of trees on ordinary files; what only the kernel's own trees do is shown by the cases of tests/vm. */
#include "drivers/call_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

struct bench {
    struct arena arena;
    char directory[64];
};

static int set_up(void **state)
{
    struct bench *bench = memory_alloc(sizeof(*bench));

    snprintf(bench->directory, sizeof(bench->directory), "/tmp/linstor-test-tree-XXXXXX");
    *state = bench;
    return mkdtemp(bench->directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    int left = rmdir(bench->directory);

    arena_done(&bench->arena);
    free(bench);
    return left;
}

static char *path_of(struct bench *bench, const char *name)
{
    return arena_printf(&bench->arena, "%s/%s", bench->directory, name);
}

static int apply(struct bench *bench, enum tree_change change, const char *name, const char *value)
{
    struct tree_entry entry = { .change = change,
                                .path = path_of(bench, name),
                                .value = arena_strdup_null(&bench->arena, value) };

    return tree_apply(&entry);
}

static void write_file(struct bench *bench, const char *name, const char *text)
{
    int file = open(path_of(bench, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
}

static void what_holds_is_fine(void **state)
{
    struct bench *bench = *state;

    for (int i = 0; i < 2; i++)
        assert_int_equal(apply(bench, TREE_DIRECTORY, "a", NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(apply(bench, TREE_LINK, "link", path_of(bench, "a")), 0);
    assert_int_equal(apply(bench, TREE_DIRECTORY, "b", NULL), 0);
    assert_int_equal(apply(bench, TREE_LINK, "link", path_of(bench, "b")), -EEXIST);
    for (int i = 0; i < 2; i++)
        assert_int_equal(apply(bench, TREE_UNLINK, "link", NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(apply(bench, TREE_REMOVE, "a", NULL), 0);
        assert_int_equal(apply(bench, TREE_REMOVE, "b", NULL), 0);
    }
}

static void values_are_written_unless_they_are_there(void **state)
{
    struct bench *bench = *state;
    char value[64];

    write_file(bench, "mode", "writethrough [writeback] none\n");
    assert_int_equal(apply(bench, TREE_VALUE, "mode", "writeback"), 0);
    assert_int_equal(tree_read(path_of(bench, "mode"), value, sizeof(value)), 0);
    assert_string_equal(value, "writethrough [writeback] none");
    write_file(bench, "mode", "1\n");
    assert_int_equal(apply(bench, TREE_VALUE, "mode", "2"), 0);
    assert_int_equal(tree_read(path_of(bench, "mode"), value, sizeof(value)), 0);
    assert_string_equal(value, "2");
    assert_int_equal(unlink(path_of(bench, "mode")), 0);
    assert_int_equal(apply(bench, TREE_VALUE, "mode", "2"), -ENOENT);
    assert_int_equal(apply(bench, TREE_COMMAND, "mode", "2"), -ENOENT);
    assert_int_equal(apply(bench, TREE_DISMISS, "mode", "2"), 0);
    assert_int_equal(apply(bench, TREE_VALUE, "mode", NULL), -EINVAL);
}

static void words_in_brackets_are_whole(void **state)
{
    (void)state;
    assert_true(tree_value_is("a [b] c", "b"));
    assert_false(tree_value_is("a [b] c", "a"));
    assert_false(tree_value_is("write [writeback]", "write"));
    assert_false(tree_value_is("[ab]", "b"));
    assert_true(tree_value_is("x", "x"));
    assert_false(tree_value_is("xy", "x"));
}

static void shared_directories_stay(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(apply(bench, TREE_DIRECTORY, "port", NULL), 0);
    assert_int_equal(apply(bench, TREE_DIRECTORY, "port/used", NULL), 0);
    assert_int_equal(apply(bench, TREE_REMOVE, "port", NULL), -ENOTEMPTY);
    assert_int_equal(apply(bench, TREE_REMOVE_UNUSED, "port", NULL), 0);
    assert_int_equal(access(path_of(bench, "port"), F_OK), 0);
    assert_int_equal(apply(bench, TREE_REMOVE, "port/used", NULL), 0);
    assert_int_equal(apply(bench, TREE_REMOVE_UNUSED, "port", NULL), 0);
    assert_int_equal(access(path_of(bench, "port"), F_OK), -1);
}

static void other_places_are_refused(void **state)
{
    struct bench *bench = *state;
    struct step step = { .kind = STEP_TREE };
    struct outcome outcome = { 0 };
    struct tree_entry entry = { .change = TREE_DIRECTORY, .path = path_of(bench, "x") };

    *LIST_ADD(&step.entries, &bench->arena) = entry;
    assert_int_equal(call_tree_change(&step, &outcome, &bench->arena), -EPERM);
    assert_int_equal(access(entry.path, F_OK), -1);
    assert_true(tree_is_allowed("/sys/kernel/config/nvmet/hosts/a..b"));
    assert_false(tree_is_allowed("/sys/kernel/config/nvmet/hosts/../../x"));
    assert_false(tree_is_allowed("/sys/kernel/config/nvmet/hosts/.."));
    assert_false(tree_is_allowed("/sys/kernel/config/target/x"));
    assert_false(tree_is_allowed("/etc/passwd"));
    assert_false(tree_is_allowed("/dev/sda"));
    assert_true(tree_is_allowed("/dev/nvme-fabrics"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_holds_is_fine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_are_written_unless_they_are_there, set_up, tear_down),
        cmocka_unit_test(words_in_brackets_are_whole),
        cmocka_unit_test_setup_teardown(shared_directories_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_places_are_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
