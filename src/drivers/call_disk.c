/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LINSTOR: listed is what the reference takes out of lsblk: whole devices of more than 1 GiB without a signature,
 * without partitions, and with nothing above or below them, except DRBD's. Left out beyond that is what is no disk
 * (RAM, CD drives, zvols) and what somebody holds open for himself alone.
 */
#include "drivers/call_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/text.h"
#include "drivers/wipe.h"

enum { SMALLEST_LISTED = 1 << 30, FILE_LIMIT = 64 * 1024, SECTOR = 512 };
enum { MAJOR_RAM = 1, MAJOR_FLOPPY = 2, MAJOR_CDROM = 11, MAJOR_DRBD = 147, MAJOR_ZVOL = 230 };

/* One line without blanks at its ends; NULL: there is no such file, or it is empty. */
static char *read_line(struct arena *arena, const char *path)
{
    CLEANUP(buf_done) struct buf text = { 0 };
    const char *start, *end;

    if (text_read_file(path, FILE_LIMIT, &text) != 0)
        return NULL;
    start = buf_text(&text) + strspn(buf_text(&text), " \t");
    end = start + strcspn(start, "\n");
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return end > start && json_is_utf8(start, (size_t)(end - start))
               ? arena_strndup(arena, start, (size_t)(end - start))
               : NULL;
}

static char *read_attribute(struct arena *arena, const char *name, const char *attribute)
{
    return read_line(arena, arena_printf(arena, "/sys/class/block/%s/%s", name, attribute));
}

static bool has_entries(struct arena *arena, const char *name, const char *directory)
{
    DIR *opened = opendir(arena_printf(arena, "/sys/class/block/%s/%s", name, directory));
    const struct dirent *entry;
    bool found = false;

    while (opened && !found && (entry = readdir(opened)))
        found = entry->d_name[0] != '.';
    if (opened)
        closedir(opened);
    return found;
}

static bool has_partitions(struct arena *arena, const char *name)
{
    DIR *opened = opendir(arena_printf(arena, "/sys/class/block/%s", name));
    const struct dirent *entry;
    bool found = false;

    while (opened && !found && (entry = readdir(opened)))
        found = entry->d_name[0] != '.' &&
                access(arena_printf(arena, "/sys/class/block/%s/%s/partition", name, entry->d_name), F_OK) == 0;
    if (opened)
        closedir(opened);
    return found;
}

/* "\x20" and the like, as udev writes what it was told. */
static char *decode_hex(char *text)
{
    char *to = text;

    for (const char *at = text; *at; at++) {
        unsigned byte;
        int length = 0;

        if (sscanf(at, "\\x%2x%n", &byte, &length) == 1 && length == 4 && byte != 0) {
            *to++ = (char)byte;
            at += 3;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    while (to > text && to[-1] == ' ')
        *--to = '\0';
    return text[0] && json_is_utf8(text, strlen(text)) ? text : NULL;
}

/* "E:KEY=value" in udev's file about the device. */
static char *find_in_udev(const char *udev, const char *key, struct arena *arena)
{
    size_t length = strlen(key);

    for (const char *at = udev; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strncmp(at, "E:", 2) == 0 && strncmp(at + 2, key, length) == 0 && at[2 + length] == '=') {
            at += 2 + length + 1;
            return decode_hex(arena_strndup(arena, at, strcspn(at, "\n")));
        }
    return NULL;
}

static char *first_of(const char *udev, const char *const *keys, struct arena *arena, const char *name,
                      const char *const *attributes)
{
    char *found = NULL;

    for (; *keys && !found; keys++)
        found = find_in_udev(udev, *keys, arena);
    for (; *attributes && !found; attributes++)
        found = read_attribute(arena, name, *attributes);
    return found;
}

static void describe(struct disk *disk, const char *name, const char *number, struct arena *arena)
{
    static const char *const model_keys[] = { "ID_MODEL_ENC", "ID_MODEL", NULL };
    static const char *const model_files[] = { "device/model", NULL };
    static const char *const serial_keys[] = { "ID_SCSI_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL", NULL };
    static const char *const serial_files[] = { "device/serial", "serial", NULL };
    static const char *const wwn_keys[] = { "ID_WWN_WITH_EXTENSION", "ID_WWN", NULL };
    static const char *const wwn_files[] = { "wwid", "device/wwid", NULL };
    CLEANUP(buf_done) struct buf udev = { 0 };

    if (text_read_file(arena_printf(arena, "/run/udev/data/b%s", number), FILE_LIMIT, &udev) != 0)
        buf_clear(&udev);
    disk->model = first_of(buf_text(&udev), model_keys, arena, name, model_files);
    disk->serial = first_of(buf_text(&udev), serial_keys, arena, name, serial_files);
    disk->wwn = first_of(buf_text(&udev), wwn_keys, arena, name, wwn_files);
}

static const char *find_use(const char *name, unsigned major_number, struct arena *arena)
{
    if (major_number == MAJOR_DRBD)
        return "it belongs to DRBD";
    if (has_partitions(arena, name))
        return "it has partitions";
    if (has_entries(arena, name, "holders"))
        return "another device lies on it";
    return NULL;
}

static bool is_no_disk(unsigned major_number)
{
    return major_number == MAJOR_RAM || major_number == MAJOR_FLOPPY || major_number == MAJOR_CDROM ||
           major_number == MAJOR_DRBD || major_number == MAJOR_ZVOL;
}

/* A disk that cannot be read is not free: what it does not show today may be there tomorrow. */
static void look_inside(struct disk *disk, struct arena *arena)
{
    int descriptor = open(disk->device, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_EXCL), error;
    struct buf signatures = { 0 };
    char why[LIBRARY_WHY_SIZE];

    if (descriptor < 0 && errno == EBUSY) {
        disk->use = arena_strdup(arena, "it is mounted, or otherwise in use");
        descriptor = open(disk->device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (descriptor < 0) {
        disk->use = disk->use ? disk->use : arena_printf(arena, "it cannot be opened: %s", strerror(errno));
        return;
    }
    error = wipe_find_signatures(descriptor, &signatures, why);
    if (error && !disk->use)
        disk->use = arena_printf(arena, "it cannot be read: %s", why[0] ? why : strerror(-error));
    if (signatures.length > 0)
        disk->signature = arena_strdup(arena, buf_text(&signatures));
    buf_done(&signatures);
    close(descriptor);
}

/* Names of users are links, mostly. */
static char *find_asked(const struct step *step, unsigned major_number, unsigned minor_number, struct arena *arena)
{
    for (uint32_t i = 0; i < step->paths.count; i++) {
        struct stat found;

        if (stat(step->paths.at[i], &found) == 0 && S_ISBLK(found.st_mode) && major(found.st_rdev) == major_number &&
            minor(found.st_rdev) == minor_number)
            return arena_strdup(arena, step->paths.at[i]);
    }
    return NULL;
}

static bool is_ours(const struct i64_list *ours, unsigned major_number, unsigned minor_number)
{
    for (uint32_t i = 0; i < ours->count; i++)
        if (ours->at[i] == (int64_t)makedev(major_number, minor_number))
            return true;
    return false;
}

static void add_disk(const struct step *step, const struct i64_list *ours, const char *name, struct outcome *outcome,
                     struct arena *arena)
{
    const char *number = read_attribute(arena, name, "dev"), *sectors = read_attribute(arena, name, "size"), *use;
    const char *rotational = read_attribute(arena, name, "queue/rotational");
    unsigned major_number, minor_number;
    bool is_part = access(arena_printf(arena, "/sys/class/block/%s/partition", name), F_OK) == 0;
    struct disk disk = { 0 };
    bool is_candidate;
    int64_t count;

    if (!number || !sectors || sscanf(number, "%u:%u", &major_number, &minor_number) != 2 ||
        !text_parse_i64(sectors, 0, INT64_MAX / SECTOR, &count))
        return;
    disk.asked = find_asked(step, major_number, minor_number, arena);
    disk.size_bytes = count * SECTOR;
    use = is_ours(ours, major_number, minor_number) ? "it is a volume" : find_use(name, major_number, arena);
    is_candidate = !is_part && !is_ours(ours, major_number, minor_number) && !is_no_disk(major_number) &&
                   disk.size_bytes > SMALLEST_LISTED && !has_entries(arena, name, "slaves");
    if (!disk.asked && !is_candidate)
        return;
    disk.device = arena_printf(arena, "/dev/%s", name);
    for (char *at = disk.device; (at = strchr(at, '!'));)
        *at = '/';
    disk.is_rotational = rotational && strcmp(rotational, "1") == 0;
    disk.use = use ? arena_strdup(arena, use) : NULL;
    if (!disk.use)
        look_inside(&disk, arena);
    disk.is_listed = is_candidate && !disk.use && !disk.signature;
    describe(&disk, name, number, arena);
    *LIST_ADD(&outcome->disks, arena) = disk;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static int is_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int call_ask_disks(const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct i64_list ours = { 0 };
    struct dirent **entries;
    int count;

    for (uint32_t i = 0; i < step->names.count; i++) {
        struct stat found;

        if (stat(step->names.at[i], &found) == 0 && S_ISBLK(found.st_mode))
            *LIST_ADD(&ours, arena) = (int64_t)found.st_rdev;
    }
    count = scandir("/sys/class/block", &entries, is_name, by_name);
    if (count < 0) {
        outcome->complaint = arena_strdup(arena, "/sys/class/block cannot be listed");
        return -errno;
    }
    for (int i = 0; i < count; i++) {
        add_disk(step, &ours, entries[i]->d_name, outcome, arena);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
