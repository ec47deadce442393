/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Options of DRBD as arguments of commands, made of the rules of properties: "DrbdOptions/Net/protocol" is --protocol,
 * and --unset-protocol deletes it. A command takes them when its row says for which objects (drbd_options).
 */
#pragma once

#include "roles/client/client.h"

/*
 * The rows for what can be set on any of these objects (bits of enum prop_object), those that unset behind those that
 * set; ends with a row without names. In the arena.
 */
const struct argument *drbd_option_arguments(uint32_t objects, struct arena *arena);
/* Sends what was given in one request. */
int run_drbd_options(struct call *call);
