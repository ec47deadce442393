/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "guard.h"

enum { LOOP_DEVICES = 64, FIRST_FREE_KIB = 1 << 30 };

struct file {
    struct map_node node; /* key: the path */
    char owner[TEXT_UUID_SIZE];
    int64_t size_kib, allocated_kib, made_ms;
    int device;    /* number, -1: none */
    bool is_below; /* made while nothing was mounted at its directory */
};

enum mount {
    MOUNTED,
    MISSING, /* the directory is not there */
    EMPTY,   /* the directory below the mount point is seen */
};

struct loop_device {
    struct file *file; /* NULL: free */
    char name[24];
    int64_t size_kib;
    bool is_open;
};

struct machine {
    struct map files;
    enum mount mounts[POOLS];
    struct loop_device devices[LOOP_DEVICES];
    int64_t free_kib, total_kib;
};

static struct machine machines[HOST_LIMIT];

/* -1: it lies in no pool. */
static int pool_of(const char *path)
{
    for (int i = 0; i < POOLS; i++) {
        size_t length = strlen(MACHINE_POOLS "/") + strlen(pool_name(i));
        char directory[64];

        snprintf(directory, sizeof(directory), MACHINE_POOLS "/%s", pool_name(i));
        if (strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0'))
            return i;
    }
    return -1;
}

static bool is_there(const struct machine *machine, const char *path)
{
    int pool = pool_of(path);

    return pool >= 0 && machine->mounts[pool] != MISSING;
}

static bool is_visible(const struct machine *machine, const struct file *file)
{
    return machine->mounts[pool_of(file->node.key)] == MOUNTED || file->is_below;
}

static struct file *find(const struct machine *machine, const char *path)
{
    struct map_node *node = map_find(&machine->files, path);
    struct file *file = node ? CONTAINER_OF(node, struct file, node) : NULL;

    return file && is_visible(machine, file) ? file : NULL;
}

static void set_allocated(struct machine *machine, struct file *file, int64_t kib)
{
    machine->free_kib -= kib - file->allocated_kib;
    file->allocated_kib = kib;
}

static void drop(struct machine *machine, struct file *file)
{
    set_allocated(machine, file, 0);
    map_remove(&machine->files, &file->node);
    memory_freep(&file->node.key);
    free(file);
}

void machines_init(void)
{
    memset(machines, 0, sizeof(machines));
    for (int i = 0; i < HOST_LIMIT; i++) {
        struct machine *machine = &machines[i];

        machine->free_kib = machine->total_kib = FIRST_FREE_KIB;
        for (int number = 0; number < LOOP_DEVICES; number++)
            snprintf(machine->devices[number].name, sizeof(machine->devices[number].name), "/dev/loop%d", number);
    }
}

void machines_done(void)
{
    for (int i = 0; i < HOST_LIMIT; i++) {
        struct map_node *node;

        while ((node = map_first(&machines[i].files)))
            drop(&machines[i], CONTAINER_OF(node, struct file, node));
    }
}

static int measure(struct machine *machine, struct found_directory *found)
{
    if (!is_there(machine, found->path))
        return ENOENT;
    found->free_kib = machine->free_kib;
    found->total_kib = machine->total_kib;
    return 0;
}

static void add_found(struct machine *machine, struct found_directory *found, const struct file *file,
                      struct arena *arena)
{
    struct found_file *item = LIST_ADD(&found->files, arena);

    item->name = arena_strdup(arena, strrchr(file->node.key, '/') + 1);
    item->owner = file->owner[0] ? arena_strdup(arena, file->owner) : NULL;
    item->size_kib = file->size_kib;
    item->allocated_kib = file->allocated_kib;
    if (file->device < 0)
        return;
    item->device = arena_strdup(arena, machine->devices[file->device].name);
    item->device_kib = machine->devices[file->device].size_kib;
}

static void list_files(struct machine *machine, const struct step *step, struct found_directory *found,
                       struct arena *arena)
{
    char *prefix = arena_printf(arena, "%s/", found->path);

    for (uint32_t i = 0; i < step->names.count; i++) {
        const struct file *file = find(machine, arena_printf(arena, "%s%s", prefix, step->names.at[i]));

        if (file)
            add_found(machine, found, file, arena);
    }
    if (step->names.count > 0)
        return;
    for (struct map_node *node = map_after(&machine->files, prefix); node && text_starts_with(node->key, prefix);
         node = map_next(node))
        if (is_visible(machine, CONTAINER_OF(node, struct file, node)))
            add_found(machine, found, CONTAINER_OF(node, struct file, node), arena);
}

static int ask(struct machine *machine, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    for (uint32_t i = 0; i < step->paths.count; i++) {
        struct found_directory *found = LIST_ADD(&outcome->directories, arena);

        found->path = arena_strdup(arena, step->paths.at[i]);
        found->error = fault_strikes(FAULT_STEP_FAILS, 40) ? EIO : measure(machine, found);
        if (!found->error && step->kind == STEP_ASK_FILES)
            list_files(machine, step, found, arena);
    }
    return 0;
}

static int check_directory(struct machine *machine, const struct step *step, struct outcome *outcome)
{
    outcome->can_share_blocks = true;
    return is_there(machine, step->path) ? 0 : -ENOENT;
}

/* Where nothing is mounted, a file with the data of a volume may lie hidden: then it must not get another one. */
static struct file *make_file(struct host *host, struct machine *machine, const struct step *step)
{
    struct map_node *hidden = map_find(&machine->files, step->path);
    struct file *file;

    if (hidden) {
        guard_creation(host, step);
        drop(machine, CONTAINER_OF(hidden, struct file, node));
    }
    file = memory_alloc(sizeof(*file));
    file->node.key = memory_strdup(step->path);
    file->device = -1;
    file->made_ms = world_now_ms();
    file->is_below = machine->mounts[pool_of(step->path)] != MOUNTED;
    map_insert(&machine->files, &file->node);
    return file;
}

static int size_file(struct host *host, struct machine *machine, const struct step *step, struct outcome *outcome,
                     struct arena *arena)
{
    struct file *file = find(machine, step->path);

    if (step->size_kib <= 0)
        return -EINVAL;
    if (!is_there(machine, step->path))
        return -ENOENT;
    if (!file)
        file = make_file(host, machine, step);
    if (file->size_kib == 0 && step->text)
        snprintf(file->owner, sizeof(file->owner), "%s", step->text);
    if (file->size_kib < step->size_kib)
        file->size_kib = step->size_kib;
    if (step->kind == STEP_FILE_ALLOCATE)
        set_allocated(machine, file, file->size_kib);
    outcome->owner = file->owner[0] ? arena_strdup(arena, file->owner) : NULL;
    outcome->size_kib = file->size_kib;
    outcome->allocated_kib = file->allocated_kib;
    return 0;
}

static struct loop_device *device_of(struct machine *machine, const struct step *step)
{
    struct file *file = find(machine, step->path);
    struct loop_device *device = file && file->device >= 0 ? &machine->devices[file->device] : NULL;

    return device && step->device && strcmp(device->name, step->device) == 0 ? device : NULL;
}

static int attach(struct machine *machine, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct file *file = find(machine, step->path);
    int64_t at = chance_between(0, LOOP_DEVICES - 1); /* the kernel gives any free one */

    if (!file)
        return -ENOENT;
    if (file->device >= 0)
        world_violation("%s is attached to two loop devices", step->path);
    for (int i = 0; i < LOOP_DEVICES; i++) {
        struct loop_device *device = &machine->devices[(at + i) % LOOP_DEVICES];

        if (device->file)
            continue;
        device->file = file;
        device->size_kib = file->size_kib;
        file->device = (int)(device - machine->devices);
        outcome->device = arena_strdup(arena, device->name);
        outcome->device_kib = device->size_kib;
        return 0;
    }
    return -ENOSPC;
}

static int resize(struct machine *machine, const struct step *step, struct outcome *outcome)
{
    struct loop_device *device = device_of(machine, step);

    if (!device)
        return -ENXIO;
    device->size_kib = outcome->device_kib = device->file->size_kib;
    return 0;
}

static void free_device(struct loop_device *device)
{
    device->file->device = -1;
    device->file = NULL;
    device->is_open = false;
}

static int detach(struct host *host, struct machine *machine, const struct step *step)
{
    struct loop_device *device = device_of(machine, step);

    if (!device)
        return 0;
    if (device->is_open)
        return -EBUSY;
    guard_destruction(host, step, device->file->made_ms);
    free_device(device);
    return 0;
}

static int wipe(struct host *host, struct machine *machine, const struct step *step)
{
    struct file *file = find(machine, step->path);
    struct loop_device *device = device_of(machine, step);

    if (step->device && !device)
        return -ENXIO;
    if (!file)
        return -ENOENT;
    if (device && device->is_open)
        return -EBUSY;
    guard_destruction(host, step, file->made_ms);
    return 0;
}

static int remove_file(struct host *host, struct machine *machine, const struct step *step)
{
    struct file *file = find(machine, step->path);

    if (!file)
        return 0;
    guard_destruction(host, step, file->made_ms);
    if (file->device >= 0)
        world_violation("%s on %s is removed while %s shows it", step->path, host->name,
                        machine->devices[file->device].name);
    drop(machine, file);
    return 0;
}

static int run(struct host *host, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct machine *machine = &machines[host->index];

    if (step_traits_get(step->kind)->destroys && (!step->authority || !step->authority[0]))
        return -EPERM;
    /* nothing lacks; there is neither NVMe nor device-mapper */
    if (step->kind == STEP_ASK_MACHINE || step->kind == STEP_ASK_TREE)
        return 0;
    if (step->kind == STEP_ASK_FILES || step->kind == STEP_ASK_SPACE)
        return ask(machine, step, outcome, arena);
    if (step->kind == STEP_CHECK_DIRECTORY)
        return check_directory(machine, step, outcome);
    if (step->kind == STEP_FILE_ALLOCATE || step->kind == STEP_FILE_TRUNCATE)
        return size_file(host, machine, step, outcome, arena);
    if (step->kind == STEP_FILE_REMOVE)
        return remove_file(host, machine, step);
    if (step->kind == STEP_LOOP_ATTACH)
        return attach(machine, step, outcome, arena);
    if (step->kind == STEP_LOOP_RESIZE)
        return resize(machine, step, outcome);
    if (step->kind == STEP_LOOP_DETACH)
        return detach(host, machine, step);
    if (step->kind == STEP_WIPE)
        return wipe(host, machine, step);
    world_violation("%s: a step that no provider of the simulation makes", step->what);
}

void machine_run(struct host *host, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int error = run(host, step, outcome, arena);

    outcome->result = error ? OUTCOME_FAILED : OUTCOME_DONE;
    outcome->error = -error;
}

void machine_mount_all(struct host *host)
{
    struct machine *machine = &machines[host->index];

    map_for_each (node, &machine->files) {
        struct file *file = CONTAINER_OF(node, struct file, node);

        if (!file->is_below && machine->mounts[pool_of(node->key)] == EMPTY)
            guard_found_again(host, node->key, file->made_ms);
        file->is_below = false;
    }
    memset(machine->mounts, 0, sizeof(machine->mounts));
}

void machine_power_lost(struct host *host)
{
    struct machine *machine = &machines[host->index];

    for (int i = 0; i < LOOP_DEVICES; i++)
        if (machine->devices[i].file)
            free_device(&machine->devices[i]);
    machine_mount_all(host);
    for (int i = 0; i < POOLS; i++)
        if (fault_strikes(FAULT_UNMOUNTED, 3))
            machine->mounts[i] = chance_one_in(2) ? MISSING : EMPTY;
}

void machine_open_some(struct host *host)
{
    struct machine *machine = &machines[host->index];

    for (int i = 0; i < LOOP_DEVICES; i++)
        if (machine->devices[i].file && chance_one_in(3))
            machine->devices[i].is_open = true;
}

void machine_close_all(struct host *host)
{
    for (int i = 0; i < LOOP_DEVICES; i++)
        machines[host->index].devices[i].is_open = false;
}

static bool describe(const struct host *host, const struct map_node *node, struct machine_file *found)
{
    const struct machine *machine = &machines[host->index];
    const struct file *file;

    if (!node)
        return false;
    file = (const struct file *)(const void *)((const char *)node - offsetof(struct file, node));
    *found = (struct machine_file){
        .path = file->node.key,
        .size_kib = file->size_kib,
        .allocated_kib = file->allocated_kib,
        .made_ms = file->made_ms,
        .device = file->device >= 0 ? machine->devices[file->device].name : NULL,
        .device_kib = file->device >= 0 ? machine->devices[file->device].size_kib : 0,
    };
    return true;
}

bool machine_next_file(const struct host *host, const char *path, struct machine_file *found)
{
    return describe(host, map_after(&machines[host->index].files, path), found);
}

bool machine_find_file(const struct host *host, const char *path, struct machine_file *found)
{
    return describe(host, map_find(&machines[host->index].files, path), found);
}

int machine_count_devices(const struct host *host)
{
    int count = 0;

    for (int i = 0; i < LOOP_DEVICES; i++)
        count += machines[host->index].devices[i].file != NULL;
    return count;
}
