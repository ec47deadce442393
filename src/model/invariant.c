/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/invariant.h"

#define CORRECTION "Repair the record, or put it aside: linstor-controller(8) tells how, under the option --unreadable."

/* What had more already may lose some. */
static bool has_too_many(const struct change *change)
{
    const struct schema *schema = change->object->kind->schema;
    uint32_t now = field_largest_map(schema, change->object, FIELD_STORE);

    return change->kind != CHANGE_DELETE && now > OBJECT_PROPS_LIMIT &&
           (!change->image || now > field_largest_map(schema, change->image, FIELD_STORE));
}

/* At once, or when satellites are done. */
static bool goes(const struct change *change)
{
    enum kind_id kind = change->object->kind->id;
    uint64_t flag = kind == KIND_NODE ? NODE_DELETE : kind == KIND_RESOURCE_DEFINITION ? RESOURCE_DEFINITION_DELETE : 0;

    return change->kind == CHANGE_DELETE ||
           (change->kind == CHANGE_EDIT && (change->object->flags & flag) != 0 && (change->image->flags & flag) == 0);
}

static enum invariant check_change(const struct model *model, const struct change *change, const char *path,
                                   struct arena *arena, struct invariant_problem *problem)
{
    const struct object *object = change->object;
    const struct unreadable *taken =
        change->kind == CHANGE_NEW ? model_find_unreadable(model, object->kind->id, path) : NULL;
    const struct unreadable *within = !taken && goes(change) ? model_find_unreadable_in(model, object) : NULL;

    problem->object = object;
    if (has_too_many(change)) {
        problem->message = arena_printf(arena, "The %s '%s' would have more than %d properties.", object->kind->name,
                                        path, OBJECT_PROPS_LIMIT);
        problem->cause = "No object may have more.";
        problem->correction = "Delete properties that are not needed, or set fewer.";
        return INVARIANT_TOO_MANY_PROPS;
    }
    if (taken) {
        problem->message =
            arena_printf(arena, "The %s '%s' exists, but its stored record cannot be read.", object->kind->name, path);
        problem->cause = arena_strdup(arena, taken->why);
        problem->correction = CORRECTION;
        return INVARIANT_NAME_IS_TAKEN;
    }
    if (within) {
        problem->message =
            arena_printf(arena, "The %s '%s' cannot be deleted: the stored record of %s '%s' belongs to it.",
                         object->kind->name, path, within->kind->name, within->path);
        problem->cause = arena_printf(arena, "That record cannot be read: %s", within->why);
        problem->correction = CORRECTION;
        return INVARIANT_IS_NEEDED;
    }
    return INVARIANT_HOLDS;
}

enum invariant invariant_check(const struct model *model, const struct txn *txn, struct arena *arena,
                               struct invariant_problem *problem)
{
    for (const struct change *change = txn_changes(txn); change; change = change->next) {
        char path[OBJECT_PATH_SIZE];
        enum invariant broken;

        object_path(change->object, path);
        broken = check_change(model, change, path, arena, problem);
        if (broken != INVARIANT_HOLDS)
            return broken;
    }
    return INVARIANT_HOLDS;
}
