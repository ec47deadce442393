/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The user who reads why a resource cannot be made and does what the message advises: what has the name of a new volume
 * and was not made for it is adopted. Nothing else needs one.
 */
#pragma once

/* Sends a request when there is something to do, and none is under way. */
void user_act(void);
void user_done(void);
