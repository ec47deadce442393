/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/autoplace_pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { MAX_LENGTH = 256, MAX_REPEATS = 1000 };

/* The product of all bounds is a limit of what the compiled expression grows to. */
static bool repeats_are_few(const char *text)
{
    long product = 1;

    for (const char *at = strchr(text, '{'); at; at = strchr(at + 1, '{')) {
        long most = strtol(at + 1, NULL, 10);
        const char *comma = at + 1 + strspn(at + 1, "0123456789");
        if (*comma == ',')
            most = comma[1] == '}' ? most + 1 : strtol(comma + 1, NULL, 10);
        if (most > MAX_REPEATS || (most > 1 && (product *= most) > MAX_REPEATS))
            return false;
    }
    return true;
}

static const char *translate(const char *text, struct buf *out)
{
    bool in_brackets = false;

    for (const char *at = text; *at; at++) {
        if (*at == '\\' && at[1] == 'd') {
            buf_add_text(out, in_brackets ? "0-9" : "[0-9]");
            at++;
        } else if (*at == '\\' && at[1] == 'D' && !in_brackets) {
            buf_add_text(out, "[^0-9]");
            at++;
        } else if (*at == '\\' && at[1] >= '1' && at[1] <= '9') {
            return "it refers back to a group";
        } else if (*at == '\\' && at[1]) {
            buf_add(out, at++, 2);
        } else if (!in_brackets && strncmp(at, "(?:", 3) == 0) {
            buf_add_char(out, '(');
            at += 2;
        } else if (!in_brackets && at[0] == '(' && at[1] == '?') {
            return "groups that begin with (? are not supported";
        } else {
            in_brackets = in_brackets ? *at != ']' : *at == '[';
            buf_add_char(out, *at);
        }
    }
    return NULL;
}

int autoplace_pattern_init(struct autoplace_pattern *pattern, const char *text, char *why, size_t why_size)
{
    struct buf translated = { 0 };
    const char *problem = NULL;
    char message[128];

    *pattern = (struct autoplace_pattern){ 0 };
    if (!text || !*text)
        return 0;
    if (strlen(text) > MAX_LENGTH)
        problem = "it is longer than 256 bytes";
    else if (!repeats_are_few(text))
        problem = "it repeats something more than 1000 times";
    else
        problem = translate(text, &translated);
    if (!problem) {
        int result = regcomp(&pattern->regex, buf_text(&translated), REG_EXTENDED | REG_ICASE | REG_NOSUB);
        if (result != 0) {
            regerror(result, &pattern->regex, message, sizeof(message));
            problem = message;
        }
    }
    buf_done(&translated);
    pattern->is_set = !problem;
    if (problem)
        snprintf(why, why_size, "The pattern '%.60s' of resources not to place with cannot be used: %s.", text,
                 problem);
    return problem ? -EINVAL : 0;
}

void autoplace_pattern_done(struct autoplace_pattern *pattern)
{
    if (pattern->is_set)
        regfree(&pattern->regex);
    pattern->is_set = false;
}

bool autoplace_pattern_matches(const struct autoplace_pattern *pattern, const char *name)
{
    return pattern->is_set && regexec(&pattern->regex, name, 0, NULL, 0) == 0;
}
