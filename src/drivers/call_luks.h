/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps of kind ..._LUKS..., by libcryptsetup, in worker processes. Each returns 0 or -errno and leaves what the
 * library said in outcome->complaint. Keys are those of step->keys; none of them gets into an outcome.
 */
#pragma once

#include "drivers/step.h"

#define CALL_LUKS_PREFIX "Linstor-Crypt-" /* LINSTOR: of all its mappings */

typedef int call_luks(const struct step *step, struct outcome *outcome, struct arena *arena);
call_luks call_luks_ask, call_luks_format, call_luks_open, call_luks_close, call_luks_resize, call_luks_change_key,
    call_luks_erase;
