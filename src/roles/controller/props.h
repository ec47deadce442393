/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing properties of an object, as every body that modifies can. */
#pragma once

#include "model/prop_rules.h"
#include "roles/controller/request.h"

struct props_change {
    const struct text_map *set;
    const struct text_list *remove, *remove_namespaces;
};
#define PROPS_CHANGE(body)                                                                                             \
    ((struct props_change){ &(body)->override_props, &(body)->delete_props, &(body)->delete_namespaces })

/*
 * Checks and applies; props is of an object under edit. Entries name the keys that were set and deleted. -1 and rc when a key or value is
 * refused.
 */
int props_modify(struct request *q, enum prop_object kind, struct text_map *props, const struct props_change *change);
/* Only sets: for bodies that create. */
int props_set(struct request *q, enum prop_object kind, struct text_map *props, const struct text_map *set);
/* One key: its normalised form and value, or -1 and rc. */
int props_check(struct request *q, enum prop_object kind, const char *key, const char *value, const char **normal_key,
                const char **normal_value);
/* True and the key's rest when the key lies below the namespace. */
bool props_is_below(const char *key, const char *name_space);
