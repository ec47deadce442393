/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The properties StorDriver/LuksFormatOptions and StorDriver/LuksOpenOptions are switches of cryptsetup. They are read
 * into values for its library; a switch that has no meaning here is refused by name instead of being left out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

enum { LUKS_WORD_SIZE = 128, LUKS_OPTIONS_WHY_SIZE = 320 };
/* LINSTOR: no key derivation takes more, however many volumes a node opens at once. */
enum { LUKS_PBKDF_MEMORY_KIB = 262144 };

struct luks_options {
    char type[LUKS_WORD_SIZE]; /* "luks1", or else the newest */
    char cipher[LUKS_WORD_SIZE], hash[LUKS_WORD_SIZE], pbkdf[LUKS_WORD_SIZE];
    char label[LUKS_WORD_SIZE], subsystem[LUKS_WORD_SIZE];
    int64_t key_bits, iteration_ms, iterations, pbkdf_kib, pbkdf_parallel, sector_size; /* 0: as the library likes */
    int64_t offset_sectors, align_sectors;                                              /* of 512 bytes */
    int64_t metadata_size, keyslots_size;                                               /* bytes */
    bool discards, read_only, same_cpu, submit_from_crypt_cpus, no_read_queue, no_write_queue, no_keyring;
};

enum luks_options_use { LUKS_FORMAT_OPTIONS = 1, LUKS_OPEN_OPTIONS = 2 };

/* text may be NULL. 0, or -1 and one sentence in why. */
int luks_options_parse(enum luks_options_use use, const char *text, struct luks_options *options,
                       char why[static LUKS_OPTIONS_WHY_SIZE]) MUST_CHECK;
/* How much of the device the header takes. LINSTOR: the same as what a node with cryptsetup 2.1 or newer uses. */
int64_t luks_options_header_kib(const struct luks_options *options);
