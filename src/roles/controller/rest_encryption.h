/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "roles/controller/request.h"

/* Whether the job for which the request waits has ended; the answer is added to it then, and its generation. */
bool encryption_settled(struct request *q, int64_t number);
