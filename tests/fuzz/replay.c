/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target on the files, and on the files in the directories, that are named as arguments. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_LIMIT = 16 * 1024 * 1024 };

static size_t replay_file(const char *path)
{
    struct buf input = { 0 };
    int error = text_read_file(path, INPUT_LIMIT, &input);

    if (error != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(-error));
        exit(EXIT_FAILURE);
    }
    /* in a block of its exact size, so that a sanitizer sees a read beyond its end */
    uint8_t *exact = memory_copy(buf_text(&input), input.length > 0 ? input.length : 1);

    LLVMFuzzerTestOneInput(exact, input.length);
    free(exact);
    buf_done(&input);
    return 1;
}

static size_t replay_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    size_t count = 0;

    if (!directory) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    while ((entry = readdir(directory))) {
        CLEANUP(memory_freep) char *file = memory_printf("%s/%s", path, entry->d_name);

        if (entry->d_name[0] != '.')
            count += replay_file(file);
    }
    closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++) {
        struct stat status;

        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
            count += replay_directory(argv[i]);
        else
            count += replay_file(argv[i]);
    }
    printf("%zu inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* an empty corpus is a mistake */
}
