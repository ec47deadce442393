/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/owner.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

static const char attribute[] = "user.linstor.uuid";

enum { LONGEST_OWNER = 64 };

static char *path_beside(const char *path)
{
    const char *name = strrchr(path, '/') + 1;

    return memory_printf("%.*s.%s.owner", (int)(name - path), path, name);
}

int owner_mark(int descriptor, const char *path, const char *owner)
{
    CLEANUP(memory_freep) char *beside = NULL;

    if (fsetxattr(descriptor, attribute, owner, strlen(owner), 0) == 0)
        return 0;
    if (errno != ENOTSUP)
        return -errno;
    beside = path_beside(path);
    return text_write_file(beside, owner, strlen(owner), 0600);
}

char *owner_find(const char *path, struct arena *arena)
{
    CLEANUP(memory_freep) char *beside = NULL;
    CLEANUP(buf_done) struct buf text = { 0 };
    char owner[LONGEST_OWNER];
    ssize_t length = lgetxattr(path, attribute, owner, sizeof(owner));

    if (length >= 0)
        return arena_strndup(arena, owner, (size_t)length);
    if (errno != ENOTSUP)
        return NULL;
    beside = path_beside(path);
    if (text_read_file(beside, LONGEST_OWNER, &text) != 0 || text.length == 0)
        return NULL;
    return arena_strndup(arena, text.data, text.length);
}

void owner_forget(const char *path)
{
    CLEANUP(memory_freep) char *beside = path_beside(path);

    unlink(beside);
}
