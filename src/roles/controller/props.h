/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changing properties of an object, as every body that modifies can: checks by the rules, the change itself, and what
 * goes with it on every object alike. What only one kind of object must know (that an interface exists) is for its
 * handlers.
 */
#pragma once

#include "model/prop_rules.h"
#include "roles/controller/request.h"

struct props_change {
    const struct text_map *set;
    const struct text_list *remove, *remove_namespaces;
};
#define PROPS_CHANGE(body)                                                                                             \
    ((struct props_change){ &(body)->override_props, &(body)->delete_props, &(body)->delete_namespaces })

/* Containers of an object under edit. */
struct props_target {
    enum prop_object kind;
    struct text_map *props;
    struct text_map *satellite_props; /* of the controller: what satellites see, too. NULL of others */
    bool is_new;                      /* is just being made */
};

/*
 * Checks and applies; props is of an object under edit. Entries name the keys that were set and deleted. -1 and rc when
 * a key or value is refused.
 */
int props_modify(struct request *q, enum prop_object kind, struct text_map *props, const struct props_change *change);
/* Only sets: for bodies that create. */
int props_set(struct request *q, enum prop_object kind, struct text_map *props, const struct text_map *set);

/* Before more keys are looked at than an object could have: the loop does nothing else meanwhile. -1 and rc. */
int props_check_amount(struct request *q, const struct props_change *change);
/* One key, without an entry of its success. *normal_key is how it is stored. -1 and rc when it is refused. */
int props_set_key(struct request *q, const struct props_target *target, const char *key, const char *value,
                  const char **normal_key);
int props_delete_key(struct request *q, const struct props_target *target, const char *key, const char **normal_key);
/* LINSTOR: what goes with a namespace is not told. */
int props_delete_namespace(struct request *q, const struct props_target *target, const char *name_space);

/* As answers show them: in place of secrets stands PROPS_SECRET_SHOWN. Shares keys and values with props. */
#define PROPS_SECRET_SHOWN "(sealed)"
struct text_map props_shown(enum prop_object kind, const struct text_map *props, struct arena *arena);

/* Whether they could be set, before something is done that cannot be undone; -1 and rc. */
int props_check(struct request *q, enum prop_object kind, const struct text_map *set);
/* Values of set that name a net interface name one of the node; -1 and rc. */
int props_check_interfaces(struct request *q, enum prop_object kind, const struct text_map *set,
                           const struct node *node);
