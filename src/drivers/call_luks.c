/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which key a header obeys is noted in it, in a token of our own: the name of the sealed text, which says nothing of
 * the key. So a change of keys that was interrupted is seen and ended: first the new key gets a slot, then the slots
 * of the old ones are destroyed, at last the token tells of the new one. LUKS1 has no tokens: there keys are tried.
 *
 * A header without any slot was never used to write data: a format was interrupted, which is begun again. Everything
 * else that a device bears keeps it from being formatted.
 */
#include "drivers/call_luks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "drivers/call.h"
#include "drivers/call_dm.h"
#include "drivers/luks_header.h"
#include "drivers/luks_options.h"
#include "drivers/wipe.h"

/* What the device bears where it has no header that the library can read. */
static int find_other(const char *path, char type[static WIPE_TYPE_SIZE], struct outcome *outcome, struct arena *arena)
{
    char why[LIBRARY_WHY_SIZE] = "";
    int descriptor = open(path, O_RDONLY | O_CLOEXEC), error;

    if (descriptor < 0)
        return -errno;
    error = wipe_find_signature(descriptor, type, why);
    if (why[0])
        outcome->complaint = arena_strdup(arena, why);
    close(descriptor);
    return error;
}

static int ask_header(struct luks_header *work, struct found_luks *found, struct outcome *outcome, struct arena *arena)
{
    char type[WIPE_TYPE_SIZE];
    int error = luks_header_load(work, found->path);

    if (!error) {
        found->header = arena_strdup(arena, !luks_header_has_keys(work)   ? "unfinished"
                                            : luks_header_is_second(work) ? "luks2"
                                                                          : "luks1");
        found->key_name = luks_header_read_key_name(work, arena);
        found->offset_kib = (int64_t)work->lib.crypt_get_data_offset(work->device) / 2;
    }
    luks_header_close(work);
    if (error != -EINVAL)
        return error;
    work->said[0] = '\0';
    error = find_other(found->path, type, outcome, arena);
    found->header = arena_strdup(arena, type[0] ? type : "none");
    return error;
}

static bool is_same_device(const char *a, const char *b)
{
    struct stat first, second;

    return stat(a, &first) == 0 && stat(b, &second) == 0 && S_ISBLK(first.st_mode) && S_ISBLK(second.st_mode) &&
           first.st_rdev == second.st_rdev;
}

static int ask_mapping(struct luks_header *work, struct found_luks *found, struct arena *arena)
{
    struct crypt_active_device active;
    int error = luks_header_load_active(work, found->name);

    if (!error && work->lib.crypt_get_active_device(work->device, found->name, &active) == 0) {
        const char *below = work->lib.crypt_get_device_name(work->device);

        found->device = arena_printf(arena, "/dev/mapper/%s", found->name);
        found->device_kib = (int64_t)active.size / 2;
        found->is_elsewhere = found->path[0] && (!below || !is_same_device(below, found->path));
    }
    luks_header_close(work);
    work->said[0] = '\0';
    return error == -ENODEV ? 0 : error;
}

/* From sysfs: no header is read, however many mappings there are. */
static int ask_open(struct outcome *outcome, struct arena *arena)
{
    DIR *blocks = opendir("/sys/block");
    struct dirent *entry;

    if (!blocks)
        return -errno;
    while ((entry = readdir(blocks))) {
        char path[300], name[256], sectors[32];
        int64_t size;

        if (strncmp(entry->d_name, "dm-", 3) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/dm/name", entry->d_name);
        text_read_line(dirfd(blocks), path, name, sizeof(name));
        if (!text_starts_with(name, CALL_LUKS_PREFIX))
            continue;
        snprintf(path, sizeof(path), "%s/size", entry->d_name);
        text_read_line(dirfd(blocks), path, sectors, sizeof(sectors));
        if (!text_parse_i64(sectors, 1, INT64_MAX, &size))
            continue; /* without a table it is none yet */
        *LIST_ADD(&outcome->luks, arena) = (struct found_luks){
            .name = arena_strdup(arena, name),
            .device = arena_printf(arena, "/dev/mapper/%s", name),
            .device_kib = size / 2,
        };
    }
    closedir(blocks);
    return 0;
}

/* A header that cannot be read does not keep anybody from knowing whether its mapping is open. */
static void ask_one(struct luks_header *work, struct found_luks *found, struct outcome *outcome, struct arena *arena)
{
    int error = ask_mapping(work, found, arena);
    char *device;

    if (!error && found->path[0])
        error = ask_header(work, found, outcome, arena);
    if (!error)
        return;
    found->error = -error;
    found->complaint = work->said[0] ? arena_strdup(arena, work->said) : NULL;
    work->said[0] = '\0';
    device = arena_printf(arena, "/dev/mapper/%s", found->name);
    if (!found->device && call_measure_device(device, &found->device_kib) == 0)
        found->device = device;
}

int call_luks_ask(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct luks_header work = { 0 };
    int error;

    if (step->names.count == 0)
        return ask_open(outcome, arena);
    error = luks_header_open_library(&work, outcome, arena);
    for (uint32_t i = 0; !error && i < step->names.count; i++) {
        struct found_luks *found = LIST_ADD(&outcome->luks, arena);

        found->name = arena_strdup(arena, step->names.at[i]);
        found->path = arena_strdup(arena, i < step->paths.count ? step->paths.at[i] : "");
        ask_one(&work, found, outcome, arena);
    }
    return luks_header_end(&work, error, outcome, arena);
}

static int parse(enum luks_options_use use, const struct step *step, struct luks_options *options,
                 struct outcome *outcome, struct arena *arena)
{
    char why[LUKS_OPTIONS_WHY_SIZE];

    if (luks_options_parse(use, step->text, options, why) == 0)
        return 0;
    outcome->complaint = arena_strdup(arena, why);
    return -EINVAL;
}

/* The library's own choice of time and threads, but never more memory than every node has. */
static int set_key_derivation(struct luks_header *work, const char *type, const struct luks_options *options)
{
    const struct crypt_pbkdf_type *standard = work->lib.crypt_get_pbkdf_default(type);
    struct crypt_pbkdf_type pbkdf = standard ? *standard : (struct crypt_pbkdf_type){ .type = CRYPT_KDF_PBKDF2 };
    bool is_hard;

    if (options->pbkdf[0])
        pbkdf.type = options->pbkdf;
    is_hard = strcmp(pbkdf.type, CRYPT_KDF_PBKDF2) != 0;
    if (options->hash[0])
        pbkdf.hash = options->hash;
    if (options->iteration_ms)
        pbkdf.time_ms = (uint32_t)options->iteration_ms;
    if (options->iterations) {
        pbkdf.iterations = (uint32_t)options->iterations;
        pbkdf.flags |= CRYPT_PBKDF_NO_BENCHMARK;
        pbkdf.time_ms = 0;
    }
    if (options->pbkdf_parallel)
        pbkdf.parallel_threads = (uint32_t)options->pbkdf_parallel;
    if (options->pbkdf_kib)
        pbkdf.max_memory_kb = (uint32_t)options->pbkdf_kib;
    if (pbkdf.max_memory_kb > LUKS_PBKDF_MEMORY_KIB || (is_hard && pbkdf.max_memory_kb == 0))
        pbkdf.max_memory_kb = LUKS_PBKDF_MEMORY_KIB;
    if (is_hard && pbkdf.parallel_threads == 0)
        pbkdf.parallel_threads = 1;
    if (!is_hard)
        pbkdf.max_memory_kb = pbkdf.parallel_threads = 0;
    return work->lib.crypt_set_pbkdf_type(work->device, &pbkdf);
}

static int write_header(struct luks_header *work, const struct step *step, const struct luks_options *options)
{
    const char *type = strcmp(options->type, "luks1") == 0 ? CRYPT_LUKS1 : CRYPT_LUKS2;
    const char *hash = options->hash[0] ? options->hash : "sha256";
    char name[LUKS_WORD_SIZE], mode[LUKS_WORD_SIZE];
    struct crypt_params_luks1 first = { .hash = hash };
    struct crypt_params_luks2 second = {
        .sector_size = (uint32_t)options->sector_size,
        .label = options->label[0] ? options->label : NULL,
        .subsystem = options->subsystem[0] ? options->subsystem : NULL,
    };
    bool is_second = strcmp(type, CRYPT_LUKS2) == 0;
    size_t key_bytes = (size_t)options->key_bits / 8;
    int error;

    snprintf(name, sizeof(name), "%s", options->cipher[0] ? options->cipher : "aes-xts-plain64");
    snprintf(mode, sizeof(mode), "%s", strchr(name, '-') ? strchr(name, '-') + 1 : "cbc-plain");
    name[strcspn(name, "-")] = '\0';
    if (key_bytes == 0)
        key_bytes = text_starts_with(mode, "xts-") ? 64 : 32;
    error = set_key_derivation(work, type, options);
    if (!error)
        error = work->lib.crypt_set_data_offset(work->device, (uint64_t)step->size_kib * 2);
    if (!error && is_second && (options->metadata_size || options->keyslots_size))
        error = work->lib.crypt_set_metadata_size(work->device, (uint64_t)options->metadata_size,
                                                  (uint64_t)options->keyslots_size);
    if (!error)
        error = work->lib.crypt_format(work->device, type, name, mode, NULL, NULL, key_bytes,
                                       is_second ? (void *)&second : (void *)&first);
    return error;
}

/* Nobody else may have it open, and it must bear nothing. */
static int check_blank(struct luks_header *work, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int descriptor = open(step->device, O_RDWR | O_CLOEXEC | O_EXCL), error;
    struct found_luks found = { .path = step->device };

    if (descriptor < 0)
        return -errno;
    error = ask_header(work, &found, outcome, arena);
    close(descriptor);
    if (error || strcmp(found.header, "none") == 0 || strcmp(found.header, "unfinished") == 0)
        return error;
    outcome->complaint = arena_printf(arena, "the device bears %s", found.header);
    return -EEXIST;
}

int call_luks_format(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct luks_options options;
    struct luks_header work = { 0 };
    int error = luks_header_open_library(&work, outcome, arena);

    if (!error)
        error = parse(LUKS_FORMAT_OPTIONS, step, &options, outcome, arena);
    if (!error && step->keys.count == 0)
        error = -ENOKEY;
    if (!error)
        error = check_blank(&work, step, outcome, arena);
    if (error)
        return error;
    error = work.lib.crypt_init(&work.device, step->device);
    if (!error) {
        work.lib.crypt_set_log_callback(work.device, luks_header_note, &work);
        error = write_header(&work, step, &options);
    }
    if (!error)
        error = work.lib.crypt_keyslot_add_by_volume_key(work.device, 0, NULL, 0, step->keys.at[0],
                                                         strlen(step->keys.at[0]));
    if (error >= 0)
        error = luks_header_write_key_name(&work, step->key_name);
    if (error == 0)
        outcome->size_kib = (int64_t)work.lib.crypt_get_data_offset(work.device) / 2;
    return luks_header_end(&work, error, outcome, arena);
}

/* The slot that one of the keys opens, from the first that shall be tried; -EPERM when none does. */
static int activate(struct luks_header *work, const struct step *step, uint32_t from, const char *name, uint32_t flags)
{
    int slot = -ENOKEY;

    for (uint32_t i = from; i < step->keys.count; i++) {
        slot = work->lib.crypt_activate_by_passphrase(work->device, name, CRYPT_ANY_SLOT, step->keys.at[i],
                                                      strlen(step->keys.at[i]),
                                                      flags | CRYPT_ACTIVATE_SERIALIZE_MEMORY_HARD_PBKDF);
        if (slot != -EPERM)
            break;
    }
    return slot;
}

static uint32_t flags_of(const struct luks_options *options)
{
    return (options->discards ? CRYPT_ACTIVATE_ALLOW_DISCARDS : 0) |
           (options->read_only ? CRYPT_ACTIVATE_READONLY : 0) |
           (options->same_cpu ? CRYPT_ACTIVATE_SAME_CPU_CRYPT : 0) |
           (options->submit_from_crypt_cpus ? CRYPT_ACTIVATE_SUBMIT_FROM_CRYPT_CPUS : 0) |
           (options->no_read_queue ? CRYPT_ACTIVATE_NO_READ_WORKQUEUE : 0) |
           (options->no_write_queue ? CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE : 0);
}

static int measure(struct luks_header *work, const char *name, struct outcome *outcome, struct arena *arena)
{
    struct crypt_active_device active;
    int error = work->lib.crypt_get_active_device(work->device, name, &active);

    if (error)
        return error;
    outcome->device = arena_printf(arena, "/dev/mapper/%s", name);
    outcome->device_kib = (int64_t)active.size / 2;
    return 0;
}

static bool has_mapping_name(const struct step *step)
{
    return step->name && text_starts_with(step->name, CALL_LUKS_PREFIX) && !strchr(step->name, '/');
}

int call_luks_open(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct luks_options options;
    struct luks_header work = { 0 };
    int error = has_mapping_name(step) ? luks_header_open_library(&work, outcome, arena) : -EINVAL;

    if (!error)
        error = parse(LUKS_OPEN_OPTIONS, step, &options, outcome, arena);
    if (error)
        return error;
    error = luks_header_load(&work, step->device);
    if (!error && options.no_keyring)
        error = work.lib.crypt_volume_key_keyring(work.device, 0);
    if (!error)
        error = activate(&work, step, 0, step->name, flags_of(&options));
    if (error >= 0)
        error = measure(&work, step->name, outcome, arena);
    return luks_header_end(&work, error, outcome, arena);
}

int call_luks_close(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct luks_header work = { 0 };
    int error = has_mapping_name(step) ? luks_header_open_library(&work, outcome, arena) : -EINVAL;

    if (error)
        return error;
    error = luks_header_load_active(&work, step->name);
    if (!error)
        error = work.lib.crypt_deactivate(work.device, step->name);
    if (error == -EBUSY)
        work.said[0] = '\0'; /* who uses it is found out, and says more */
    /* The library wants to read the header, which a disk that fails does not give; the mapping goes without. */
    if (error && error != -EBUSY && error != -ENODEV) {
        luks_header_close(&work);
        return call_dm_remove(step, outcome, arena);
    }
    return luks_header_end(&work, error == -ENODEV ? 0 : error, outcome, arena);
}

int call_luks_resize(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct crypt_active_device active;
    struct luks_header work = { 0 };
    int error = has_mapping_name(step) ? luks_header_open_library(&work, outcome, arena) : -EINVAL;

    if (error)
        return error;
    error = luks_header_load_active(&work, step->name);
    if (!error)
        error = work.lib.crypt_get_active_device(work.device, step->name, &active);
    /* The kernel's copy of the key is in a keyring of the process that opened it. */
    if (!error && (active.flags & CRYPT_ACTIVATE_KEYRING_KEY))
        error = activate(&work, step, 0, NULL, CRYPT_ACTIVATE_KEYRING_KEY);
    if (error >= 0)
        error = work.lib.crypt_resize(work.device, step->name, 0);
    if (error >= 0)
        error = measure(&work, step->name, outcome, arena);
    return luks_header_end(&work, error, outcome, arena);
}

static int retire_old_keys(struct luks_header *work, const struct step *step, int kept_slot)
{
    for (uint32_t i = 1; i < step->keys.count; i++) {
        const char *key = step->keys.at[i];
        int slot;

        if (strcmp(key, step->keys.at[0]) == 0)
            continue;
        slot = work->lib.crypt_activate_by_passphrase(work->device, NULL, CRYPT_ANY_SLOT, key, strlen(key), 0);
        if (slot >= 0 && slot != kept_slot)
            slot = work->lib.crypt_keyslot_destroy(work->device, slot);
        if (slot < 0 && slot != -EPERM)
            return slot;
    }
    return 0;
}

int call_luks_change_key(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct luks_options options;
    struct luks_header work = { 0 };
    int error = step->keys.count > 0 ? luks_header_open_library(&work, outcome, arena) : -ENOKEY;
    int slot;

    if (!error)
        error = parse(LUKS_FORMAT_OPTIONS, step, &options, outcome, arena);
    if (error)
        return error;
    error = luks_header_load(&work, step->device);
    if (error)
        return luks_header_end(&work, error, outcome, arena);
    slot = work.lib.crypt_activate_by_passphrase(work.device, NULL, CRYPT_ANY_SLOT, step->keys.at[0],
                                                 strlen(step->keys.at[0]), 0);
    error = slot < 0 && slot != -EPERM ? slot : 0;
    if (slot == -EPERM)
        error = set_key_derivation(&work, work.lib.crypt_get_type(work.device), &options);
    for (uint32_t i = 1; !error && slot == -EPERM && i < step->keys.count; i++)
        slot = work.lib.crypt_keyslot_add_by_passphrase(work.device, CRYPT_ANY_SLOT, step->keys.at[i],
                                                        strlen(step->keys.at[i]), step->keys.at[0],
                                                        strlen(step->keys.at[0]));
    if (!error && slot < 0)
        error = slot;
    if (!error)
        error = retire_old_keys(&work, step, slot);
    if (!error)
        error = luks_header_write_key_name(&work, step->key_name);
    return luks_header_end(&work, error, outcome, arena);
}

int call_luks_erase(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    enum { PIECE = 1024 * 1024 };
    int64_t left = step->size_kib * 1024, at = 0;
    int descriptor = open(step->device, O_RDWR | O_CLOEXEC | O_EXCL), error = 0;
    off_t size = descriptor < 0 ? 0 : lseek(descriptor, 0, SEEK_END);
    void *zeroes;

    (void)outcome;
    (void)arena;
    if (descriptor < 0)
        return -errno;
    if (left > size)
        left = size;
    zeroes = memory_alloc(PIECE);
    while (left > 0 && !error) {
        ssize_t n = pwrite(descriptor, zeroes, (size_t)(left < PIECE ? left : PIECE), at);

        if (n < 0 && errno != EINTR)
            error = -errno;
        at += n > 0 ? n : 0;
        left -= n > 0 ? n : 0;
    }
    if (!error && fsync(descriptor) < 0)
        error = -errno;
    free(zeroes);
    if (close(descriptor) < 0 && !error)
        error = -errno;
    return error;
}
