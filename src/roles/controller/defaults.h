/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every cluster begins with: properties of the controller, the default group and the default pools. */
#pragma once

#include "model/model.h"

/* Commits one transaction; for a model without anything in it. */
void defaults_make(struct model *model);
