/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/want.h"

static const struct field pool_want_fields[] = {
    FIELD(pool_want, pool, FIELD_REQUIRED),
    FIELD(pool_want, uuid, 0),
    FIELD(pool_want, generation, 0),
    FIELD(pool_want, digest, 0),
    FIELD(pool_want, provider, 0),
    FIELD(pool_want, remove, 0),
    FIELD(pool_want, props, 0),
};
SCHEMA(pool_want)

static const struct field side_want_fields[] = {
    FIELD(side_want, suffix, FIELD_REQUIRED),
    FIELD(side_want, pool, FIELD_REQUIRED),
};
SCHEMA(side_want)

static const struct field origin_want_fields[] = {
    FIELD(origin_want, resource, FIELD_REQUIRED),
    FIELD(origin_want, snapshot, FIELD_REQUIRED),
};
SCHEMA(origin_want)

static const struct field volume_want_fields[] = {
    FIELD(volume_want, number, FIELD_REQUIRED),
    FIELD(volume_want, pool, 0),
    FIELD(volume_want, size_kib, 0),
    FIELD(volume_want, remove, 0),
    FIELD(volume_want, must_exist, 0),
    FIELD(volume_want, must_be_new, 0),
    FIELD(volume_want, props, 0),
    FIELD(volume_want, keys, 0),
    LIST(volume_want, sides, side_want, 0),
    OBJECT(volume_want, origin, origin_want, 0),
};
SCHEMA(volume_want)

static const struct field snapshot_volume_want_fields[] = {
    FIELD(snapshot_volume_want, number, FIELD_REQUIRED),
    FIELD(snapshot_volume_want, pool, 0),
};
SCHEMA(snapshot_volume_want)

static const struct field snapshot_want_fields[] = {
    FIELD(snapshot_want, snapshot, FIELD_REQUIRED),
    FIELD(snapshot_want, uuid, 0),
    FIELD(snapshot_want, remove, 0),
    FIELD(snapshot_want, must_exist, 0),
    FIELD(snapshot_want, authority, 0),
    LIST(snapshot_want, volumes, snapshot_volume_want, 0),
};
SCHEMA(snapshot_want)

static const struct field nvme_want_fields[] = {
    FIELD(nvme_want, is_initiator, 0),
    FIELD(nvme_want, transport, FIELD_REQUIRED),
    FIELD(nvme_want, address, FIELD_REQUIRED),
    FIELD(nvme_want, port, FIELD_REQUIRED),
    FIELD(nvme_want, hosts, 0),
};
SCHEMA(nvme_want)

static const struct field resource_want_fields[] = {
    FIELD(resource_want, resource, FIELD_REQUIRED),
    FIELD(resource_want, uuid, 0),
    FIELD(resource_want, generation, 0),
    FIELD(resource_want, digest, 0),
    FIELD(resource_want, layers, 0),
    FIELD(resource_want, remove, 0),
    FIELD(resource_want, orphan, 0),
    FIELD(resource_want, authority, 0),
    FIELD(resource_want, props, 0),
    LIST(resource_want, volumes, volume_want, 0),
    LIST(resource_want, snapshots, snapshot_want, 0),
    OBJECT(resource_want, nvme, nvme_want, 0),
};
SCHEMA(resource_want)

static const struct field wants_fields[] = {
    LIST(wants, pools, pool_want, 0),
    LIST(wants, resources, resource_want, 0),
    FIELD(wants, forget, 0),
    FIELD(wants, complete, 0),
};
SCHEMA(wants)

static const struct field held_item_fields[] = {
    FIELD(held_item, name, FIELD_REQUIRED),
    FIELD(held_item, uuid, 0),
    FIELD(held_item, generation, 0),
    FIELD(held_item, digest, 0),
};
SCHEMA(held_item)

static const struct field held_fields[] = {
    LIST(held, pools, held_item, 0),
    LIST(held, resources, held_item, 0),
    FIELD(held, complete, 0),
};
SCHEMA(held)

static const struct field unlock_fields[] = {
    FIELD(unlock, key, FIELD_LINK | FIELD_SECRET | FIELD_REQUIRED),
};
SCHEMA(unlock)

static const struct field refresh_fields[] = {
    FIELD(refresh, token, 0),
};
SCHEMA(refresh)

static const struct field crash_fields[] = {
    FIELD(crash, name, FIELD_REQUIRED),
    FIELD(crash, text, 0),
};
SCHEMA(crash)

static const struct field trouble_fields[] = {
    FIELD(trouble, message, FIELD_REQUIRED),
    FIELD(trouble, cause, 0),
    FIELD(trouble, correction, 0),
    FIELD(trouble, details, 0),
    FIELD(trouble, attempts, 0),
    FIELD(trouble, retry_in_ms, 0),
};
SCHEMA(trouble)

static const struct field level_fact_fields[] = {
    FIELD(level_fact, layer, FIELD_REQUIRED), FIELD(level_fact, suffix, 0),
    FIELD(level_fact, device_path, 0),        FIELD(level_fact, backing, 0),
    FIELD(level_fact, usable_kib, 0),         FIELD(level_fact, allocated_kib, 0),
};
SCHEMA(level_fact)

static const struct field volume_fact_fields[] = {
    FIELD(volume_fact, number, 0),     FIELD(volume_fact, device_path, 0),   FIELD(volume_fact, backing, 0),
    FIELD(volume_fact, usable_kib, 0), FIELD(volume_fact, allocated_kib, 0), FIELD(volume_fact, foreign_kib, 0),
    FIELD(volume_fact, needed_kib, 0), FIELD(volume_fact, state, 0),         LIST(volume_fact, levels, level_fact, 0),
};
SCHEMA(volume_fact)

static const struct field snapshot_fact_fields[] = {
    FIELD(snapshot_fact, snapshot, FIELD_REQUIRED),
    FIELD(snapshot_fact, exists, 0),
    FIELD(snapshot_fact, gone, 0),
    FIELD(snapshot_fact, allocated_kib, 0),
};
SCHEMA(snapshot_fact)

static const struct field resource_fact_fields[] = {
    FIELD(resource_fact, resource, FIELD_REQUIRED),
    FIELD(resource_fact, uuid, 0),
    FIELD(resource_fact, generation, 0),
    FIELD(resource_fact, applied, 0),
    FIELD(resource_fact, gone, 0),
    OBJECT(resource_fact, trouble, trouble, 0),
    LIST(resource_fact, volumes, volume_fact, 0),
    LIST(resource_fact, snapshots, snapshot_fact, 0),
};
SCHEMA(resource_fact)

static const struct field pool_fact_fields[] = {
    FIELD(pool_fact, pool, FIELD_REQUIRED), FIELD(pool_fact, uuid, 0),
    FIELD(pool_fact, generation, 0),        FIELD(pool_fact, applied, 0),
    OBJECT(pool_fact, trouble, trouble, 0), FIELD(pool_fact, free_kib, 0),
    FIELD(pool_fact, total_kib, 0),         FIELD(pool_fact, supports_snapshots, 0),
    FIELD(pool_fact, granularity_kib, 0),   FIELD(pool_fact, props, 0),
};
SCHEMA(pool_fact)

static const struct field orphan_fact_fields[] = {
    FIELD(orphan_fact, pool, FIELD_REQUIRED), FIELD(orphan_fact, identifier, FIELD_REQUIRED),
    FIELD(orphan_fact, device_path, 0),       FIELD(orphan_fact, size_kib, 0),
    OBJECT(orphan_fact, trouble, trouble, 0),
};
SCHEMA(orphan_fact)

static const struct field report_fields[] = {
    FIELD(report, token, 0),
    LIST(report, pools, pool_fact, 0),
    LIST(report, resources, resource_fact, 0),
    LIST(report, orphans, orphan_fact, 0),
    FIELD(report, orphans_complete, 0),
};
SCHEMA(report)
