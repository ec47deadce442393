/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for the kernel and for udev, which tell nobody when they are done. Blocks, so only workers do it. */
#pragma once

#include <stdint.h>

int64_t patience_now_ms(void); /* of a clock that only goes forwards */
void patience_pause(void);     /* for the moment between two looks */
