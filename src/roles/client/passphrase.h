/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passphrases, given as words or asked for. */
#pragma once

#include "roles/client/client.h"

/* What is typed at the terminal, which does not show it, or without a terminal a line of standard input. In the arena;
 * NULL when there is nothing to read, which was told. */
const char *passphrase_ask(struct call *call, const char *prompt);
/* Likewise, typed twice; standard input may have it once. NULL, and the reason was told. */
const char *passphrase_ask_twice(struct call *call, const char *prompt, const char *again);
/* Of commands about a volume: "passphrase" into the body, asked for twice when it has no value. */
int passphrase_for_volume(struct call *call);
