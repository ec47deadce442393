/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel takes for a sparse file with a loop device on it, and for taking both away, without a satellite.
 * Prints one JSON object: milliseconds per device.
 *
 *     loop DIRECTORY DEVICES
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void die(const char *what)
{
    fprintf(stderr, "loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int attach(int control, const char *path)
{
    struct loop_config config = { 0 };
    char device[64];
    int number, fd, file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (file < 0 || ftruncate(file, 64 << 20) != 0)
        die(path);
    config.fd = (unsigned)file;
    snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%.63s", path);
    for (;;) {
        number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            die("LOOP_CTL_GET_FREE");
        snprintf(device, sizeof(device), "/dev/loop%d", number);
        fd = open(device, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            die(device);
        if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
            break;
        if (errno != EBUSY)
            die("LOOP_CONFIGURE");
        close(fd); /* another process was quicker */
    }
    close(file);
    close(fd);
    return number;
}

int main(int argc, char **argv)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), count = argc == 3 ? atoi(argv[2]) : 0;
    int *numbers = calloc((size_t)count + 1, sizeof(*numbers));
    double began, made, removed;
    char path[4096];

    if (count < 1 || !numbers) {
        fprintf(stderr, "usage: loop DIRECTORY DEVICES\n");
        return 2;
    }
    if (control < 0)
        die("/dev/loop-control");
    began = now_ms();
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/ceiling-%d", argv[1], i);
        numbers[i] = attach(control, path);
    }
    made = now_ms();
    for (int i = 0; i < count; i++) {
        int fd;

        snprintf(path, sizeof(path), "/dev/loop%d", numbers[i]);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0 || ioctl(fd, LOOP_CLR_FD) != 0)
            die(path);
        close(fd);
        snprintf(path, sizeof(path), "%s/ceiling-%d", argv[1], i);
        unlink(path);
    }
    removed = now_ms();
    printf("{\"make_ms\":%.3f,\"remove_ms\":%.3f}\n", (made - began) / count, (removed - made) / count);
    return 0;
}
