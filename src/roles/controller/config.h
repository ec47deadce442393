/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings of the controller's process. Later ones win: defaults, environment, configuration file, command line.
 * LINSTOR: names of the file's keys, of the variables and of most options are the reference's. Keys that mean nothing
 * here are accepted; one that asks for protection which this version does not have keeps the controller from starting.
 */
#pragma once

#include "base/arena.h"
#include "base/log.h"
#include "base/secret.h"
#include "store/quarantine.h"

enum exit_code { EXIT_OPTIONS = 1, EXIT_CONFIG = 2, EXIT_START = 20 }; /* LINSTOR: the same */

struct settings {
    const char *data_dir, *config_dir; /* text lies in arena */
    const char *listen_address;
    int listen_port;
    enum log_level level;
    enum quarantine_act unreadable; /* to be done instead of serving; 0: nothing */
    struct secret *passphrase;      /* the master passphrase, to be entered or made at the start; NULL: none */
    struct arena arena;
};

/* 0; or an exit code, after saying what is wrong; or -1: all was said that was asked for (--help, --version). */
int controller_settings_read(struct settings *settings, int argc, char **argv) MUST_CHECK;
void controller_settings_done(struct settings *settings);
