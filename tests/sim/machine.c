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
    int64_t size_kib, allocated_kib, made_ms;
    int device; /* number, -1: none */
};

struct loop_device {
    struct file *file; /* NULL: free */
    char name[16];
    int64_t size_kib;
    bool is_open;
};

struct machine {
    struct map directories, files; /* directories: struct file without contents */
    struct loop_device devices[LOOP_DEVICES];
    int64_t free_kib, total_kib;
};

static struct machine machines[HOST_LIMIT];

static struct file *find(const struct map *map, const char *path)
{
    struct map_node *node = map_find(map, path);

    return node ? CONTAINER_OF(node, struct file, node) : NULL;
}

static struct file *add(struct map *map, const char *path)
{
    struct file *file = memory_alloc(sizeof(*file));

    file->node.key = memory_strdup(path);
    file->device = -1;
    file->made_ms = world_now_ms();
    map_insert(map, &file->node);
    return file;
}

static void drop(struct map *map, struct file *file)
{
    map_remove(map, &file->node);
    memory_freep(&file->node.key);
    free(file);
}

void machines_init(void)
{
    memset(machines, 0, sizeof(machines));
    for (int i = 0; i < HOST_LIMIT; i++) {
        struct machine *machine = &machines[i];

        add(&machine->directories, MACHINE_POOLS "/thin");
        add(&machine->directories, MACHINE_POOLS "/thick");
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
            drop(&machines[i].files, CONTAINER_OF(node, struct file, node));
        while ((node = map_first(&machines[i].directories)))
            drop(&machines[i].directories, CONTAINER_OF(node, struct file, node));
    }
}

static void set_allocated(struct machine *machine, struct file *file, int64_t kib)
{
    machine->free_kib -= kib - file->allocated_kib;
    file->allocated_kib = kib;
}

static int measure(struct machine *machine, struct found_directory *found)
{
    if (!find(&machine->directories, found->path))
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
        const struct file *file = find(&machine->files, arena_printf(arena, "%s%s", prefix, step->names.at[i]));

        if (file)
            add_found(machine, found, file, arena);
    }
    if (step->names.count > 0)
        return;
    for (struct map_node *node = map_after(&machine->files, prefix); node && text_starts_with(node->key, prefix);
         node = map_next(node))
        if (text_ends_with(node->key, ".img"))
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

static char *parent_of(const char *path, struct arena *arena)
{
    return arena_strndup(arena, path, (size_t)(strrchr(path, '/') - path));
}

static int check_directory(struct machine *machine, const struct step *step, struct outcome *outcome)
{
    outcome->can_share_blocks = true;
    return find(&machine->directories, step->path) ? 0 : -ENOENT;
}

static int size_file(struct machine *machine, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct file *file = find(&machine->files, step->path);

    if (step->size_kib <= 0)
        return -EINVAL;
    if (!find(&machine->directories, parent_of(step->path, arena)))
        return -ENOENT;
    if (!file)
        file = add(&machine->files, step->path);
    if (file->size_kib < step->size_kib)
        file->size_kib = step->size_kib;
    if (step->kind == STEP_FILE_ALLOCATE)
        set_allocated(machine, file, file->size_kib);
    outcome->size_kib = file->size_kib;
    outcome->allocated_kib = file->allocated_kib;
    return 0;
}

static struct loop_device *device_of(struct machine *machine, const struct step *step)
{
    struct file *file = find(&machine->files, step->path);
    struct loop_device *device = file && file->device >= 0 ? &machine->devices[file->device] : NULL;

    return device && step->device && strcmp(device->name, step->device) == 0 ? device : NULL;
}

static int attach(struct machine *machine, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct file *file = find(&machine->files, step->path);
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
    struct file *file = find(&machine->files, step->path);
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
    struct file *file = find(&machine->files, step->path);

    if (!file)
        return 0;
    guard_destruction(host, step, file->made_ms);
    if (file->device >= 0)
        world_violation("%s on %s is removed while %s shows it", step->path, host->name,
                        machine->devices[file->device].name);
    set_allocated(machine, file, 0);
    drop(&machine->files, file);
    return 0;
}

static int run(struct host *host, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    struct machine *machine = &machines[host->index];

    if (step_traits_get(step->kind)->destroys && (!step->authority || !step->authority[0]))
        return -EPERM;
    switch ((enum step_kind)step->kind) {
    case STEP_EXEC: break;
    case STEP_ASK_MACHINE: return 0;
    case STEP_ASK_FILES:
    case STEP_ASK_SPACE: return ask(machine, step, outcome, arena);
    case STEP_CHECK_DIRECTORY: return check_directory(machine, step, outcome);
    case STEP_FILE_ALLOCATE:
    case STEP_FILE_TRUNCATE: return size_file(machine, step, outcome, arena);
    case STEP_FILE_REMOVE: return remove_file(host, machine, step);
    case STEP_LOOP_ATTACH: return attach(machine, step, outcome, arena);
    case STEP_LOOP_RESIZE: return resize(machine, step, outcome);
    case STEP_LOOP_DETACH: return detach(host, machine, step);
    case STEP_WIPE: return wipe(host, machine, step);
    }
    world_violation("%s: a step that no provider of the simulation makes", step->what);
}

void machine_run(struct host *host, const struct step *step, struct outcome *outcome, struct arena *arena)
{
    int error = run(host, step, outcome, arena);

    outcome->result = error ? OUTCOME_FAILED : OUTCOME_DONE;
    outcome->error = -error;
}

void machine_power_lost(struct host *host)
{
    struct machine *machine = &machines[host->index];

    for (int i = 0; i < LOOP_DEVICES; i++)
        if (machine->devices[i].file)
            free_device(&machine->devices[i]);
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
