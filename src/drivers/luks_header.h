/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A header of LUKS through libcryptsetup, for call_luks.c: the library, a device that is being worked on, and our token
 * in it, which tells which key the header obeys.
 */
#pragma once

#include <libcryptsetup.h>

#include "base/library.h"
#include "drivers/step.h"

struct cryptsetup {
    LIBRARY_FUNCTION(crypt_init);
    LIBRARY_FUNCTION(crypt_init_by_name);
    LIBRARY_FUNCTION(crypt_free);
    LIBRARY_FUNCTION(crypt_load);
    LIBRARY_FUNCTION(crypt_format);
    LIBRARY_FUNCTION(crypt_get_type);
    LIBRARY_FUNCTION(crypt_get_data_offset);
    LIBRARY_FUNCTION(crypt_get_device_name);
    LIBRARY_FUNCTION(crypt_get_active_device);
    LIBRARY_FUNCTION(crypt_set_log_callback);
    LIBRARY_FUNCTION(crypt_set_data_offset);
    LIBRARY_FUNCTION(crypt_set_metadata_size);
    LIBRARY_FUNCTION(crypt_set_pbkdf_type);
    LIBRARY_FUNCTION(crypt_get_pbkdf_default);
    LIBRARY_FUNCTION(crypt_volume_key_keyring);
    LIBRARY_FUNCTION(crypt_keyslot_max);
    LIBRARY_FUNCTION(crypt_keyslot_status);
    LIBRARY_FUNCTION(crypt_keyslot_destroy);
    LIBRARY_FUNCTION(crypt_keyslot_add_by_volume_key);
    LIBRARY_FUNCTION(crypt_keyslot_add_by_passphrase);
    LIBRARY_FUNCTION(crypt_activate_by_passphrase);
    LIBRARY_FUNCTION(crypt_deactivate);
    LIBRARY_FUNCTION(crypt_resize);
    LIBRARY_FUNCTION(crypt_token_max);
    LIBRARY_FUNCTION(crypt_token_status);
    LIBRARY_FUNCTION(crypt_token_json_get);
    LIBRARY_FUNCTION(crypt_token_json_set);
};

enum { LUKS_HEADER_SAID_SIZE = 256 };

/* Of zeroes; luks_header_open_library() first, luks_header_end() at last. */
struct luks_header {
    struct cryptsetup lib;
    struct crypt_device *device;
    char said[LUKS_HEADER_SAID_SIZE]; /* the library's last complaint */
};

/* All that return int: 0 or -errno. */
int luks_header_check(char why[static LIBRARY_WHY_SIZE]) MUST_CHECK;
int luks_header_open_library(struct luks_header *header, struct outcome *outcome, struct arena *arena) MUST_CHECK;
/* For the library: keeps what it complains of. */
void luks_header_note(int level, const char *message, void *header);
/* Of a device; -EINVAL: it has none. */
int luks_header_load(struct luks_header *header, const char *path) MUST_CHECK;
/* Of a mapping; -ENODEV: it is closed. */
int luks_header_load_active(struct luks_header *header, const char *name) MUST_CHECK;
void luks_header_close(struct luks_header *header);
/* Closes it. The result of a step: error, which may be positive for success, and what the library said. */
int luks_header_end(struct luks_header *header, int error, struct outcome *outcome, struct arena *arena) MUST_CHECK;

bool luks_header_is_second(const struct luks_header *header); /* LUKS2 */
bool luks_header_has_keys(const struct luks_header *header);
/* NULL: it does not tell. */
char *luks_header_read_key_name(const struct luks_header *header, struct arena *arena);
/* LUKS1 keeps none. */
int luks_header_write_key_name(const struct luks_header *header, const char *name) MUST_CHECK;
