/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Storage providers: how volumes are made out of a pool. A provider is a row of pure functions: it says what to ask,
 * reads what was answered into facts, and plans what is missing. It never touches the machine itself.
 *
 * Names of pools are compared without case, but facts are kept under the name as the pool's want spells it.
 */
#pragma once

#include "base/map.h"
#include "drivers/fact.h"
#include "drivers/plan.h"
#include "model/want.h"

enum provider_ability {
    PROVIDER_CAN_GROW = 1,
    PROVIDER_CAN_SNAPSHOT = 2,
    PROVIDER_IS_THIN = 4,     /* what is allocated grows with what is written */
    PROVIDER_HAS_NO_DISK = 8, /* its volumes have no device here */
    /* raise marks what it makes with the owner, and facts tell the mark: an attribute of the file, a tag, a property.
     * Without it whatever has the name is taken. */
    PROVIDER_MARKS_OWNER = 16,
};

/* One volume as its provider sees it; everything belongs to the caller. */
struct provider_volume {
    const struct pool_want *pool;
    const struct storage_pool_fact *pool_fact; /* may be NULL */
    const char *identifier;                    /* "db_00000" */
    int64_t size_kib;
    bool must_exist;              /* its absence is a loss, which raise refuses to cover up */
    bool must_be_new;             /* what is there must bear the owner, or it is not this volume */
    const char *owner;            /* uuid of the resource; NULL: not known */
    const char *authority;        /* for lower */
    struct plan_evidence new;     /* for what raise destroys */
    const char *origin;           /* raise makes it from this snapshot of its pool; NULL: empty */
    const struct text_map *props; /* effective; of the volume */
    const struct facts *facts;    /* all of them: of what depends on what */
};

/* A snapshot of a volume of the same pool. */
struct provider_snapshot {
    const struct pool_want *pool;
    const char *identifier; /* "db_00000_monday", see provider_snapshot_name */
    const char *volume;     /* "db_00000" */
    bool must_exist;
    bool is_held;          /* take marks it as void until confirm says that all stood still meanwhile */
    const char *owner;     /* its uuid; NULL: not known */
    const char *authority; /* for drop */
    const struct text_map *props;
    const struct facts *facts;
};

/*
 * What the outcome of one step says, that of asks as well as of changes. asked is facts->stamp when the plan was
 * started. -1 and *trouble when the step failed; the facts of what it was about are uncertain then.
 */
typedef int outcome_reader(const struct step *step, const struct outcome *outcome, int64_t asked, struct facts *facts,
                           struct arena *arena, struct trouble *trouble);

struct provider {
    const char *name;  /* as LINSTOR spells it: "FILE_THIN" */
    unsigned can;      /* enum provider_ability */
    const char *needs; /* NULL, or the key in outcome.missing that makes it unusable on this machine */
    /* -1 and *trouble when the pool cannot be used as it is configured. */
    int (*check)(const struct pool_want *pool, struct arena *arena, struct trouble *trouble);
    /* What must be known of the pool before anything else; no steps: it is, as plan->facts say. NULL: nothing. */
    void (*find)(const struct pool_want *pool, struct plan *plan);
    /* Makes the pool itself, where that is the satellite's matter. NULL: nothing to do. */
    void (*prepare)(const struct pool_want *pool, struct plan *plan);
    /*
     * Which questions: about the space of the pool, and about all its volumes, or only about identifiers when it is not
     * NULL.
     */
    void (*ask)(const struct pool_want *pool, const struct text_list *identifiers, struct plan *plan);
    outcome_reader *read;
    /* What lacks until the volume is there, with its size and device; fact may be NULL. -1 and *trouble: it must not be
     * made. */
    int (*raise)(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                 struct trouble *trouble);
    /* What must be done until nothing is left of it. */
    int (*lower)(const struct provider_volume *volume, const struct storage_fact *fact, struct plan *plan,
                 struct trouble *trouble);
    /* What its size is rounded up to; NULL: 1 KiB. The pool's fact may be NULL. */
    int64_t (*granularity_kib)(const struct pool_want *pool, const struct storage_pool_fact *fact,
                               const struct text_map *props);
    /* All NULL where there are no snapshots. Facts are those of the snapshot and of its volume; both may be NULL. */
    int (*take)(const struct provider_snapshot *snapshot, const struct storage_fact *fact,
                const struct storage_fact *volume, struct plan *plan, struct trouble *trouble);
    int (*drop)(const struct provider_snapshot *snapshot, const struct storage_fact *fact, struct plan *plan,
                struct trouble *trouble);
    /* Takes the mark away of one that the plan takes is_held; in one step with others of its pool. */
    void (*confirm)(const struct provider_snapshot *snapshot, struct plan *plan);
};

/* LINSTOR: "db_00000" -> "db_00000_monday". Files, LVM; ZFS knows its snapshots in facts under the same name. */
char *provider_snapshot_name(const char *volume, const char *snapshot, struct arena *arena)
    __attribute__((returns_nonnull));
/* Whether a name is one that volumes have (ends with _ and at least five digits), or snapshots of such. */
bool provider_names_volume(const char *identifier);

/*
 * Whether what has the volume's name is not the volume: then raise must not take it and lower must not touch it. Asked
 * by the layer, for all providers. What holds nothing at all is anybody's: the satellite died before it marked it.
 */
bool provider_is_foreign(const struct provider *provider, const struct provider_volume *volume,
                         const struct storage_fact *fact);

/*
 * Parts of raise, take and read that are the same for all. What was there and is not any more, and is not made anew:
 * noun "Logical volume", hint how it may be had back. -1.
 */
int provider_refuse_vanished(const char *noun, const char *path, const char *hint, struct arena *arena,
                             struct trouble *trouble);
int provider_refuse_vanished_snapshot(const char *path, struct arena *arena, struct trouble *trouble);
/* The outcome of a STEP_WAIT_DEVICE. -1 and *trouble: the device is smaller than tool said. */
int provider_read_wait(const struct outcome *outcome, const char *tool, struct storage_fact *fact, struct arena *arena,
                       struct trouble *trouble);

const struct provider *provider_find(const char *name); /* NULL when it is not in this version */

/* All providers of this version, ends with NULL. The model knows more, see model/layer.h. */
extern const struct provider *const providers[];

extern const struct provider provider_diskless, provider_file, provider_file_thin, provider_lvm, provider_lvm_thin,
    provider_zfs, provider_zfs_thin;

/* A pool that wants may refer to. */
struct known_pool {
    struct map_node node; /* key: its name in upper case */
    const struct pool_want *want;
    const struct provider *provider; /* NULL: not in this version */
    const struct trouble *trouble;   /* why it cannot be used; NULL: it can */
    /* As it is configured it could never have been used. So no volume is in it that was not there before it was
     * configured so. */
    bool holds_nothing;
};
struct known_pool *known_pool_find(const struct map *pools, const char *name);
/* False when one of that name is there. want must be set; key and provider are set here. */
bool known_pool_add(struct map *pools, struct known_pool *pool);
void known_pool_remove(struct map *pools, struct known_pool *pool);
