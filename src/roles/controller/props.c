/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/props.h"

#include <string.h>

static int refuse(struct request *q, const struct prop_problem *problem)
{
    return rc_add(&q->rc, problem->ret_code, .message = problem->message, .cause = problem->cause,
                  .details = problem->details);
}

int props_check(struct request *q, enum prop_object kind, const char *key, const char *value, const char **normal_key,
                const char **normal_value)
{
    struct prop_problem problem = { 0 };

    (void)!prop_key_normalise(key, &q->arena, normal_key);
    if ((value ? prop_check(kind, key, value, &q->arena, normal_value, &problem)
               : prop_check_key(kind, key, &q->arena, &problem)) != 0)
        return refuse(q, &problem);
    return 0;
}

bool props_is_below(const char *key, const char *name_space)
{
    size_t length = strlen(name_space);

    while (length > 0 && name_space[length - 1] == '/')
        length--;
    return strncmp(key, name_space, length) == 0 && key[length] == '/';
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

static int set_all(struct request *q, enum prop_object kind, struct text_map *props, const struct text_map *set)
{
    CLEANUP(buf_done) struct buf keys = { 0 };

    for (uint32_t i = 0; i < set->count; i++) {
        const char *key, *value;

        if (props_check(q, kind, set->at[i].key, set->at[i].value, &key, &value) != 0)
            return -1;
        text_map_set(props, key, value, &q->arena);
        add_key(&keys, key);
    }
    say(q, MASK_CRT | CREATED, "set", &keys);
    return 0;
}

int props_set(struct request *q, enum prop_object kind, struct text_map *props, const struct text_map *set)
{
    return set_all(q, kind, props, set);
}

int props_modify(struct request *q, enum prop_object kind, struct text_map *props, const struct props_change *change)
{
    CLEANUP(buf_done) struct buf keys = { 0 };

    if (set_all(q, kind, props, change->set) != 0)
        return -1;
    for (uint32_t i = 0; i < change->remove->count; i++) {
        const char *key;

        if (props_check(q, kind, change->remove->at[i], NULL, &key, NULL) != 0)
            return -1;
        text_map_remove(props, key);
        add_key(&keys, key);
    }
    say(q, MASK_DEL | DELETED, "deleted", &keys);
    /* LINSTOR: what goes with a namespace is not told */
    for (uint32_t i = 0; i < change->remove_namespaces->count; i++) {
        for (uint32_t j = props->count; j-- > 0;) {
            const char *key = props->at[j].key;

            if (!props_is_below(key, change->remove_namespaces->at[i]))
                continue;
            text_map_remove(props, key);
        }
    }
    return 0;
}
