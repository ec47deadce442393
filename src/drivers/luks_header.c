/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/luks_header.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#define SYMBOL(function) LIBRARY_SYMBOL(cryptsetup, function)
LIBRARY_SYMBOLS(cryptsetup, SYMBOL(crypt_init), SYMBOL(crypt_init_by_name), SYMBOL(crypt_free), SYMBOL(crypt_load),
                SYMBOL(crypt_format), SYMBOL(crypt_get_type), SYMBOL(crypt_get_data_offset),
                SYMBOL(crypt_get_device_name), SYMBOL(crypt_get_active_device), SYMBOL(crypt_set_log_callback),
                SYMBOL(crypt_set_data_offset), SYMBOL(crypt_set_metadata_size), SYMBOL(crypt_set_pbkdf_type),
                SYMBOL(crypt_get_pbkdf_default), SYMBOL(crypt_volume_key_keyring), SYMBOL(crypt_keyslot_max),
                SYMBOL(crypt_keyslot_status), SYMBOL(crypt_keyslot_destroy), SYMBOL(crypt_keyslot_add_by_volume_key),
                SYMBOL(crypt_keyslot_add_by_passphrase), SYMBOL(crypt_activate_by_passphrase), SYMBOL(crypt_deactivate),
                SYMBOL(crypt_resize), SYMBOL(crypt_token_max), SYMBOL(crypt_token_status), SYMBOL(crypt_token_json_get),
                SYMBOL(crypt_token_json_set));
LIBRARY(cryptsetup, "libcryptsetup12", "luks", "Encrypts volumes", "recommended", "libcryptsetup.so.12");

#define TOKEN_TYPE "linstor"

int luks_header_check(char why[static LIBRARY_WHY_SIZE])
{
    return library_check(&cryptsetup_library, why);
}

void luks_header_note(int level, const char *message, void *owner)
{
    struct luks_header *header = owner;

    if (level != CRYPT_LOG_ERROR)
        return;
    snprintf(header->said, sizeof(header->said), "%s", message);
    header->said[strcspn(header->said, "\n")] = '\0';
}

int luks_header_open_library(struct luks_header *header, struct outcome *outcome, struct arena *arena)
{
    char why[LIBRARY_WHY_SIZE];
    int error = library_open(&cryptsetup_library, &header->lib, why);

    if (error)
        outcome->complaint = arena_strdup(arena, why);
    return error;
}

void luks_header_close(struct luks_header *header)
{
    if (header->device)
        header->lib.crypt_free(header->device);
    header->device = NULL;
}

/* -EINVAL: there is no header. */
int luks_header_load(struct luks_header *header, const char *path)
{
    int error = header->lib.crypt_init(&header->device, path);

    if (error)
        return error;
    header->lib.crypt_set_log_callback(header->device, luks_header_note, header);
    return header->lib.crypt_load(header->device, CRYPT_LUKS, NULL);
}

int luks_header_load_active(struct luks_header *header, const char *name)
{
    int error = header->lib.crypt_init_by_name(&header->device, name);

    if (!error)
        header->lib.crypt_set_log_callback(header->device, luks_header_note, header);
    return error;
}

int luks_header_end(struct luks_header *header, int error, struct outcome *outcome, struct arena *arena)
{
    luks_header_close(header);
    if (error && header->said[0])
        outcome->complaint = arena_strdup(arena, header->said);
    return error < 0 ? error : 0;
}

bool luks_header_is_second(const struct luks_header *header)
{
    return strcmp(header->lib.crypt_get_type(header->device), CRYPT_LUKS2) == 0;
}

static int find_token(const struct luks_header *header)
{
    int max = luks_header_is_second(header) ? header->lib.crypt_token_max(CRYPT_LUKS2) : 0;

    for (int i = 0; i < max; i++) {
        const char *type = NULL;
        crypt_token_info info = header->lib.crypt_token_status(header->device, i, &type);

        if (info != CRYPT_TOKEN_INVALID && info != CRYPT_TOKEN_INACTIVE && type && strcmp(type, TOKEN_TYPE) == 0)
            return i;
    }
    return -1;
}

char *luks_header_read_key_name(const struct luks_header *header, struct arena *arena)
{
    int token = find_token(header);
    const char *json, *name;
    char *copy = NULL;
    cJSON *tree;

    if (token < 0 || header->lib.crypt_token_json_get(header->device, token, &json) < 0)
        return NULL;
    tree = cJSON_Parse(json);
    name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "key"));
    if (name)
        copy = arena_strdup(arena, name);
    cJSON_Delete(tree);
    return copy;
}

int luks_header_write_key_name(const struct luks_header *header, const char *name)
{
    int token = find_token(header), error;
    char json[128];

    if (!luks_header_is_second(header) || !name)
        return 0;
    snprintf(json, sizeof(json), "{\"type\":\"" TOKEN_TYPE "\",\"keyslots\":[],\"key\":\"%.32s\"}", name);
    error = header->lib.crypt_token_json_set(header->device, token < 0 ? CRYPT_ANY_TOKEN : token, json);
    return error < 0 ? error : 0;
}

bool luks_header_has_keys(const struct luks_header *header)
{
    int max = header->lib.crypt_keyslot_max(header->lib.crypt_get_type(header->device));

    for (int i = 0; i < max; i++) {
        crypt_keyslot_info info = header->lib.crypt_keyslot_status(header->device, i);

        if (info == CRYPT_SLOT_ACTIVE || info == CRYPT_SLOT_ACTIVE_LAST || info == CRYPT_SLOT_UNBOUND)
            return true;
    }
    return false;
}
