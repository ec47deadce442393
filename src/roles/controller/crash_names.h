/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which reports of crashes are taken from a satellite: some of each connection, and each once, though a satellite that
 * did not hear that one was kept sends it again. The reports themselves are kept by reports.h.
 */
#pragma once

#include <stdint.h>

enum { CRASHES_PER_CONNECTION = 16 };

struct crash_names {
    uint32_t taken;                      /* from this connection */
    char *known[CRASHES_PER_CONNECTION]; /* the last ones, of all connections */
    uint32_t next;
};

enum crash_news { CRASH_IS_NEW, CRASH_IS_KNOWN, CRASH_IS_TOO_MUCH };

enum crash_news crash_names_look(struct crash_names *names, const char *name);
void crash_names_note(struct crash_names *names, const char *name); /* it was kept */
void crash_names_reconnect(struct crash_names *names);
void crash_names_done(struct crash_names *names);
