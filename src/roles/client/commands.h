/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of commands, a file for each kind of object, and rows that several of them share. */
#pragma once

#include "roles/client/client.h"
#include "roles/client/command.h"

extern const struct command commands_advise[]; /* advise.c */
extern const struct command commands_controller[], commands_error_reports[],
    commands_space_reporting[];                                                           /* commands_controller.c */
extern const struct command commands_encryption[];                                        /* passphrase.c */
extern const struct command commands_node[];                                              /* commands_node.c */
extern const struct command commands_physical_storage[];                                  /* commands_physical.c */
extern const struct command commands_storage_pool[];                                      /* commands_storage_pool.c */
extern const struct command commands_resource_group[], commands_volume_group[];           /* commands_group.c */
extern const struct command commands_resource_definition[], commands_volume_definition[]; /* commands_definition.c */
extern const struct command commands_resource[], commands_volume[];                       /* commands_resource.c */

/* Rows and groups of rows for struct argument tables. */
#define ARGUMENT_PASTABLE                                                                                              \
    {                                                                                                                  \
        "--pastable -p", .count = COUNT_FLAG,                                                                          \
                         .help = "Plain frames and no colours, for pasting into mails and tickets."                    \
    }
#define ARGUMENT_ASYNC                                                                                                 \
    {                                                                                                                  \
        "--async", .count = COUNT_FLAG, .is_hidden = true                                                              \
    }
#define ARGUMENT_GROUP_BY                                                                                              \
    {                                                                                                                  \
        "--groupby -g", "COLUMN", COUNT_SOME, TYPE_COLUMNS, .help = "Sort by these columns."                           \
    }
#define ARGUMENT_PROPS                                                                                                 \
    {                                                                                                                  \
        "--props", "KEY[=VALUE]", COUNT_SOME, .query = "props", .help = "Only objects that have these properties."     \
    }
#define ARGUMENT_SHOW_PROPS(names)                                                                                     \
    {                                                                                                                  \
        names, "KEY[=TITLE]", COUNT_SOME, TYPE_SHOW_PROPS, .help = "A column for each of these properties."            \
    }
#define ARGUMENT_FROM_FILE                                                                                             \
    {                                                                                                                  \
        "--from-file", "FILE", .help = "Show a saved answer of the controller; - reads standard input."                \
    }
#define ARGUMENT_NODES                                                                                                 \
    {                                                                                                                  \
        "--nodes -n", "NODE", COUNT_SOME, .query = "nodes", .help = "Only of these nodes."                             \
    }
#define ARGUMENT_LAYERS(place)                                                                                         \
    {                                                                                                                  \
        "--layer-list -l", "LAYER,LAYER", .type = TYPE_LAYERS, .body = place,                                          \
                                          .help = "Layers of the stack, top first."                                    \
    }
#define ARGUMENT_NODE                                                                                                  \
    {                                                                                                                  \
        "node", .help = "Name of the node."                                                                            \
    }
#define ARGUMENT_POOL                                                                                                  \
    {                                                                                                                  \
        "pool", .help = "Name of the storage pool."                                                                    \
    }
#define ARGUMENT_GROUP                                                                                                 \
    {                                                                                                                  \
        "group", .help = "Name of the resource group."                                                                 \
    }
#define ARGUMENT_DEFINITION                                                                                            \
    {                                                                                                                  \
        "resource", .help = "Name of the resource definition."                                                         \
    }
#define ARGUMENT_NUMBER                                                                                                \
    {                                                                                                                  \
        "number", .type = TYPE_INTEGER, .help = "Number of the volume."                                                \
    }

/* Where replicas may go; for a select filter. */
#define ARGUMENTS_PLACEMENT(count_names, provider_names)                                                               \
    { count_names, "COUNT", .type = TYPE_PLACE_COUNT, .body = "select_filter",                                         \
      .help = "Number of replicas; +N so many more than there are; max one on every node." },                          \
        { "--storage-pool -s", "POOL", COUNT_ANY, .body = "select_filter.storage_pool_list[]",                         \
          .help = "Only in storage pools of these names; none clears." },                                              \
        { "--diskless-storage-pool", "POOL", COUNT_ANY, .body = "select_filter.storage_pool_diskless_list[]",          \
          .help = "Storage pools for replicas without a disk." },                                                      \
        { "--do-not-place-with", "RESOURCE", COUNT_ANY, .body = "select_filter.not_place_with_rsc[]",                  \
          .help = "Not on nodes that have one of these resources." },                                                  \
        { "--do-not-place-with-regex", "REGEX", COUNT_OPTIONAL, .body = "select_filter.not_place_with_rsc_regex",      \
          .help = "Not on nodes that have a resource whose name matches." },                                           \
        { "--replicas-on-same",                                                                                        \
          "KEY[=VALUE]",                                                                                               \
          COUNT_ANY,                                                                                                   \
          TYPE_AUX,                                                                                                    \
          .body = "select_filter.replicas_on_same[]",                                                                  \
          .help = "Only on nodes that agree in these auxiliary properties." },                                         \
        { "--replicas-on-different",                                                                                   \
          "KEY[=VALUE]",                                                                                               \
          COUNT_ANY,                                                                                                   \
          TYPE_AUX,                                                                                                    \
          .body = "select_filter.replicas_on_different[]",                                                             \
          .help = "Only on nodes that differ in these auxiliary properties." },                                        \
        { "--x-replicas-on-different",                                                                                 \
          "KEY N",                                                                                                     \
          COUNT_ANY,                                                                                                   \
          TYPE_AUX_COUNTS,                                                                                             \
          .body = "select_filter.x_replicas_on_different_map",                                                         \
          .help = "At most N replicas on nodes with the same value of the auxiliary property." },                      \
        { "--diskless-on-remaining",                                                                                   \
          "true|false",                                                                                                \
          COUNT_OPTIONAL,                                                                                              \
          TYPE_SWITCH,                                                                                                 \
          .body = "select_filter.diskless_on_remaining",                                                               \
          .help = "A replica without a disk on every other node." },                                                   \
        ARGUMENT_LAYERS("select_filter.layer_stack[]"),                                                                \
    {                                                                                                                  \
        provider_names, "KIND,KIND", .type = TYPE_PROVIDERS, .body = "select_filter.provider_list[]",                  \
                                     .help = "Only in storage pools of these kinds, e.g. LVM_THIN,ZFS."                \
    }

/* KEY and VALUE of set-property. */
extern const struct argument arguments_property[];
extern const struct argument arguments_pastable[];

/* LEVEL of set-log-level. */
extern const struct argument arguments_log_level[];

int run_describe(struct call *call);      /* describe.c */
int run_set_log_level(struct call *call); /* log_level.c */
int run_set_property(struct call *call);
int run_list_properties(struct call *call); /* properties.c */
int run_involved(struct call *call);        /* involved.c */
