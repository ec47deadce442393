/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resources with the layer NVME: one node exports the volumes, another one uses them. What each must be told of the
 * other, and in which order what concerns both is done: the node that uses them comes last and goes first.
 */
#pragma once

#include "model/want.h"
#include "roles/controller/request.h"

/* The resource that exports the volumes; NULL: there is none (any more). */
const struct resource *nvme_find_target(const struct resource_definition *definition);
bool nvme_is_initiator(const struct resource *resource);
/* Whether the want of one depends on the other: resources of the same definition, both with the layer. */
bool nvme_concerns(const struct resource *resource);
/* Fills want->nvme, and takes back what must not be removed yet. */
void nvme_build(const struct service *service, const struct resource *resource, struct resource_want *want,
                struct arena *arena);
/* The newest generation of all that the want depends on. */
uint64_t nvme_generation(const struct resource *resource);
/* Whether the target does not yet let this new initiator in. */
bool nvme_must_wait(const struct resource *resource);

/* Whether a volume, of an initiator, has less than it shall have. */
bool nvme_has_less(const struct resource *resource);
/* Whether the target has not yet grown to what is wanted, or nobody knows. */
bool nvme_is_behind(const struct resource *initiator);
/* Whether, besides, it is not known what the initiator has: its satellite will tell, if it holds the resource. */
bool nvme_is_unknown(const struct resource *resource);
/* Takes back what an initiator shall have more than it has where the target has not got it yet. */
void nvme_hold_back(const struct resource *initiator, struct resource_want *want);

/* Whether it exports volumes that another resource is there to use; it is not removed before that one. */
bool nvme_is_used(const struct resource *resource);
/* Whether it is to go and waits for an initiator that cannot. */
bool nvme_is_stuck(const struct resource *resource);

/* Whether a new resource with these layers and flags may join the definition. 0, or -1 and rc says why not. */
int nvme_check_new(struct request *q, const struct resource_definition *definition, const struct text_list *layers,
                   uint64_t flags);
/* The layers that the node itself makes: all of them but for NVME. */
struct text_list nvme_own_layers(const struct text_list *layers, uint64_t flags);
