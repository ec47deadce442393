/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What follows from objects and would cost a walk over the cluster to find out each time: numbers in use, names that
 * must be unique, sums per storage pool. Called by transactions when an object begins (+1) or ends (-1) to hold in one
 * state, so committing, aborting and undoing keep it right without further care; see struct kind.
 */
#pragma once

struct model;
struct object;

void account_resource_definition(struct model *model, const struct object *object, int sign);
void account_volume_definition(struct model *model, const struct object *object, int sign);
void account_resource(struct model *model, const struct object *object, int sign);
