/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/props.h"

#include <string.h>

#include "base/text.h"
#include "roles/controller/vault.h"

static int refuse(struct request *q, const struct prop_problem *problem)
{
    return rc_add(&q->rc, problem->ret_code, .message = problem->message, .cause = problem->cause,
                  .details = problem->details);
}

static int refuse_value(struct request *q, int64_t code, const char *key, const char *value, const char *cause)
{
    return rc_add(&q->rc, code, .message = rc_text(&q->rc, "Invalid property(%s) value: %s", key, value),
                  .cause = cause, .details = rc_text(&q->rc, "Property: %s", key));
}

/* The container, or both, into which a key of the controller belongs. */
static void store(struct request *q, const struct props_target *target, const char *key, const char *value)
{
    if (!target->satellite_props || prop_is_controller_only(key) || prop_is_in_both(key))
        text_map_set(target->props, key, value, &q->arena);
    if (target->satellite_props && !prop_is_controller_only(key))
        text_map_set(target->satellite_props, key, value, &q->arena);
}

static void forget(const struct props_target *target, const char *key)
{
    text_map_remove(target->props, key);
    if (target->satellite_props)
        text_map_remove(target->satellite_props, key);
}

struct effect {
    const char *key;
    int (*set)(struct request *q, const struct props_target *target, const struct effect *effect, const char *value);
    void (*removed)(const struct props_target *target);
    int64_t first, last, code; /* of ranges: what numbers there are, and the error of others */
};

static int warn_old_quorum(struct request *q, const struct props_target *target, const struct effect *effect,
                           const char *value)
{
    return rc_add(&q->rc, WARN_DEPRECATED | (target->is_new ? 0 : MASK_MOD), .is_bare = target->is_new,
                  .message = rc_text(&q->rc, "Property '%s' is deprecated, please use 'DrbdOptions/Resource/quorum'.",
                                     effect->key),
                  .details = rc_text(&q->rc, "It is set to '%s' all the same.", value));
}

/* What a user chose is not changed by automatisms. */
static int note_quorum(struct request *q, const struct props_target *target, const struct effect *effect,
                       const char *value)
{
    (void)effect;
    (void)value;
    text_map_set(target->props, "Internal/Drbd/QuorumSetBy", "user", &q->arena);
    return 0;
}

static void forget_quorum(const struct props_target *target)
{
    forget(target, "Internal/Drbd/QuorumSetBy");
}

static int rename_timeout(struct request *q, const struct props_target *target, const struct effect *effect,
                          const char *value)
{
    forget(target, effect->key);
    store(q, target, "ExtCmd/WaitTimeout", value);
    return rc_add(
        &q->rc, WARN_DEPRECATED | MASK_MOD,
        .message = rc_text(&q->rc, "Property '%s' is deprecated, 'ExtCmd/WaitTimeout' was set instead.", effect->key));
}

/* The rules have seen that it is two numbers with a dash between them. */
static int check_range(struct request *q, const struct props_target *target, const struct effect *effect,
                       const char *value)
{
    const char *dash = strchr(value, '-');
    const char *first_text = rc_text(&q->rc, "%.*s", (int)(dash - value), value);
    int64_t first, last;

    if (!text_parse_i64(first_text, effect->first, effect->last, &first) ||
        !text_parse_i64(dash + 1, effect->first, effect->last, &last))
        return refuse_value(
            q, effect->code, effect->key, value,
            rc_text(&q->rc, "Its numbers are %jd to %jd.", (intmax_t)effect->first, (intmax_t)effect->last));
    if (first > last)
        return refuse_value(q, effect->code, effect->key, value, "The range ends before it begins.");
    if (target->kind != PROP_ON_CONTROLLER)
        return 0;
    return rc_add(&q->rc, MODIFIED | MASK_MOD, .message = rc_text(&q->rc, "New numbers are taken from %s.", value));
}

static int check_domain(struct request *q, const struct props_target *target, const struct effect *effect,
                        const char *value)
{
    char why[NAME_WHY_SIZE];

    (void)target;
    if (!*value || name_check(NAME_NODE, value, why, sizeof(why)) == 0)
        return 0;
    return refuse_value(q, FAIL_INVLD_PROP, effect->key, value, why);
}

static int seal_passphrase(struct request *q, const struct props_target *target, const struct effect *effect,
                           const char *value)
{
    if (vault_check_passphrase(q, value, "The passphrase of a volume") != 0) {
        forget(target, effect->key);
        return -1;
    }
    if (vault_state(q->service) != VAULT_UNLOCKED) {
        forget(target, effect->key);
        return rc_add(&q->rc, FAIL_NOT_FOUND_CRYPT_KEY,
                      .message = "The passphrase of a volume can be set only while the master passphrase is known.",
                      .correction = "Create or enter the master passphrase.");
    }
    store(q, target, effect->key, vault_seal_key(q->service, value, &q->arena));
    return 0;
}

/* What goes with a key beyond its being stored. set is called after that, and may refuse the value. */
/* clang-format off */
static const struct effect effects[] = {
    { "DrbdOptions/Resource/quorum", note_quorum, forget_quorum },
    { "DrbdOptions/auto-quorum", warn_old_quorum },
    { "Encryption/Passphrase", seal_passphrase },
    { "ExtCmdWaitTimeout", rename_timeout },
    { "MinorNrAutoRange", check_range, .last = 1048575, .code = FAIL_INVLD_MINOR_NR },
    { "SearchDomain", check_domain },
    { "SpecStltPortAutoRange", check_range, .first = 1, .last = 65535, .code = FAIL_INVLD_TCP_PORT },
    { "TcpPortAutoRange", check_range, .first = 1, .last = 65535, .code = FAIL_INVLD_TCP_PORT },
};
/* clang-format on */

static const struct effect *find_effect(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
        if (strcmp(effects[i].key, key) == 0)
            return &effects[i];
    return NULL;
}

static bool is_secret(enum prop_object kind, const char *key)
{
    const struct prop_rule *rule = prop_rule_find_for(kind, key);

    return rule && rule->bits & PROP_SECRET;
}

/* Clients write back what they have read: it stays as it is. */
static int keep_secret(struct request *q, const struct props_target *target, const char *key)
{
    if (text_map_find(target->props, key))
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_PROP,
                  .message = rc_text(&q->rc, "Invalid property(%s) value: %s", key, PROPS_SECRET_SHOWN),
                  .cause = "It is what is shown in place of a secret, which cannot be copied.",
                  .correction = "Give the secret itself, or leave the property out.");
}

int props_set_key(struct request *q, const struct props_target *target, const char *key, const char *value,
                  const char **normal_key)
{
    struct prop_problem problem = { 0 };
    const struct effect *effect;
    const char *normal_value;

    (void)!prop_key_normalise(key, &q->arena, normal_key);
    if (prop_check(target->kind, key, value, &q->arena, &normal_value, &problem) != 0)
        return refuse(q, &problem);
    if (strcmp(normal_value, PROPS_SECRET_SHOWN) == 0 && is_secret(target->kind, *normal_key))
        return keep_secret(q, target, *normal_key);
    store(q, target, *normal_key, normal_value);
    effect = find_effect(*normal_key);
    return effect ? effect->set(q, target, effect, normal_value) : 0;
}

int props_delete_key(struct request *q, const struct props_target *target, const char *key, const char **normal_key)
{
    struct prop_problem problem = { 0 };
    const struct effect *effect;

    (void)!prop_key_normalise(key, &q->arena, normal_key);
    if (prop_check_key(target->kind, key, &q->arena, &problem) != 0)
        return refuse(q, &problem);
    forget(target, *normal_key);
    effect = find_effect(*normal_key);
    if (effect && effect->removed)
        effect->removed(target);
    return 0;
}

int props_delete_namespace(struct request *q, const struct props_target *target, const char *name_space)
{
    const char *normalised, *below;

    if (prop_key_normalise(name_space, &q->arena, &normalised) != 0)
        return rc_add(&q->rc, FAIL_INVLD_PROP,
                      .message = rc_text(&q->rc, "Invalid property namespace: '%s'", name_space),
                      .cause = *normalised ? "It is too long." : "It would be everything.",
                      .correction = "Name a namespace, such as Aux.");
    below = rc_text(&q->rc, "%s/", normalised);
    text_map_remove_below(target->props, below);
    if (target->satellite_props)
        text_map_remove_below(target->satellite_props, below);
    return 0;
}

static void say(struct request *q, int64_t code, const char *what, const struct buf *keys)
{
    if (keys->length > 0)
        rc_add(&q->rc, code | ((int64_t)((uint64_t)q->rc.context & RC_OBJECT_MASK)),
               .message = rc_text(&q->rc, "Successfully %s property key(s): %s", what, keys->data));
}

static void add_key(struct buf *keys, const char *key)
{
    if (keys->length > 0)
        buf_add_char(keys, ',');
    buf_add_text(keys, key);
}

int props_check_amount(struct request *q, const struct props_change *change)
{
    if (change->set->count <= OBJECT_PROPS_LIMIT && change->remove->count <= OBJECT_PROPS_LIMIT &&
        change->remove_namespaces->count <= OBJECT_PROPS_LIMIT)
        return 0;
    return rc_add(&q->rc, FAIL_INVLD_PROP, .message = "Too many properties in one request.",
                  .cause = rc_text(&q->rc, "No object can have more than %d, so no more can be set or deleted at once.",
                                   OBJECT_PROPS_LIMIT),
                  .correction = "Leave out what is not there.");
}

static int set_all(struct request *q, const struct props_target *target, const struct text_map *set)
{
    CLEANUP(buf_done) struct buf keys = { 0 };

    for (uint32_t i = 0; i < set->count; i++) {
        const char *key;

        if (props_set_key(q, target, set->at[i].key, set->at[i].value, &key) != 0)
            return -1;
        add_key(&keys, key);
    }
    say(q, MASK_CRT | CREATED, "set", &keys);
    return 0;
}

int props_set(struct request *q, enum prop_object kind, struct text_map *props, const struct text_map *set)
{
    const struct props_change change = { set, &(struct text_list){ 0 }, &(struct text_list){ 0 } };

    if (props_check_amount(q, &change) != 0)
        return -1;
    return set_all(q, &(struct props_target){ kind, props, .is_new = true }, set);
}

int props_modify(struct request *q, enum prop_object kind, struct text_map *props, const struct props_change *change)
{
    const struct props_target target = { kind, props };
    CLEANUP(buf_done) struct buf keys = { 0 };

    if (props_check_amount(q, change) != 0 || set_all(q, &target, change->set) != 0)
        return -1;
    for (uint32_t i = 0; i < change->remove->count; i++) {
        const char *key;

        if (props_delete_key(q, &target, change->remove->at[i], &key) != 0)
            return -1;
        add_key(&keys, key);
    }
    say(q, MASK_DEL | DELETED, "deleted", &keys);
    for (uint32_t i = 0; i < change->remove_namespaces->count; i++)
        if (props_delete_namespace(q, &target, change->remove_namespaces->at[i]) != 0)
            return -1;
    return 0;
}

struct text_map props_shown(enum prop_object kind, const struct text_map *props, struct arena *arena)
{
    static char shown[] = PROPS_SECRET_SHOWN;
    struct text_map copy = { arena_alloc(arena, sizeof(copy.at[0]) * (props->count + 1)), props->count };

    for (uint32_t i = 0; i < props->count; i++) {
        copy.at[i] = props->at[i];
        if (is_secret(kind, props->at[i].key))
            copy.at[i].value = shown;
    }
    return copy;
}

int props_check(struct request *q, enum prop_object kind, const struct text_map *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct prop_problem problem = { 0 };
        const char *value;

        if (prop_check(kind, set->at[i].key, set->at[i].value, &q->arena, &value, &problem) != 0)
            return refuse(q, &problem);
    }
    return 0;
}

int props_check_interfaces(struct request *q, enum prop_object kind, const struct text_map *set,
                           const struct node *node)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct prop_rule *rule = prop_rule_find_for(kind, set->at[i].key);

        if (rule && rule->bits & PROP_INTERFACE && !model_find_net_interface(node, set->at[i].value))
            return refuse_value(q, FAIL_INVLD_PROP, set->at[i].key, set->at[i].value,
                                rc_text(&q->rc, "Node '%s' has no net interface of that name.", node->name));
    }
    return 0;
}
