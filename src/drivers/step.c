/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/step.h"

#include <assert.h>

#include "base/memory.h"

/* clang-format off */
const struct enum_name step_kind_names[] = {
    { "EXEC", STEP_EXEC },
    { "ASK_MACHINE", STEP_ASK_MACHINE },
    { "ASK_FILES", STEP_ASK_FILES },
    { "ASK_SPACE", STEP_ASK_SPACE },
    { "CHECK_DIRECTORY", STEP_CHECK_DIRECTORY },
    { "FILE_ALLOCATE", STEP_FILE_ALLOCATE },
    { "FILE_TRUNCATE", STEP_FILE_TRUNCATE },
    { "FILE_REMOVE", STEP_FILE_REMOVE },
    { "LOOP_ATTACH", STEP_LOOP_ATTACH },
    { "LOOP_RESIZE", STEP_LOOP_RESIZE },
    { "LOOP_DETACH", STEP_LOOP_DETACH },
    { "ZVOL_GROW", STEP_ZVOL_GROW },
    { "WIPE", STEP_WIPE },
    { "WAIT_DEVICE", STEP_WAIT_DEVICE },
    { "ASK_DEVICES", STEP_ASK_DEVICES },
    { "ASK_LUKS", STEP_ASK_LUKS },
    { "LUKS_FORMAT", STEP_LUKS_FORMAT },
    { "LUKS_OPEN", STEP_LUKS_OPEN },
    { "LUKS_CLOSE", STEP_LUKS_CLOSE },
    { "LUKS_RESIZE", STEP_LUKS_RESIZE },
    { "LUKS_CHANGE_KEY", STEP_LUKS_CHANGE_KEY },
    { "LUKS_ERASE", STEP_LUKS_ERASE },
    { "ASK_DISKS", STEP_ASK_DISKS },
    { "ASK_DM", STEP_ASK_DM },
    { "ASK_CACHE", STEP_ASK_CACHE },
    { "DM_CREATE", STEP_DM_CREATE },
    { "DM_RELOAD", STEP_DM_RELOAD },
    { "DM_SUSPEND", STEP_DM_SUSPEND },
    { "DM_RESUME", STEP_DM_RESUME },
    { "DM_THAW", STEP_DM_THAW },
    { "FS_THAW", STEP_FS_THAW },
    { "DM_MESSAGE", STEP_DM_MESSAGE },
    { "DM_WAIT_CLEAN", STEP_DM_WAIT_CLEAN },
    { "DM_REMOVE", STEP_DM_REMOVE },
    { "ASK_TREE", STEP_ASK_TREE },
    { "TREE", STEP_TREE },
    { "WAIT_BLOCK", STEP_WAIT_BLOCK },
    { "BCACHE_REGISTER", STEP_BCACHE_REGISTER },
    { "BCACHE_STOP", STEP_BCACHE_STOP },
    { "BCACHE_WIPE", STEP_BCACHE_WIPE },
    { "BCACHE_RENEW", STEP_BCACHE_RENEW },
    { 0 },
};

static const struct step_traits traits[] = {
    { STEP_EXEC,           .patience = STEP_PATIENT },
    { STEP_ASK_MACHINE,    .patience = STEP_QUICK },
    { STEP_ASK_FILES,      .patience = STEP_PATIENT },
    { STEP_ASK_SPACE,      .patience = STEP_QUICK },
    { STEP_CHECK_DIRECTORY, .patience = STEP_QUICK },
    { STEP_FILE_ALLOCATE,  .patience = STEP_VERY_PATIENT, .changes = true },
    { STEP_FILE_TRUNCATE,  .patience = STEP_QUICK, .changes = true },
    { STEP_FILE_REMOVE,    .patience = STEP_PATIENT, .changes = true, .destroys = true },
    { STEP_LOOP_ATTACH,    .patience = STEP_QUICK, .changes = true },
    { STEP_LOOP_RESIZE,    .patience = STEP_QUICK, .changes = true },
    { STEP_LOOP_DETACH,    .patience = STEP_PATIENT, .changes = true },
    { STEP_ZVOL_GROW,      .patience = STEP_PATIENT, .changes = true },
    { STEP_WIPE,           .patience = STEP_PATIENT, .changes = true, .destroys = true },
    { STEP_WAIT_DEVICE,    .patience = STEP_PATIENT },
    { STEP_ASK_DEVICES,    .patience = STEP_PATIENT },
    { STEP_ASK_LUKS,       .patience = STEP_PATIENT },
    { STEP_LUKS_FORMAT,    .patience = STEP_VERY_PATIENT, .changes = true },
    { STEP_LUKS_OPEN,      .patience = STEP_VERY_PATIENT, .changes = true },
    { STEP_LUKS_CLOSE,     .patience = STEP_PATIENT, .changes = true },
    { STEP_LUKS_RESIZE,    .patience = STEP_VERY_PATIENT, .changes = true },
    { STEP_LUKS_CHANGE_KEY, .patience = STEP_VERY_PATIENT, .changes = true },
    { STEP_LUKS_ERASE,     .patience = STEP_PATIENT, .changes = true, .destroys = true },
    { STEP_ASK_DISKS,      .patience = STEP_PATIENT },
    { STEP_ASK_DM,         .patience = STEP_PATIENT },
    { STEP_ASK_CACHE,      .patience = STEP_PATIENT },
    { STEP_DM_CREATE,      .patience = STEP_PATIENT, .changes = true },
    { STEP_DM_RELOAD,      .patience = STEP_PATIENT, .changes = true },
    { STEP_DM_SUSPEND,     .patience = STEP_PATIENT, .changes = true },
    { STEP_DM_RESUME,      .patience = STEP_PATIENT, .changes = true },
    { STEP_DM_THAW,        .patience = STEP_PATIENT, .changes = true },
    { STEP_FS_THAW,        .patience = STEP_PATIENT, .changes = true },
    { STEP_DM_MESSAGE,     .patience = STEP_VERY_PATIENT, .changes = true },
    { STEP_DM_WAIT_CLEAN,  .patience = STEP_VERY_PATIENT, .changes = true },
    { STEP_DM_REMOVE,      .patience = STEP_PATIENT, .changes = true },
    { STEP_ASK_TREE,       .patience = STEP_PATIENT },
    { STEP_TREE,           .patience = STEP_VERY_PATIENT, .changes = true },
    { STEP_WAIT_BLOCK,     .patience = STEP_PATIENT },
    { STEP_BCACHE_REGISTER, .patience = STEP_PATIENT, .changes = true },
    { STEP_BCACHE_STOP,    .patience = STEP_PATIENT, .changes = true },
    { STEP_BCACHE_WIPE,    .patience = STEP_PATIENT, .changes = true, .destroys = true },
    { STEP_BCACHE_RENEW,   .patience = STEP_PATIENT, .changes = true },
};

const struct enum_name tree_change_names[] = {
    { "DIRECTORY", TREE_DIRECTORY },
    { "VALUE", TREE_VALUE },
    { "COMMAND", TREE_COMMAND },
    { "DISMISS", TREE_DISMISS },
    { "LINK", TREE_LINK },
    { "UNLINK", TREE_UNLINK },
    { "REMOVE", TREE_REMOVE },
    { "REMOVE_UNUSED", TREE_REMOVE_UNUSED },
    { "CHECK_UNUSED", TREE_CHECK_UNUSED },
    { "FOUND", TREE_FOUND },
    { 0 },
};

const struct enum_name found_content_names[] = {
    { "EMPTY", CONTENT_EMPTY },
    { "CACHE", CONTENT_CACHE },
    { "WRITECACHE", CONTENT_WRITECACHE },
    { "OTHER", CONTENT_OTHER },
    { "BCACHE_DATA", CONTENT_BCACHE_DATA },
    { "BCACHE_CACHE", CONTENT_BCACHE_CACHE },
    { 0 },
};

const struct enum_name outcome_result_names[] = {
    { "SKIPPED", OUTCOME_SKIPPED },
    { "DONE", OUTCOME_DONE },
    { "FAILED", OUTCOME_FAILED },
    { "TIMEOUT", OUTCOME_TIMEOUT },
    { "LOST", OUTCOME_LOST },
    { 0 },
};

static const struct field tree_entry_fields[] = {
    ENUM(tree_entry, change, tree_change_names, 0), FIELD(tree_entry, path, FIELD_REQUIRED),
    FIELD(tree_entry, value, 0),
};
static SCHEMA(tree_entry)

static const struct field step_fields[] = {
    FIELD(step, what, 0), ENUM(step, kind, step_kind_names, FIELD_REQUIRED), FIELD(step, patience, 0),
    FIELD(step, changes, 0), FIELD(step, always, 0), FIELD(step, authority, 0), FIELD(step, reader, 0),
    FIELD(step, topic, 0), FIELD(step, pool, 0), FIELD(step, identifier, 0), FIELD(step, argv, 0), FIELD(step, input, FIELD_SECRET), FIELD(step, accept, 0),
    FIELD(step, turn, 0), FIELD(step, path, 0), FIELD(step, device, 0), FIELD(step, name, 0), FIELD(step, text, 0),
    FIELD(step, sealed, 0), FIELD(step, keys, FIELD_LINK | FIELD_SECRET), FIELD(step, key_name, 0),
    FIELD(step, size_kib, 0), FIELD(step, patience_ms, 0), FIELD(step, hold_ms, 0), FIELD(step, offset, 0), FIELD(step, pools, 0), FIELD(step, paths, 0), FIELD(step, names, 0),
    LIST(step, entries, tree_entry, 0),
};
SCHEMA(step)

static const struct field found_file_fields[] = {
    FIELD(found_file, name, FIELD_REQUIRED), FIELD(found_file, device, 0), FIELD(found_file, owner, 0), FIELD(found_file, size_kib, 0),
    FIELD(found_file, device_kib, 0), FIELD(found_file, allocated_kib, 0),
};
static SCHEMA(found_file)

static const struct field found_directory_fields[] = {
    FIELD(found_directory, path, FIELD_REQUIRED), FIELD(found_directory, error, 0),
    FIELD(found_directory, free_kib, 0), FIELD(found_directory, total_kib, 0),
    LIST(found_directory, files, found_file, 0),
};
static SCHEMA(found_directory)

static const struct field found_device_fields[] = {
    FIELD(found_device, path, FIELD_REQUIRED), FIELD(found_device, size_kib, 0), FIELD(found_device, is_memory, 0),
    ENUM(found_device, content, found_content_names, 0), FIELD(found_device, block_sectors, 0),
    FIELD(found_device, uuid, 0), FIELD(found_device, set_uuid, 0),
    FIELD(found_device, data_sector, 0), FIELD(found_device, is_held, 0),
};
static SCHEMA(found_device)

static const struct field found_luks_fields[] = {
    FIELD(found_luks, name, FIELD_REQUIRED), FIELD(found_luks, path, 0), FIELD(found_luks, header, 0),
    FIELD(found_luks, key_name, 0), FIELD(found_luks, offset_kib, 0), FIELD(found_luks, device, 0),
    FIELD(found_luks, device_kib, 0), FIELD(found_luks, is_elsewhere, 0), FIELD(found_luks, error, 0), FIELD(found_luks, complaint, 0),
};
static SCHEMA(found_luks)
static const struct field found_mapping_fields[] = {
    FIELD(found_mapping, name, FIELD_REQUIRED), FIELD(found_mapping, target, 0), FIELD(found_mapping, table, 0),
    FIELD(found_mapping, size_kib, 0), FIELD(found_mapping, open_count, 0), FIELD(found_mapping, is_suspended, 0),
    FIELD(found_mapping, is_loaded, 0),
};
static SCHEMA(found_mapping)

static const struct field outcome_fields[] = {
    ENUM(outcome, result, outcome_result_names, FIELD_REQUIRED), FIELD(outcome, error, 0),
    FIELD(outcome, exit_code, 0), FIELD(outcome, output, 0), FIELD(outcome, complaint, 0),
    FIELD(outcome, truncated, 0), FIELD(outcome, is_late, 0), FIELD(outcome, device, 0), FIELD(outcome, owner, 0), FIELD(outcome, size_kib, 0),
    FIELD(outcome, device_kib, 0), FIELD(outcome, allocated_kib, 0),
    LIST(outcome, directories, found_directory, 0), LIST(outcome, devices, found_device, 0), LIST(outcome, disks, disk, 0),
    LIST(outcome, mappings, found_mapping, 0), LIST(outcome, luks, found_luks, 0), LIST(outcome, entries, tree_entry, 0),
    FIELD(outcome, identity, 0), FIELD(outcome, stays_frozen, 0), FIELD(outcome, can_share_blocks, 0), FIELD(outcome, missing, 0),
};
SCHEMA(outcome)
/* clang-format on */

const struct step_traits *step_traits_get(uint32_t kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(traits); i++)
        if (traits[i].kind == kind)
            return &traits[i];
    assert(!"every kind has its row");
    return &traits[0];
}
