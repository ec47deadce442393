/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every operation of the API's description is served or stands on the list of what is not, and never both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "roles/controller/routes.h"

#define DESCRIPTION "../shared/reference/data/rest_v1_openapi.yaml"

/* "{node}" and "{any}" are the same to the comparison. */
static void normalise(const char *path, char out[static 256])
{
    size_t at = 0;

    while (*path && at < 254) {
        out[at++] = *path;
        if (*path == '{')
            while (*path && *path != '}')
                path++;
        else
            path++;
    }
    out[at] = '\0';
}

static bool is_same(const struct route *route, const char *method, const char *path)
{
    char mine[256], other[256];

    normalise(route->path, mine);
    normalise(path, other);
    return strcmp(route->method, method) == 0 && strcmp(mine, other) == 0;
}

static int count_rows(const char *method, const char *path)
{
    int count = 0;

    for (size_t i = 0; i < route_table_count; i++)
        for (const struct route *route = route_tables[i]; route->method; route++)
            count += is_same(route, method, path);
    return count;
}

static void no_operation_has_two_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_table_count; i++)
        for (const struct route *route = route_tables[i]; route->method; route++)
            if (count_rows(route->method, route->path) != 1)
                fail_msg("%s %s has %d rows", route->method, route->path, count_rows(route->method, route->path));
}

/* "  /v1/nodes:" and below it "    get:" */
static void every_operation_is_known(void **state)
{
    static const char *const methods[] = { "GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS" };
    char line[512], path[600] = "";
    int operations = 0, missing = 0;
    FILE *file = fopen(DESCRIPTION, "r");

    (void)state;
    if (!file) {
        print_message("skipped: %s is not there\n", DESCRIPTION);
        skip();
    }
    while (fgets(line, sizeof(line), file)) {
        char word[512];

        if (sscanf(line, "  /%510[^: ']:", word) == 1 && line[2] == '/') {
            snprintf(path, sizeof(path), "/%s", word);
            continue;
        }
        if (sscanf(line, "  '/%510[^']':", word) == 1 && line[2] == '\'') {
            snprintf(path, sizeof(path), "/%s", word);
            continue;
        }
        if (line[0] != ' ' && strncmp(line, "paths:", 6) != 0)
            path[0] = '\0';
        if (!path[0] || strncmp(line, "    ", 4) != 0 || line[4] == ' ')
            continue;
        for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
            size_t length = strlen(methods[i]);

            if (strncasecmp(line + 4, methods[i], length) != 0 || line[4 + length] != ':')
                continue;
            operations++;
            if (count_rows(methods[i], path) != 1) {
                print_error("%s %s has no row\n", methods[i], path);
                missing++;
            }
        }
    }
    fclose(file);
    assert_true(operations > 150);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_operation_has_two_rows),
        cmocka_unit_test(every_operation_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
