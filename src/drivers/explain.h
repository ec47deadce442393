/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns the outcome of a step that did not succeed into a trouble that a person can act on. */
#pragma once

#include "drivers/step.h"
#include "model/want.h"

/* Fills what is known of *trouble; texts are taken from arena. The outcome is none of DONE and SKIPPED. */
void explain_outcome(const struct step *step, const struct outcome *outcome, struct arena *arena,
                     struct trouble *trouble);
