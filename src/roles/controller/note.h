/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is so on a node, as its satellite reports it, or as the controller knows itself: kept beside the objects, told
 * to whoever waits, and written into the error reports when it is a trouble that was not there before. Facts about
 * objects that are not there, or are others of the same name, are passed over. What is told is copied.
 */
#pragma once

#include "model/want.h"
#include "roles/controller/service.h"

void note_pool_fact(struct service *service, const struct node *node, const struct pool_fact *told);
void note_resource_fact(struct service *service, const struct node *node, const struct resource_fact *told);
