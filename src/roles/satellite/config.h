/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of the satellite's process. Later ones win: defaults, environment, configuration file, command line.
 * LINSTOR: names of the file's keys and of the variables are the reference's, and keys that mean nothing here are
 * accepted.
 */
#pragma once

#include "base/arena.h"
#include "base/log.h"
#include "roles/satellite/satellite.h"

enum exit_code {
    EXIT_OPTIONS = 1,
    EXIT_CONFIG = 2,
    EXIT_NETWORK = 20,
    EXIT_DATA = 21
}; /* LINSTOR: 1, 2 and 20 are the same */

struct settings {
    struct satellite_options satellite; /* text lies in arena or in argv */
    enum log_level level;
    struct arena arena;
};

/* 0; or an exit code, after saying what is wrong; or -1: all was said that was asked for (--help, --version). */
int satellite_settings_read(struct settings *settings, int argc, char **argv) MUST_CHECK;
void satellite_settings_done(struct settings *settings);
