/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pattern of not_place_with_rsc_regex. Users write it as for Java; it is matched as a POSIX extended expression
 * after the common differences are rewritten, anywhere in a name, in any case. Patterns that could cost much memory or
 * time are refused, because anyone who may place may send one.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"

struct autoplace_pattern {
    regex_t regex;
    bool is_set;
};

/* An empty text sets nothing and matches nothing. 0, or -EINVAL with a reason in why. */
int autoplace_pattern_init(struct autoplace_pattern *pattern, const char *text, char *why, size_t why_size) MUST_CHECK;
void autoplace_pattern_done(struct autoplace_pattern *pattern);
bool autoplace_pattern_matches(const struct autoplace_pattern *pattern, const char *name);
