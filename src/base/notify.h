/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tells the service manager how far a daemon is (the protocol of sd_notify(3), without its library). */
#pragma once

/*
 * "READY=1", "STOPPING=1", ...: one datagram to the socket that NOTIFY_SOCKET names. Does nothing without one: a daemon
 * that was started by hand owes nobody a word.
 */
void notify_manager(const char *state);
