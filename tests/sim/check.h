/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold: always, and when everything has come to rest. */
#pragma once

#include <stdbool.h>

/* Between any two events; ends the program when it does not. */
void check_always(void);
/*
 * NULL when all that was asked for is there, and nothing else; otherwise what is not, yet. with_clients: and the
 * clients of the workload remember the same.
 */
const char *check_settled(bool with_clients);
