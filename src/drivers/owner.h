/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mark on a file that tells for which resource it was made: the attribute user.linstor.uuid, or, where the file
 * system has no attributes, the text of a hidden file ".NAME.owner" beside it. Called by worker processes.
 */
#pragma once

#include "base/arena.h"

/* Of the open file path. 0 or -errno. */
int owner_mark(int descriptor, const char *path, const char *owner) MUST_CHECK;
char *owner_find(const char *path, struct arena *arena); /* NULL: it bears no mark */
void owner_forget(const char *path);                     /* after the file was removed */
