/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands line by line, from a person or a here-document. */
#pragma once

#include <stdio.h>

#include "roles/client/client.h"

/* Until the end of input or "exit"; the exit code of the last command. */
int interactive_run(struct client *client, FILE *in);
