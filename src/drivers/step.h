/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A step is one visible action on the machine, and an outcome is what came of it. Both are plain data and rows of the
 * field codec, so that a step can be printed, sent to a worker process, or executed in the memory of a simulation.
 * Everything that is known about the machine comes from outcomes; asking is a step as well.
 *
 * The header does nothing: plan.h makes steps, run.h runs them, providers and layers read outcomes. All text belongs to
 * the arena of the plan or of the run.
 */
#pragma once

#include <stdint.h>

#include "base/field.h"
#include "model/disk.h"

enum step_kind {
    STEP_EXEC = 1,        /* run argv, with input on its standard input */
    STEP_ASK_MACHINE,     /* what the kernel can do -> missing */
    STEP_ASK_FILES,       /* files of the directories in paths, only those in names if there are any -> directories */
    STEP_ASK_SPACE,       /* room in the directories in paths -> directories */
    STEP_CHECK_DIRECTORY, /* path; it must exist; tells whether files in it can share their blocks */
    STEP_FILE_ALLOCATE,   /* path, size_kib: made or grown, every block reserved; text: the owner marked on a new one */
    STEP_FILE_TRUNCATE,   /* likewise, no block reserved */
    STEP_FILE_REMOVE,     /* path; fine when it is gone */
    STEP_LOOP_ATTACH,     /* path -> device */
    STEP_LOOP_RESIZE,     /* device of path follows the size of the file */
    STEP_LOOP_DETACH,     /* device of path; fine when it is gone */
    STEP_ZVOL_GROW,       /* argv, while what is mounted on device itself is frozen -> device_kib */
    STEP_WIPE, /* device of path, or one of both alone: signatures and both ends; or, with offset, the block there */
    STEP_WAIT_DEVICE,   /* device, else one of paths: until there, at most patience_ms -> device, device_kib */
    STEP_ASK_DEVICES,   /* paths -> devices, those that are there */
    STEP_ASK_DISKS,     /* what could become storage pools, and the devices in paths -> disks; names: are none */
    STEP_ASK_DM,        /* mappings in names, or all whose names start with text -> mappings */
    STEP_ASK_CACHE,     /* paths: what lies offset bytes into each device -> devices */
    STEP_DM_CREATE,     /* mapping name with table text -> device; an unfinished one is replaced, else -EEXIST */
    STEP_DM_RELOAD,     /* mapping name gets table text, on the same devices: loaded, suspended, resumed */
    STEP_DM_SUSPEND,    /* mapping name, with the file system on it; fine when it is suspended */
    STEP_DM_RESUME,     /* mapping name; fine when it runs */
    STEP_DM_THAW,       /* mapping name runs, or is gone; -> mappings, if it did not run */
    STEP_FS_THAW,       /* what is mounted on device itself is not frozen; -> device, if it was */
    STEP_DM_MESSAGE,    /* text to the target of mapping name; comes back when the kernel has done it */
    STEP_DM_WAIT_CLEAN, /* until the cache that is mapping name has nothing to write back, at most patience_ms */
    STEP_DM_REMOVE,     /* mapping name, retried while it is open for at most patience_ms; fine when it is gone */
    STEP_ASK_LUKS,      /* mappings in names, each of the device in paths ("": unknown); no names: all that are open */
    STEP_LUKS_FORMAT,   /* device, size_kib of its header, text: options; refused when the device bears anything */
    STEP_LUKS_OPEN,     /* device as name, text: options -> device, device_kib */
    STEP_LUKS_CLOSE,    /* name; fine when it is closed */
    STEP_LUKS_RESIZE,   /* name takes all the room of its device -> device_kib */
    STEP_LUKS_CHANGE_KEY, /* device: the first key opens it, the others do not any more */
    STEP_LUKS_ERASE,      /* size_kib of device, its header, are zeroed */
    STEP_ASK_TREE,        /* what the patterns (glob) in paths find below /sys -> entries */
    STEP_TREE,            /* entries, one after the other; each is fine when it holds already */
    STEP_WAIT_BLOCK,      /* a directory that pattern path finds in /sys/block, where files read as names says (file,
                             value, file, value, ...), with at least size_kib, at most patience_ms -> device */
    /* device, which bears a superblock of bcache, is made known to the kernel; with text, device is a bcache and gets
     * the cache of that set; fine when that holds */
    STEP_BCACHE_REGISTER,
    STEP_BCACHE_STOP, /* paths, devices that bear superblocks of bcache, are given up by the kernel; what is only in the
                         cache stays there; -EBUSY when device, which shows them, is in use; fine when that holds */
    STEP_BCACHE_WIPE, /* the superblock of path, which must be of set text, is zeroed; fine when there is none */
    STEP_BCACHE_RENEW, /* path, a copy of a device, gets a superblock of its own, for set text, without what it holds in
                          a cache; -EUCLEAN when there was something; where its data begins stays */
};
extern const struct enum_name step_kind_names[];

/* How long a step may take before it is killed (asks only) or reported as hanging. */
enum step_patience { STEP_QUICK, STEP_PATIENT, STEP_VERY_PATIENT };

/* One file, directory or link of a kernel interface that is a tree: configfs, sysfs. */
enum tree_change {
    TREE_DIRECTORY = 1, /* is made */
    TREE_VALUE,         /* is written unless it reads so, or has it in brackets among others */
    TREE_COMMAND,       /* value is written; reading would not tell */
    TREE_DISMISS,       /* likewise; fine when there is no such file (any more) */
    TREE_LINK,          /* to value */
    TREE_UNLINK,
    TREE_REMOVE,        /* a directory */
    TREE_REMOVE_UNUSED, /* a directory; fine when something lies in it or points to it */
    TREE_CHECK_UNUSED,  /* a device that nobody has mounted and nothing lies on; fine when it is gone */
    TREE_FOUND,         /* only in answers */
};
extern const struct enum_name tree_change_names[];
struct tree_entry {
    uint32_t change; /* enum tree_change */
    char *path;
    char *value; /* in answers: of a link what it points to; NULL: a directory or device */
};

struct step {
    char *what;       /* "create sparse file /pool/db_00000.img of 1048576 KiB": shown in logs, plans and troubles */
    uint32_t kind;    /* enum step_kind */
    int32_t patience; /* enum step_patience */
    bool changes;     /* alters the machine: never killed */
    bool always;      /* runs even when an earlier step failed: for what must be undone */
    char *authority; /* the user's request that allows data to be destroyed; steps that destroy do not run without it */
    char *reader;    /* provider or layer whose read() understands the outcome */
    char *topic;     /* which of the reader's questions or changes this is; the reader alone knows the words */
    char *pool;      /* with identifier: the volume that the outcome speaks of */
    char *identifier;      /* "db_00000" */
    struct text_list argv; /* STEP_EXEC, STEP_ZVOL_GROW */
    char *input;           /* STEP_EXEC; secrets go this way, never through argv */
    int64_t accept;        /* STEP_EXEC: bit n set: exit code n is a success */
    char *turn; /* STEP_EXEC, STEP_ZVOL_GROW: of all steps with the same turn one runs at a time: "lvm vg0" */
    char *path, *device;
    char *name;              /* by which the kernel or a tool knows the thing: a mapping's, a subsystem's */
    char *text;              /* what is written or loaded */
    struct text_list sealed; /* keys of a volume, as the want has them, the newest first */
    struct text_list keys;   /* the same in clear: only in the batch that a worker gets, see run.c */
    char *key_name;          /* of the first of them, to be noted with what it opens */
    int64_t size_kib, patience_ms;
    /* From its beginning something stands still, for so long at most: then the later steps with always are run, by the
     * worker itself. 0: nothing does. */
    int64_t hold_ms;
    int64_t offset;                     /* STEP_ASK_CACHE, STEP_WIPE; bytes */
    struct text_list pools, paths;      /* STEP_ASK_FILES and _SPACE: pools[i] lies in directory paths[i] */
    struct text_list names;             /* STEP_ASK_FILES, STEP_ASK_DISKS, STEP_WAIT_BLOCK */
    LIST_OF(struct tree_entry) entries; /* STEP_TREE */
};

enum outcome_result {
    OUTCOME_SKIPPED = 1, /* an earlier step failed */
    OUTCOME_DONE,
    OUTCOME_FAILED,  /* error, exit_code, complaint say why */
    OUTCOME_TIMEOUT, /* was only asking and took too long */
    OUTCOME_LOST,    /* the process that ran it died: it may have happened or not */
};
extern const struct enum_name outcome_result_names[];

struct found_file {
    char *name;   /* in its directory */
    char *device; /* NULL when no device shows it */
    char *owner;  /* NULL when it bears no mark */
    int64_t size_kib, device_kib, allocated_kib;
};

struct found_directory {
    char *path;    /* as asked */
    int32_t error; /* errno of the first thing that failed, else 0 */
    int64_t free_kib, total_kib;
    LIST_OF(struct found_file) files;
};

struct found_device {
    char *path; /* as asked */
    int64_t size_kib;
    bool is_memory;        /* STEP_ASK_CACHE: persistent memory, which is written to without a block layer */
    uint32_t content;      /* STEP_ASK_CACHE: enum found_content */
    int64_t block_sectors; /* STEP_ASK_CACHE: of the CONTENT_CACHE */
    char *uuid, *set_uuid; /* STEP_ASK_CACHE: of the CONTENT_BCACHE_*: its own, and that of its set */
    int64_t data_sector;   /* STEP_ASK_CACHE: of the CONTENT_BCACHE_DATA: where the data begins */
    bool is_held;          /* STEP_ASK_CACHE: the kernel's bcache has it */
};
enum found_content {
    CONTENT_EMPTY,
    CONTENT_CACHE,
    CONTENT_WRITECACHE,
    CONTENT_OTHER,
    CONTENT_BCACHE_DATA,
    CONTENT_BCACHE_CACHE,
};
extern const struct enum_name found_content_names[];

/* A mapping of the device-mapper with at most one target, like all that we make. */
struct found_mapping {
    char *name;
    char *target; /* NULL: it has no table, because whoever made it did not finish */
    char *table;  /* what the target was given, as the kernel tells it: with devices as 7:1 */
    int64_t size_kib;
    int32_t open_count;
    bool is_suspended;
    bool is_loaded; /* a further table waits for the next resume */
};

struct found_luks {
    char *name, *path;  /* as asked */
    char *header;       /* of path: "luks1", "luks2", "unfinished" (no key opens it), "none", else what it bears */
    char *key_name;     /* noted in the header; NULL: none is */
    int64_t offset_kib; /* where the data begins */
    char *device;       /* NULL: the mapping is closed */
    int64_t device_kib;
    bool is_elsewhere; /* the mapping is open on another device than path */
    int32_t error;     /* errno: the header could not be looked at; 0: it was */
    char *complaint;   /* of the library; may be NULL */
};

struct outcome {
    uint32_t result;   /* enum outcome_result */
    int32_t error;     /* errno, 0 when no system call failed */
    int32_t exit_code; /* STEP_EXEC, STEP_ZVOL_GROW; 128 + number of the signal that ended it */
    char *output;      /* STEP_EXEC: standard output */
    char *complaint;   /* STEP_EXEC: standard error; others: which part failed, when what does not say it */
    bool truncated;    /* there was more output than is kept */
    bool is_late;      /* what stood still for it was let go before, as hold_ms was over */
    char *device;      /* of the file that the step was about */
    char *owner;       /* likewise: the mark that it bears */
    int64_t size_kib, device_kib, allocated_kib; /* likewise, as it is now */
    LIST_OF(struct found_directory) directories;
    LIST_OF(struct found_device) devices;
    LIST_OF(struct found_luks) luks;
    LIST_OF(struct found_mapping) mappings;
    LIST_OF(struct tree_entry) entries;
    LIST_OF(struct disk) disks;
    char *identity;    /* STEP_CHECK_DIRECTORY: equal for two paths of one directory */
    bool stays_frozen; /* STEP_ZVOL_GROW: what is mounted could not be thawed; STEP_DM_RELOAD: it may be suspended */
    bool can_share_blocks;   /* STEP_CHECK_DIRECTORY: a copy of a file can be had without copying: snapshots */
    struct text_map missing; /* STEP_ASK_MACHINE: what this machine cannot do ("loop") -> why */
};

extern const struct schema step_schema, outcome_schema;

/* What a kind of step is like; the planner and the runner read the same row. */
struct step_traits {
    enum step_kind kind;
    bool changes;
    bool destroys; /* needs an authority */
    enum step_patience patience;
};
const struct step_traits *step_traits_get(uint32_t kind);
