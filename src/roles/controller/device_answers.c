/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/device_answers.h"

#include <stdlib.h>

enum { MADE_LIMIT = 32 }; /* requests that are gone do not take theirs */

struct made_pool {
    struct made_pool *next;
    struct device_pool_fact *fact; /* one block */
};

static void forget_made(struct made_pool **from)
{
    while (*from) {
        struct made_pool *made = *from;

        *from = made->next;
        free(made->fact);
        free(made);
    }
}

void device_answers_done(struct device_answers *answers)
{
    forget_made(&answers->made);
    free(answers->disks);
}

int device_answers_take_disks(struct device_answers *answers, const struct link_body *body, struct field_error *error)
{
    struct arena arena = { 0 };
    struct disks disks = { 0 };
    int result = link_read(body, &disks_schema, &disks, &arena, error);

    if (result == 0 && (!answers->disks || disks.token > answers->disks->token)) {
        free(answers->disks);
        answers->disks = field_duplicate(&disks_schema, &disks);
    }
    arena_done(&arena);
    return result;
}

static void add_made(struct device_answers *answers, const struct device_pool_fact *fact)
{
    struct made_pool *made = memory_alloc(sizeof(*made)), **oldest = &answers->made;

    made->fact = field_duplicate(&device_pool_fact_schema, fact);
    made->next = answers->made;
    answers->made = made;
    for (int i = 0; *oldest && i < MADE_LIMIT; i++)
        oldest = &(*oldest)->next;
    forget_made(oldest);
}

int device_answers_take_pool(struct device_answers *answers, const struct link_body *body, struct field_error *error)
{
    struct device_pool_fact fact = { 0 };
    struct arena arena = { 0 };
    int result = link_read(body, &device_pool_fact_schema, &fact, &arena, error);

    if (result == 0)
        add_made(answers, &fact);
    arena_done(&arena);
    return result;
}

const struct disks *device_answers_disks(const struct device_answers *answers, int64_t token)
{
    return answers->disks && answers->disks->token >= token ? answers->disks : NULL;
}

struct device_pool_fact *device_answers_claim_pool(struct device_answers *answers, int64_t token)
{
    struct made_pool **link = &answers->made, *made;
    struct device_pool_fact *fact;

    while (*link && (*link)->fact->token != token)
        link = &(*link)->next;
    made = *link;
    if (!made)
        return NULL;
    *link = made->next;
    fact = made->fact;
    free(made);
    return fact;
}
