/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registering a storage pool, for operations that do it by the way. */
#pragma once

#include "roles/controller/request.h"

/* The handler of POST /v1/nodes/{node}/storage-pools: q->body is a struct storage_pool_request. */
int storage_pool_create(struct request *q);
