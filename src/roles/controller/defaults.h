/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every cluster begins with: properties of the controller, the default group and the default pools. */
#pragma once

#include "model/model.h"

bool defaults_are_made(const struct model *model);
/* Commits one transaction. What is there of it already stays as it is. */
void defaults_make(struct model *model);
