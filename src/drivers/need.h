/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What providers and layers need of a machine: tools, kernel modules, libraries. One table, looked through by a worker,
 * so that a pool or resource is refused with the name of the package that is missing and not by a failing command.
 * Nothing is loaded or run by that.
 */
#pragma once

#include "base/field.h"

/* Sets key -> why in missing for each need that this machine cannot fulfil. May block; for workers. */
void need_find_missing(struct text_map *missing, struct arena *arena);
