/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/patience.h"

#include <time.h>

int64_t patience_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void patience_pause(void)
{
    static const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };

    nanosleep(&pause, NULL);
}
