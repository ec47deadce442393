/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alone, because the satellite's state and the controller's model both have a struct resource. */
#include "boot.h"

#include "roles/satellite/state.h"

const char *boot_of(const struct satellite *satellite)
{
    return satellite->boot;
}
