/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the few files that know libuv: the loop, the sockets, the child processes. */
#pragma once

#include <uv.h>

#include "base/loop.h"

uv_loop_t *loop_uv(struct loop *loop);
