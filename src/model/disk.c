/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/disk.h"

static const struct field disk_fields[] = {
    FIELD(disk, device, FIELD_REQUIRED),
    FIELD(disk, asked, 0),
    FIELD(disk, size_bytes, 0),
    FIELD(disk, is_rotational, 0),
    FIELD(disk, model, 0),
    FIELD(disk, serial, 0),
    FIELD(disk, wwn, 0),
    FIELD(disk, signature, 0),
    FIELD(disk, use, 0),
    FIELD(disk, is_listed, 0),
};
SCHEMA(disk)

static const struct field disks_request_fields[] = {
    FIELD(disks_request, token, FIELD_REQUIRED),
};
SCHEMA(disks_request)

static const struct field disks_fields[] = {
    FIELD(disks, token, FIELD_REQUIRED),
    LIST(disks, disks, disk, 0),
    OBJECT(disks, trouble, trouble, 0),
};
SCHEMA(disks)

static const struct field device_pool_want_fields[] = {
    FIELD(device_pool_want, token, FIELD_REQUIRED), FIELD(device_pool_want, provider, FIELD_REQUIRED),
    FIELD(device_pool_want, place, FIELD_REQUIRED), FIELD(device_pool_want, devices, 0),
    FIELD(device_pool_want, pv_arguments, 0),       FIELD(device_pool_want, vg_arguments, 0),
    FIELD(device_pool_want, lv_arguments, 0),       FIELD(device_pool_want, zpool_arguments, 0),
    FIELD(device_pool_want, authority, 0),
};
SCHEMA(device_pool_want)

static const struct field device_pool_fact_fields[] = {
    FIELD(device_pool_fact, token, FIELD_REQUIRED),
    FIELD(device_pool_fact, is_there_already, 0),
    OBJECT(device_pool_fact, trouble, trouble, 0),
};
SCHEMA(device_pool_fact)
