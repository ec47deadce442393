/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/storage_pool.h"
#include "roles/client/commands.h"
#include "roles/client/lists.h"

#define POOL_ARGUMENTS(place, text)                                                                                    \
    {                                                                                                                  \
        ARGUMENT_NODE, { "pool", .body = "storage_pool_name", .help = "Name of the storage pool." },                   \
            { "--shared-space", "NAME", .body = "free_space_mgr_name",                                                 \
              .help = "Name of the space that this pool shares with pools of other nodes." },                          \
            { "--external-locking", .count = COUNT_FLAG, .body = "external_locking",                                   \
              .help = "Something else keeps the nodes from changing the shared space at the same time." },             \
            { "driver_pool", .body = place, .help = text },                                                            \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

static const struct argument volume_group_arguments[] =
    POOL_ARGUMENTS("props.StorDriver/StorPoolName", "LVM volume group.");
static const struct argument thin_pool_arguments[] =
    POOL_ARGUMENTS("props.StorDriver/StorPoolName", "LVM volume group and thin pool: vg/thin.");
static const struct argument zpool_arguments[] =
    POOL_ARGUMENTS("props.StorDriver/StorPoolName", "ZFS pool or data set.");
static const struct argument directory_arguments[] = POOL_ARGUMENTS("props.StorDriver/StorPoolName", "Directory.");
static const struct argument other_arguments[] =
    POOL_ARGUMENTS("props.StorDriver/StorPoolName", "What holds the volumes there.");
static const struct argument diskless_arguments[] = {
    ARGUMENT_NODE,
    { "pool", .body = "storage_pool_name", .help = "Name of the storage pool." },
    { 0 },
};
static const struct argument ebs_arguments[] = {
    ARGUMENT_NODE,
    { "pool", .body = "storage_pool_name", .help = "Name of the storage pool." },
    { "remote", .body = "props.StorDriver/EBS/Remote", .help = "Name of the EBS remote." },
    { 0 },
};

#define KIND(names, text, table, kind)                                                                                 \
    {                                                                                                                  \
        names, text, .arguments = { table }, .method = "POST", .target = "/v1/nodes/{node}/storage-pools",             \
                     .base = "{\"storage_pool_name\":\"\",\"provider_kind\":\"" kind "\"}",                            \
                     .body = &storage_pool_request_schema                                                              \
    }

static const struct command commands_create[] = {
    KIND("lvm", "A pool of thick volumes in an LVM volume group.", volume_group_arguments, "LVM"),
    KIND("lvmthin", "A pool of thin volumes in an LVM thin pool.", thin_pool_arguments, "LVM_THIN"),
    KIND("zfs", "A pool of thick ZFS volumes.", zpool_arguments, "ZFS"),
    KIND("zfsthin", "A pool of thin ZFS volumes.", zpool_arguments, "ZFS_THIN"),
    KIND("diskless", "A pool for replicas without a disk.", diskless_arguments, "DISKLESS"),
    KIND("file", "A pool of files that are loop devices.", directory_arguments, "FILE"),
    KIND("filethin", "A pool of sparse files that are loop devices.", directory_arguments, "FILE_THIN"),
    KIND("spdk", "A pool of SPDK volumes.", other_arguments, "SPDK"),
    KIND("remotespdk", "A pool of SPDK volumes on a target that is no satellite.", other_arguments, "REMOTE_SPDK"),
    KIND("storagespaces", "A pool of thick volumes in Storage Spaces.", other_arguments, "STORAGE_SPACES"),
    KIND("storagespacesthin", "A pool of thin volumes in Storage Spaces.", other_arguments, "STORAGE_SPACES_THIN"),
    KIND("ebs_initiator ebs_init", "A pool of EBS volumes.", ebs_arguments, "EBS_INIT"),
    { 0 },
};

static const struct argument delete_arguments[] = {
    { "--quiet -q", .count = COUNT_FLAG, .is_hidden = true },
    { "node", .count = COUNT_SOME, .help = "Names of the nodes." },
    ARGUMENT_POOL,
    { 0 },
};
static const struct argument list_arguments[] = {
    ARGUMENT_PASTABLE,
    ARGUMENT_GROUP_BY,
    { "--storage-pools -s", "POOL", COUNT_SOME, .query = "storage_pools",
      .help = "Only storage pools of these names." },
    ARGUMENT_NODES,
    ARGUMENT_PROPS,
    ARGUMENT_SHOW_PROPS("--show-props"),
    ARGUMENT_FROM_FILE,
    { 0 },
};
static const struct argument pool_arguments[] = { ARGUMENT_NODE, ARGUMENT_POOL, { 0 } };

const struct command commands_storage_pool[] = {
    { "create c", "Make storage of a node known.", commands_create },
    { "delete d", "Forget a storage pool; what it was made of stays.", .arguments = { delete_arguments },
      .method = "DELETE", .target = "/v1/nodes/{node}/storage-pools/{pool}" },
    { "list l", "List storage pools.", .arguments = { list_arguments }, .method = "GET",
      .target = "/v1/view/storage-pools", .list = &list_storage_pools },
    { "list-properties lp", "Show the properties of a storage pool.",
      .arguments = { arguments_pastable, pool_arguments }, .method = "GET",
      .target = "/v1/view/storage-pools?nodes={node}&storage_pools={pool}", .properties = "first",
      .run = run_list_properties },
    { "set-property sp", "Set or delete a property of a storage pool.",
      .arguments = { pool_arguments, arguments_property }, .method = "PUT",
      .target = "/v1/nodes/{node}/storage-pools/{pool}", .run = run_set_property },
    { 0 },
};
