/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names end in names of devices, in files of tools and in arguments of commands, so all that is legal is a letter, a
 * digit or one of the few characters that a rule lists, whatever the locale. Every rule is a row; the order of the
 * checks is the order in which users of the reference are told about them.
 */
#include "model/name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/rc_codes.h"

enum name_rule_bits {
    RULE_LETTER = 1, /* at least one letter */
    RULE_HOST = 2,   /* the name of a host */
    RULE_PATH = 4,   /* an absolute path of ASCII characters */
    RULE_ANY = 8,    /* only the length counts */
};

struct name_rule {
    const char *text;
    uint16_t min, max;       /* bytes */
    const char *first_extra; /* legal at the beginning besides letters */
    const char *inner_extra; /* legal behind it besides letters and digits */
    unsigned bits;
    const char *reserved[2];
    int64_t fail_code;
};

enum { LABEL_MAX = 63, EXTERNAL_MAX = 256, ZONE_MAX = 15 };

/* clang-format off */
static const struct name_rule rules[] = {
    [NAME_NODE] =            { "node", 2, 255, "", "", RULE_HOST, { 0 }, FAIL_INVLD_NODE_NAME },
    [NAME_RESOURCE] =        { "resource", 2, 48, "_", "_-", RULE_LETTER, { "all", "proxy" }, FAIL_INVLD_RSC_NAME },
    [NAME_RESOURCE_GROUP] =  { "resource group", 2, 48, "_", "_-", RULE_LETTER, { 0 }, FAIL_INVLD_RSC_GRP_NAME },
    [NAME_SNAPSHOT] =        { "snapshot", 2, 48, "_", "_-", RULE_LETTER, { 0 }, FAIL_INVLD_SNAPSHOT_NAME },
    [NAME_STORAGE_POOL] =    { "storage pool", 3, 48, "_", "_-", RULE_LETTER, { 0 }, FAIL_INVLD_STOR_POOL_NAME },
    [NAME_NET_INTERFACE] =   { "network interface", 3, 32, "_", "_-", RULE_LETTER, { 0 }, FAIL_INVLD_NET_NAME },
    [NAME_KEY_VALUE_STORE] = { "key value store", 2, 48, "_", "_-", RULE_LETTER, { 0 }, FAIL_INVLD_KVS_NAME },
    [NAME_SHARED_SPACE] =    { "shared space", 1, 48, "_0123456789", "_-.", RULE_LETTER, { 0 },
                               FAIL_INVLD_FREE_SPACE_MGR_NAME },
    [NAME_REMOTE] =          { "remote", 2, 255, "", "", RULE_HOST, { 0 }, FAIL_INVLD_REMOTE_NAME },
    [NAME_SCHEDULE] =        { "schedule", 2, 255, "", "", RULE_HOST, { 0 }, FAIL_INVLD_SCHEDULE_NAME },
    [NAME_EXTERNAL_FILE] =   { "external file", 1, 1024, "", "", RULE_PATH, { 0 }, FAIL_INVLD_EXT_FILE_NAME },
    [NAME_EXTERNAL] =        { "external name", 0, EXTERNAL_MAX, "", "", RULE_ANY, { 0 }, FAIL_INVLD_EXT_NAME },
};
/* clang-format on */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static PRINTF_LIKE(3, 4) int refuse(char *why, size_t why_size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, why_size, format, args);
    va_end(args);
    return -EINVAL;
}

/* "'x'" or "the byte 0xc3": what a terminal can show and a user can find. */
static const char *show(char c, char text[static 16])
{
    if (c > ' ' && c < 0x7f)
        snprintf(text, 16, "'%c'", c);
    else if (c == ' ')
        snprintf(text, 16, "a blank");
    else
        snprintf(text, 16, "the byte 0x%02x", (unsigned char)c);
    return text;
}

static int check_host(const struct name_rule *rule, const char *text, char *why, size_t why_size)
{
    char shown[16];
    if (text[0] == '.' || text[0] == '-')
        return refuse(why, why_size, "The name of a %s cannot begin with '%c'.", rule->text, text[0]);
    size_t label = 0, i = 0;
    for (; text[i]; i++) {
        if (text[i] == '.') {
            label = 0;
            continue;
        }
        if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '-')
            return refuse(why, why_size,
                          "The name of a %s cannot contain %s; letters, digits, '-' and '.' are allowed.", rule->text,
                          show(text[i], shown));
        if (++label > LABEL_MAX)
            return refuse(why, why_size, "The name of a %s has at most %d characters between two dots.", rule->text,
                          LABEL_MAX);
    }
    if (text[i - 1] == '-')
        return refuse(why, why_size, "The name of a %s cannot end with '-'.", rule->text);
    return 0;
}

static int check_path(const struct name_rule *rule, const char *text, char *why, size_t why_size)
{
    char shown[16];
    if (text[0] != '/')
        return refuse(why, why_size, "The name of an %s is an absolute path; it begins with '/'.", rule->text);
    for (size_t i = 0; text[i]; i++) {
        if (text[i] < 0)
            return refuse(why, why_size, "The path of an %s cannot contain %s; only ASCII characters are allowed.",
                          rule->text, show(text[i], shown));
    }
    return 0;
}

static bool has_letter(const char *text)
{
    for (; *text; text++) {
        if (is_letter(*text))
            return true;
    }
    return false;
}

static bool is_legal_at(const struct name_rule *rule, const char *text, size_t i)
{
    if (is_letter(text[i]))
        return true;
    if (i == 0)
        return is_one_of(text[i], rule->first_extra);
    return is_digit(text[i]) || is_one_of(text[i], rule->inner_extra);
}

static int check_plain(const struct name_rule *rule, const char *text, char *why, size_t why_size)
{
    char shown[16];
    if ((rule->bits & RULE_LETTER) && !has_letter(text))
        return refuse(why, why_size, "The name of a %s needs at least one letter (a-z, A-Z).", rule->text);
    for (size_t i = 0; text[i]; i++) {
        if (is_legal_at(rule, text, i))
            continue;
        if (i == 0)
            return refuse(why, why_size,
                          "The name of a %s cannot begin with %s; it begins with a letter or one of \"%s\".",
                          rule->text, show(text[i], shown), rule->first_extra);
        return refuse(why, why_size, "The name of a %s cannot contain %s; letters, digits and \"%s\" are allowed.",
                      rule->text, show(text[i], shown), rule->inner_extra);
    }
    for (size_t i = 0; i < ARRAY_SIZE(rule->reserved) && rule->reserved[i]; i++) {
        if (text_equal_fold(text, rule->reserved[i]))
            return refuse(why, why_size, "A %s cannot be called '%s': DRBD's tools use this word themselves.",
                          rule->text, text);
    }
    return 0;
}

int name_check(enum name_kind kind, const char *text, char *why, size_t why_size)
{
    const struct name_rule *rule = &rules[kind];
    size_t length = strlen(text);
    if (length < rule->min)
        return refuse(why, why_size, "A name of %zu characters is too short for a %s; at least %u are needed.", length,
                      rule->text, rule->min);
    if (length > rule->max)
        return refuse(why, why_size, "A name of %zu characters is too long for a %s; at most %u are allowed.", length,
                      rule->text, rule->max);
    if (rule->bits & RULE_ANY)
        return 0;
    if (rule->bits & RULE_HOST)
        return check_host(rule, text, why, why_size);
    if (rule->bits & RULE_PATH)
        return check_path(rule, text, why, why_size);
    return check_plain(rule, text, why, why_size);
}

int64_t name_fail_code(enum name_kind kind)
{
    return rules[kind].fail_code;
}

const char *name_kind_text(enum name_kind kind)
{
    return rules[kind].text;
}

bool name_key(const char *text, char key[static NAME_KEY_SIZE])
{
    size_t length = strnlen(text, NAME_KEY_SIZE);
    if (length == NAME_KEY_SIZE)
        return false;
    memcpy(key, text, length + 1);
    text_upper(key);
    return true;
}

/*
 * What replaces a character that a resource's name cannot have. LINSTOR: the set that becomes '_', and the letter
 * chosen by the byte for all else, are what its clients have seen (conformance external-names: "1digit" is "xdigit").
 */
static char legal_instead_of(char c)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (is_one_of(c, " !@#$%^&*()+=[]{}:;\\\"'<>?,./~"))
        return '_';
    int byte = (unsigned char)c;
    /* the reference's bytes have signs */
    return letters[(byte > SCHAR_MAX ? UCHAR_MAX + 1 - byte : byte) % (int)(sizeof(letters) - 1)];
}

void name_from_external(const char *external, bool (*is_taken)(const char *name, void *context), void *context,
                        char name[static NAME_RESOURCE_SIZE])
{
    char why[NAME_WHY_SIZE];
    char uuid[TEXT_UUID_SIZE];
    snprintf(name, NAME_RESOURCE_SIZE, "%s", external);
    if (text_is_uuid(name)) {
        memcpy(uuid, name, sizeof(uuid));
        text_upper(uuid);
        snprintf(name, NAME_RESOURCE_SIZE, "LS_%s", uuid);
        if (!is_taken(name, context))
            return;
        snprintf(name, NAME_RESOURCE_SIZE, "%s", external);
    }
    if (name_check(NAME_RESOURCE, name, why, sizeof(why)) == 0 && !is_taken(name, context))
        return;
    for (size_t i = 0; name[i]; i++) {
        if (!is_legal_at(&rules[NAME_RESOURCE], name, i))
            name[i] = legal_instead_of(name[i]);
    }
    if (name_check(NAME_RESOURCE, name, why, sizeof(why)) == 0 && !is_taken(name, context))
        return;
    do {
        text_make_uuid(uuid);
        text_upper(uuid);
        snprintf(name, NAME_RESOURCE_SIZE, "LS_%s", uuid);
    } while (is_taken(name, context));
}

static bool is_zone(const char *text)
{
    size_t length = 0;
    for (; text[length]; length++) {
        if (text[length] <= ' ' || text[length] >= 0x7f || text[length] == '/' || text[length] == '%')
            return false;
    }
    return length > 0 && length <= ZONE_MAX;
}

int name_check_address(const char *text, char *why, size_t why_size)
{
    struct in_addr four;
    struct in6_addr six;
    char address[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET, text, &four) == 1)
        return 0;
    const char *zone = strchr(text, '%');
    size_t length = zone ? (size_t)(zone - text) : strlen(text);
    if (length < sizeof(address) && (!zone || is_zone(zone + 1))) {
        memcpy(address, text, length);
        address[length] = '\0';
        if (inet_pton(AF_INET6, address, &six) == 1)
            return 0;
    }
    return refuse(why, why_size,
                  "'%.*s' is no IP address; give a literal IPv4 or IPv6 address, names are not resolved.",
                  INET6_ADDRSTRLEN, text);
}

int name_check_volume_number(int64_t number, char *why, size_t why_size)
{
    if (number >= 0 && number <= NAME_VOLUME_NUMBER_MAX)
        return 0;
    return refuse(why, why_size, "Volume number %jd is out of range; numbers go from 0 to %d.", (intmax_t)number,
                  NAME_VOLUME_NUMBER_MAX);
}
