/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A note is a file "dm:NAME" or "fs:!dev!zvol!tank!db_00000", a slash being a "!", which zfs allows in no name. It
 * holds the boot of the machine, as nothing stands still after the next one. It is not synced: what it is good for is
 * over as well when the power is lost.
 */
#include "drivers/held.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

enum { BOOT_LIMIT = 128 };

static const char mapping[] = "dm:", file_system[] = "fs:";

static const struct trait {
    enum step_kind kind;
    const char *prefix;
    bool begins, ends;
} traits[] = {
    /* clang-format off */
    { STEP_DM_SUSPEND, mapping,     .begins = true },
    { STEP_DM_RELOAD,  mapping,     .begins = true, .ends = true },
    { STEP_DM_RESUME,  mapping,     .ends = true },
    { STEP_DM_REMOVE,  mapping,     .ends = true },
    { STEP_DM_THAW,    mapping,     .ends = true },
    { STEP_ZVOL_GROW,  file_system, .begins = true, .ends = true },
    { STEP_FS_THAW,    file_system, .ends = true },
    /* clang-format on */
};

static const struct trait *find_trait(const struct step *step)
{
    for (size_t i = 0; i < ARRAY_SIZE(traits); i++)
        if (traits[i].kind == step->kind)
            return &traits[i];
    return NULL;
}

static void replace(char *text, char old, char new)
{
    for (; *text; text++)
        *text = *text == old ? new : *text;
}

static char *path_of(const char *directory, const struct trait *trait, const struct step *step)
{
    const char *thing = trait->prefix == mapping ? step->name : step->device;
    char *path = memory_printf("%s/%s%s", directory, trait->prefix, thing ? thing : "");

    replace(path + strlen(directory) + 1, '/', '!');
    return path;
}

static void read_boot(struct buf *boot)
{
    if (text_read_file("/proc/sys/kernel/random/boot_id", BOOT_LIMIT, boot) != 0)
        buf_clear(boot);
}

/* True: it was there already. */
static bool write_note(const char *directory, const char *path)
{
    CLEANUP(buf_done) struct buf boot = { 0 };
    int note = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (note < 0 && errno == ENOENT && mkdir(directory, 0700) == 0)
        note = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (note < 0 && errno == EEXIST)
        return true;
    read_boot(&boot);
    if (note < 0 || write(note, buf_text(&boot), boot.length) != (ssize_t)boot.length)
        fprintf(stderr, "worker: %s cannot be written: %s\n", path, strerror(errno));
    if (note >= 0)
        close(note);
    return false;
}

char *held_directory(const char *data_directory)
{
    return memory_printf("%s/held", data_directory);
}

void held_note(const char *directory, const struct step *steps, uint32_t count, bool *was_there)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct trait *trait = find_trait(&steps[i]);
        CLEANUP(memory_freep) char *path = NULL;

        was_there[i] = false;
        if (!directory || !trait || !trait->begins)
            continue;
        path = path_of(directory, trait, &steps[i]);
        was_there[i] = write_note(directory, path);
    }
}

/*
 * A zvol that does not grow does not leave anything frozen, but what somebody left before, who knows. Of a mapping
 * whose table was not loaded that is known: it was looked at.
 */
bool held_is_over(const struct step *step, const struct outcome *outcome, bool was_there)
{
    const struct trait *trait = find_trait(step);

    if (!trait || outcome->result == OUTCOME_SKIPPED) /* what was not begun holds nothing */
        return trait && trait->begins && !was_there;
    if (!trait->ends)
        return false;
    if (step->kind == STEP_DM_RELOAD && outcome->result == OUTCOME_FAILED)
        return !outcome->stays_frozen;
    if (step->kind == STEP_ZVOL_GROW && outcome->result == OUTCOME_FAILED)
        return !was_there && !outcome->stays_frozen;
    return outcome->result == OUTCOME_DONE;
}

void held_forget(const char *directory, const struct step *step)
{
    const struct trait *trait = find_trait(step);
    CLEANUP(memory_freep) char *path = directory && trait ? path_of(directory, trait, step) : NULL;

    if (path && unlink(path) < 0 && errno != ENOENT)
        fprintf(stderr, "worker: %s cannot be removed: %s\n", path, strerror(errno));
}

/* Its writer may have died before it wrote anything. */
static bool is_of_this_boot(const char *path)
{
    CLEANUP(buf_done) struct buf boot = { 0 }, noted = { 0 };

    read_boot(&boot);
    if (text_read_file(path, BOOT_LIMIT, &noted) != 0)
        return false;
    return noted.length == 0 || strcmp(buf_text(&noted), buf_text(&boot)) == 0;
}

static void add_thaw(const char *note, struct plan *plan)
{
    bool is_mapping = text_starts_with(note, mapping);
    char *thing = arena_strdup(&plan->arena, note + strlen(is_mapping ? mapping : file_system));
    struct step *step;

    if (is_mapping) {
        step = plan_add(plan, STEP_DM_THAW, "resume %s, unless it runs", thing);
        step->name = thing;
    } else {
        replace(thing, '!', '/');
        step = plan_add(plan, STEP_FS_THAW, "thaw what is mounted on %s", thing);
        step->device = thing;
    }
    step->always = true;
}

void held_plan_thaw(const char *directory, struct plan *plan)
{
    DIR *notes = opendir(directory);
    struct dirent *entry;

    while (notes && (entry = readdir(notes))) {
        CLEANUP(memory_freep) char *path = memory_printf("%s/%s", directory, entry->d_name);

        if (!text_starts_with(entry->d_name, mapping) && !text_starts_with(entry->d_name, file_system))
            continue;
        if (is_of_this_boot(path))
            add_thaw(entry->d_name, plan);
        else
            unlink(path);
    }
    if (notes)
        closedir(notes);
}
