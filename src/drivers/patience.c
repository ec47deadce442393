/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/patience.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

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

static int left_ms(int64_t end_ms)
{
    int64_t left = end_ms - patience_now_ms();

    if (end_ms == PATIENCE_FOREVER)
        return -1;
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

bool patience_read_end(int descriptor, int64_t end_ms, struct buf *said, size_t limit)
{
    struct pollfd other = { .fd = descriptor, .events = POLLIN };
    char bytes[4096];

    for (;;) {
        int ready = poll(&other, 1, left_ms(end_ms));
        ssize_t length;

        if (ready == 0)
            return false;
        length = ready > 0 ? read(descriptor, bytes, sizeof(bytes)) : -1;
        if (length == 0 || (length < 0 && errno != EINTR))
            return true;
        if (length > 0 && said && said->length < limit)
            buf_add(said, bytes, (size_t)length);
    }
}
