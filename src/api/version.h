/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which program this is. PROGRAM_VERSION comes from the build. */
#pragma once

/* LINSTOR: clients compare it number by number; it names the operations that exist. */
#define REST_API_VERSION "1.28.0"

enum { PROGRAM_COMMIT_DIGITS = 40 };
/* The commit that was built, a blank, and its time (ISO 8601); zeroes and 1970 of what was not checked out by git. */
extern const char program_commit[];
