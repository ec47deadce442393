/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/physical_storage.h"
#include "roles/client/commands.h"
#include "roles/client/lists.h"

static const struct argument create_arguments[] = {
    { "kind", .type = TYPE_LOWER, .choices = "lvm lvmthin zfs zfsthin", .body = "provider_kind",
      .help = "What is made: a volume group, one with a thin pool, or a zpool." },
    ARGUMENT_NODE,
    { "device", .count = COUNT_SOME, .body = "device_paths[]",
      .help = "Paths of devices of the node, none of which is in use." },
    { "--pool-name", "NAME", .is_required = true, .body = "pool_name",
      .help = "Name of the volume group or zpool; a thin pool NAME lies in a volume group linstor_NAME." },
    { "--storage-pool", "POOL", .body = "with_storage_pool.name",
      .help = "Register it as a storage pool of this name." },
    { 0 },
};
static const struct argument tool_arguments[] = {
    { "--pv-create-arguments", "WORD", COUNT_ANY, .body = "pv_create_arguments[]",
      .help = "More words for pvcreate; -ff wipes what lies on the devices." },
    { "--vg-create-arguments", "WORD", COUNT_ANY, .body = "vg_create_arguments[]", .help = "More words for vgcreate." },
    { "--lv-create-arguments", "WORD", COUNT_ANY, .body = "lv_create_arguments[]",
      .help = "More words for the lvcreate of the thin pool." },
    { "--zpool-create-arguments", "WORD", COUNT_ANY, .body = "zpool_create_arguments[]",
      .help = "More words for zpool create; -f wipes what lies on the devices." },
    { 0 },
};
/* What the original offers, and controllers of today refuse. */
static const struct argument old_arguments[] = {
    { "--vdo-enable", .count = COUNT_FLAG, .body = "vdo_enable", .is_hidden = true },
    { "--vdo-logical-size", "SIZE", .type = TYPE_SIZE, .body = "vdo_logical_size_kib", .is_hidden = true },
    { "--vdo-slab-size", "SIZE", .type = TYPE_SIZE, .body = "vdo_slab_size_kib", .is_hidden = true },
    { "--sed", .count = COUNT_FLAG, .body = "sed", .is_hidden = true },
    { 0 },
};

const struct command commands_physical_storage[] = {
    { "list l", "List disks of which storage pools can be made.", .arguments = { arguments_pastable }, .method = "GET",
      .target = "/v1/physical-storage", .list = &list_physical_storage },
    { "create-device-pool cdp", "Make a volume group, thin pool or zpool out of disks.",
      .arguments = { create_arguments, tool_arguments, old_arguments }, .method = "POST",
      .target = "/v1/physical-storage/{node}", .base = "{}", .body = &device_pool_request_schema },
    { 0 },
};
