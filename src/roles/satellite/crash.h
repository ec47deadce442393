/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What earlier runs left behind when they died of a bug: files in DATA_DIR/reports, which wait there until a controller
 * has taken them over into its error reports. A data_dir of NULL has none.
 */
#pragma once

#include "net/link.h"

/* For this process, from now on. Drops the oldest files when there are many. What does not work is logged. */
void crashes_install(const char *data_dir);
void crashes_send(const char *data_dir, struct link *link);
/* Only names that crashes_send may have sent. */
void crash_remove(const char *data_dir, const char *name);
