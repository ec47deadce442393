/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/luks_options.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum kind {
    IS_FLAG,
    IS_NUMBER,
    IS_SIZE,
    IS_WORD,
    IS_IGNORED,       /* means nothing to the library, or is always so */
    IS_IGNORED_VALUE, /* likewise, with a value */
};

enum { BOTH = LUKS_FORMAT_OPTIONS | LUKS_OPEN_OPTIONS };

#define AT(member) offsetof(struct luks_options, member)
/* clang-format off */
static const struct option {
    const char *name;
    char letter; /* 0: none */
    uint8_t kind, use;
    size_t offset;
} known[] = {
    { "--type", 'M', IS_WORD, LUKS_FORMAT_OPTIONS, AT(type) },
    { "--cipher", 'c', IS_WORD, LUKS_FORMAT_OPTIONS, AT(cipher) },
    { "--hash", 'h', IS_WORD, LUKS_FORMAT_OPTIONS, AT(hash) },
    { "--key-size", 's', IS_NUMBER, LUKS_FORMAT_OPTIONS, AT(key_bits) },
    { "--iter-time", 'i', IS_NUMBER, LUKS_FORMAT_OPTIONS, AT(iteration_ms) },
    { "--pbkdf", 0, IS_WORD, LUKS_FORMAT_OPTIONS, AT(pbkdf) },
    { "--pbkdf-force-iterations", 0, IS_NUMBER, LUKS_FORMAT_OPTIONS, AT(iterations) },
    { "--pbkdf-memory", 0, IS_NUMBER, LUKS_FORMAT_OPTIONS, AT(pbkdf_kib) },
    { "--pbkdf-parallel", 0, IS_NUMBER, LUKS_FORMAT_OPTIONS, AT(pbkdf_parallel) },
    { "--sector-size", 0, IS_NUMBER, LUKS_FORMAT_OPTIONS, AT(sector_size) },
    { "--offset", 'o', IS_NUMBER, LUKS_FORMAT_OPTIONS, AT(offset_sectors) },
    { "--align-payload", 0, IS_NUMBER, LUKS_FORMAT_OPTIONS, AT(align_sectors) },
    { "--luks2-metadata-size", 0, IS_SIZE, LUKS_FORMAT_OPTIONS, AT(metadata_size) },
    { "--luks2-keyslots-size", 0, IS_SIZE, LUKS_FORMAT_OPTIONS, AT(keyslots_size) },
    { "--label", 0, IS_WORD, LUKS_FORMAT_OPTIONS, AT(label) },
    { "--subsystem", 0, IS_WORD, LUKS_FORMAT_OPTIONS, AT(subsystem) },
    { "--use-random", 0, IS_IGNORED, LUKS_FORMAT_OPTIONS, 0 },
    { "--use-urandom", 0, IS_IGNORED, LUKS_FORMAT_OPTIONS, 0 },
    { "--allow-discards", 0, IS_FLAG, LUKS_OPEN_OPTIONS, AT(discards) },
    { "--readonly", 'r', IS_FLAG, LUKS_OPEN_OPTIONS, AT(read_only) },
    { "--perf-same_cpu_crypt", 0, IS_FLAG, LUKS_OPEN_OPTIONS, AT(same_cpu) },
    { "--perf-submit_from_crypt_cpus", 0, IS_FLAG, LUKS_OPEN_OPTIONS, AT(submit_from_crypt_cpus) },
    { "--perf-no_read_workqueue", 0, IS_FLAG, LUKS_OPEN_OPTIONS, AT(no_read_queue) },
    { "--perf-no_write_workqueue", 0, IS_FLAG, LUKS_OPEN_OPTIONS, AT(no_write_queue) },
    { "--disable-keyring", 0, IS_FLAG, LUKS_OPEN_OPTIONS, AT(no_keyring) },
    { "--serialize-memory-hard-pbkdf", 0, IS_IGNORED, LUKS_OPEN_OPTIONS, 0 },
    { "--type", 'M', IS_IGNORED_VALUE, LUKS_OPEN_OPTIONS, 0 },
    { "--tries", 'T', IS_IGNORED_VALUE, BOTH, 0 },
    { "--timeout", 't', IS_IGNORED_VALUE, BOTH, 0 },
    { "--batch-mode", 'q', IS_IGNORED, BOTH, 0 },
    { "--verify-passphrase", 'y', IS_IGNORED, BOTH, 0 },
    { "--force-password", 0, IS_IGNORED, BOTH, 0 },
};

static const struct { const char *suffix; int64_t factor; } factors[] = {
    { "", 1 }, { "s", 512 },
    { "k", 1024 }, { "m", 1024 * 1024 }, { "g", 1024 * 1024 * 1024 },
    { "kib", 1024 }, { "mib", 1024 * 1024 }, { "gib", 1024 * 1024 * 1024 },
    { "kb", 1000 }, { "mb", 1000 * 1000 }, { "gb", 1000 * 1000 * 1000 },
};
/* clang-format on */

struct words {
    const char *next;
    char word[LUKS_WORD_SIZE];
};

/* 1, 0 at the end, -1 when a word is too long. */
static int next_word(struct words *words)
{
    size_t length;

    words->next += strspn(words->next, " \t\n");
    length = strcspn(words->next, " \t\n");
    if (length == 0)
        return 0;
    if (length >= sizeof(words->word))
        return -1;
    memcpy(words->word, words->next, length);
    words->word[length] = '\0';
    words->next += length;
    return 1;
}

/* *value points behind the name when it stands in the same word. */
static const struct option *find(enum luks_options_use use, const char *word, const char **value)
{
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        const struct option *option = &known[i];
        size_t length = strlen(option->name);

        *value = NULL;
        if (!(option->use & use))
            continue;
        if (strcmp(word, option->name) == 0)
            return option;
        if (strncmp(word, option->name, length) == 0 && word[length] == '=') {
            *value = word + length + 1;
            return option;
        }
        if (option->letter && word[0] == '-' && word[1] == option->letter) {
            *value = word[2] ? word + 2 : NULL;
            return option;
        }
    }
    return NULL;
}

static bool parse_size(const char *text, int64_t *bytes)
{
    size_t digits = strspn(text, "0123456789");
    char number[24];

    if (digits == 0 || digits >= sizeof(number))
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    for (size_t i = 0; i < ARRAY_SIZE(factors); i++)
        if (text_equal_fold(text + digits, factors[i].suffix)) {
            if (!text_parse_i64(number, 0, INT64_C(1) << 32, bytes))
                return false;
            *bytes *= factors[i].factor;
            return *bytes <= INT64_C(1) << 40;
        }
    return false;
}

static int set(const struct option *option, const char *value, struct luks_options *options,
               char why[static LUKS_OPTIONS_WHY_SIZE])
{
    char *member = (char *)options + option->offset;
    bool fits = true;

    switch ((enum kind)option->kind) {
    case IS_FLAG: *(bool *)(void *)member = true; break;
    case IS_NUMBER: fits = text_parse_i64(value, 0, INT64_C(1) << 40, (int64_t *)(void *)member); break;
    case IS_SIZE: fits = parse_size(value, (int64_t *)(void *)member); break;
    case IS_WORD: snprintf(member, LUKS_WORD_SIZE, "%s", value); break;
    case IS_IGNORED:
    case IS_IGNORED_VALUE: break;
    }
    if (fits)
        return 0;
    snprintf(why, LUKS_OPTIONS_WHY_SIZE, "'%s' is no value of %s.", value, option->name);
    return -1;
}

static bool has_value(const struct option *option)
{
    return option->kind != IS_FLAG && option->kind != IS_IGNORED;
}

static int check(const struct luks_options *options, char why[static LUKS_OPTIONS_WHY_SIZE])
{
    static const char *const types[] = { "", "luks", "luks1", "luks2" };
    int64_t header_kib = luks_options_header_kib(options);

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(options->type, types[i]) == 0) {
            if (header_kib >= 1024 && header_kib <= 512 * 1024)
                return 0;
            snprintf(why, LUKS_OPTIONS_WHY_SIZE, "The header would have %" PRId64 " KiB; 1 to 512 MiB are possible.",
                     header_kib);
            return -1;
        }
    snprintf(why, LUKS_OPTIONS_WHY_SIZE, "The type '%s' is none of luks1 and luks2.", options->type);
    return -1;
}

int luks_options_parse(enum luks_options_use use, const char *text, struct luks_options *options,
                       char why[static LUKS_OPTIONS_WHY_SIZE])
{
    struct words words = { .next = text ? text : "" };
    int state;

    *options = (struct luks_options){ 0 };
    while ((state = next_word(&words)) > 0) {
        char name[LUKS_WORD_SIZE];
        const char *value;
        const struct option *option;

        memcpy(name, words.word, sizeof(name));
        option = find(use, name, &value);
        if (!option || (value && !has_value(option))) {
            snprintf(why, LUKS_OPTIONS_WHY_SIZE, "'%s' is not a switch that can be used here.", name);
            return -1;
        }
        if (has_value(option) && !value) {
            state = next_word(&words);
            value = words.word;
            if (state <= 0) {
                snprintf(why, LUKS_OPTIONS_WHY_SIZE, "%s needs a value.", option->name);
                return -1;
            }
        }
        if (set(option, value ? value : "", options, why) < 0)
            return -1;
    }
    if (state < 0) {
        snprintf(why, LUKS_OPTIONS_WHY_SIZE, "A word of the options is too long.");
        return -1;
    }
    return check(options, why);
}

int64_t luks_options_header_kib(const struct luks_options *options)
{
    int64_t metadata = options->metadata_size ? options->metadata_size : 16 * 1024;
    int64_t align = options->align_sectors ? options->align_sectors * 512 : 1024 * 1024;
    int64_t bytes = strcmp(options->type, "luks1") == 0 ? 2 * 1024 * 1024 : 16 * 1024 * 1024;

    if (options->offset_sectors)
        return options->offset_sectors / 2;
    if (options->keyslots_size)
        bytes = 2 * metadata + options->keyslots_size;
    return (bytes + align - 1) / align * align / 1024;
}
