/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a satellite answered to questions about its devices, until the requests that asked take it. Owns the answers;
 * one of zeroes is empty and valid.
 */
#pragma once

#include "model/disk.h"
#include "net/link.h"

struct made_pool;

struct device_answers {
    struct disks *disks;    /* the last, one block; NULL: none yet */
    struct made_pool *made; /* device pools, newest first */
};

void device_answers_done(struct device_answers *answers);
/* 0, or -1 and *error. */
int device_answers_take_disks(struct device_answers *answers, const struct link_body *body,
                              struct field_error *error) MUST_CHECK;
int device_answers_take_pool(struct device_answers *answers, const struct link_body *body,
                             struct field_error *error) MUST_CHECK;
/* To the question of that token, or a later one; NULL: not yet. */
const struct disks *device_answers_disks(const struct device_answers *answers, int64_t token);
/* The caller's, to be freed; NULL: not yet. */
struct device_pool_fact *device_answers_claim_pool(struct device_answers *answers, int64_t token);
