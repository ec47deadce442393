/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is left of a process that dies of a bug: a backtrace on standard error and in a file. SIGABRT (assert, abort,
 * memory exhausted), SIGSEGV, SIGBUS, SIGFPE and SIGILL are caught, reported, and raised again, so that the exit status
 * and a core dump are as without it. The handler calls only what may be called in a signal handler and needs no heap.
 *
 * The state lies in the module, because a signal has no owner.
 */
#pragma once

#include "base/buf.h"

/*
 * Reports go to directory/name (created when it happens, mode 0640; "ErrorReport-65A1B2C3-00000-000000.log"); about is
 * put in front ("linstor-satellite 1.0.0"). directory NULL: to standard error only. May be called again, to change
 * where. 0, or -ENAMETOOLONG.
 */
int backtrace_install(const char *directory, const char *name, const char *about) MUST_CHECK;

/* The callers of this function, one a line, for a report about something that must not happen but is survived. */
void backtrace_format(struct buf *out);
