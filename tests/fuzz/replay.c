/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main of a fuzz target that no fuzzer drives: every file given, or of a directory given, is run once. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/text.h"

enum { FILE_LIMIT = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    struct buf text = { 0 };
    int error = text_read_file(path, FILE_LIMIT, &text);
    uint8_t *exact;

    if (error != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(-error));
        return -1;
    }
    exact = memory_copy(buf_text(&text), text.length); /* no byte behind it, so that reading past the end is found */
    LLVMFuzzerTestOneInput(exact, text.length);
    free(exact);
    buf_done(&text);
    return 1;
}

static int replay_directory(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort), replayed = 0;

    if (count < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.' && replayed >= 0) {
            char *file = memory_printf("%s/%s", path, entries[i]->d_name);

            replayed = replay_file(file) < 0 ? -1 : replayed + 1;
            free(file);
        }
        free(entries[i]);
    }
    free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        struct stat about;
        bool is_directory = stat(argv[i], &about) == 0 && S_ISDIR(about.st_mode);
        int replayed = is_directory ? replay_directory(argv[i]) : replay_file(argv[i]);

        if (replayed < 0)
            return 1;
        total += replayed;
    }
    printf("%d inputs\n", total);
    return total == 0; /* an empty corpus tests nothing */
}
