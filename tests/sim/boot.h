/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which run of the satellite's process it is. */
#pragma once

struct satellite;

const char *boot_of(const struct satellite *satellite);
