/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disks of a node, and what storage pools can lie on that is made of them: volume groups, thin pools, zpools. These
 * structs are messages of the link, like those of want.h; nothing of them is stored.
 *
 *   controller -> satellite                              satellite -> controller
 *   disks        struct disks_request                    disks        struct disks
 *   device_pool  struct device_pool_want                 device_pool  struct device_pool_fact
 *
 * A request is answered once, with its token, by the satellite that got it; an answer is lost with the link.
 */
#pragma once

#include "model/want.h"

struct disk {
    char *device;       /* "/dev/sdb" */
    char *asked;        /* the name that it was asked for by; NULL: nobody did */
    int64_t size_bytes; /* LINSTOR: REST shows bytes here */
    bool is_rotational;
    char *model, *serial, *wwn; /* NULL: not known */
    char *signature;            /* "ext4", "LVM2_member", "gpt": what lies on it; NULL: nothing known */
    char *use;                  /* "it is mounted": why nothing can be made on it; NULL: nobody uses it */
    bool is_listed;             /* it is one of those that a storage pool might be made of */
};

struct disks_request {
    int64_t token;
};
struct disks {
    int64_t token;
    LIST_OF(struct disk) disks;
    struct trouble *trouble; /* NULL when they could be listed */
};

struct device_pool_want {
    int64_t token;
    char *provider; /* "LVM", "LVM_THIN", "ZFS", "ZFS_THIN" */
    char *place;    /* what StorDriver/StorPoolName will be: "vg0", "linstor_thin/thin", "tank" */
    struct text_list devices;
    struct text_list pv_arguments, vg_arguments, lv_arguments, zpool_arguments;
    char *authority; /* of a user: which request asked for it */
};
struct device_pool_fact {
    int64_t token;
    bool is_there_already;
    struct trouble *trouble; /* NULL when it was made */
};

extern const struct schema disk_schema, disks_request_schema, disks_schema, device_pool_want_schema,
    device_pool_fact_schema;
