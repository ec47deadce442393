/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything that the handler needs is made ready before: the path, the text, a stack of its own (the usual one may be
 * what overflowed), and what the unwinder sets up when it is first called. The unwinder is linked: the C library's
 * backtrace() would load a library of 130 KiB for it.
 *
 * The first fault counts. A fault inside of the handler, or of another thread meanwhile, goes to the default action,
 * since the handlers reset themselves.
 */
#include "base/backtrace.h"

#include <assert.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

enum { FRAMES = 64, STACK_SIZE = 64 * 1024, ABOUT_SIZE = 128 };

static const struct {
    int number;
    const char *name;
} signals[] = {
    { SIGABRT, "SIGABRT (assertion or abort)" }, { SIGSEGV, "SIGSEGV (bad address)" },
    { SIGBUS, "SIGBUS (bad address)" },          { SIGFPE, "SIGFPE (arithmetic)" },
    { SIGILL, "SIGILL (bad instruction)" },
};

static struct {
    char path[PATH_MAX];
    char about[ABOUT_SIZE];
    char stack[STACK_SIZE];
    struct {
        const char *expression, *file, *function;
        unsigned line;
    } assertion; /* that failed */
    atomic_flag is_reporting;
} state = { .is_reporting = ATOMIC_FLAG_INIT };

struct walk {
    void **frames;
    int count, size;
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *owner)
{
    struct walk *walk = owner;
    uintptr_t address = _Unwind_GetIP(context);

    if (!address || walk->count == walk->size)
        return _URC_END_OF_STACK;
    walk->frames[walk->count++] = (void *)address;
    return _URC_NO_REASON;
}

/* The callers, the nearest first. */
static int collect(void **frames, int size)
{
    struct walk walk = { .frames = frames, .size = size };

    _Unwind_Backtrace(add_frame, &walk);
    return walk.count;
}

static void put(int fd, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t written = write(fd, text, length);

        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

static void put_number(int fd, uint64_t number, unsigned base)
{
    char digits[32], *at = digits + sizeof(digits);

    *--at = '\0';
    do
        *--at = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    put(fd, at);
}

static void put_assertion(int fd)
{
    put(fd, "\nAssertion:  ");
    put(fd, state.assertion.expression);
    put(fd, "\nIn:         ");
    put(fd, state.assertion.function);
    put(fd, ", ");
    put(fd, state.assertion.file);
    put(fd, ":");
    put_number(fd, state.assertion.line, 10);
}

static void put_report(int fd, int number, const siginfo_t *about, void *const *frames, int count)
{
    const char *name = "an unknown signal";
    struct timespec now = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (signals[i].number == number)
            name = signals[i].name;
    clock_gettime(CLOCK_REALTIME, &now);
    put(fd, state.about);
    put(fd, ": crashed\n\nReason:     ");
    put(fd, name);
    if (about->si_code > 0) {
        put(fd, " at 0x");
        put_number(fd, (uintptr_t)about->si_addr, 16);
    } else if (about->si_pid != getpid()) {
        put(fd, ", sent by process ");
        put_number(fd, (uint64_t)about->si_pid, 10);
    }
    if (state.assertion.expression)
        put_assertion(fd);
    put(fd, "\nProcess:    ");
    put_number(fd, (uint64_t)getpid(), 10);
    put(fd, "\nTime:       "); /* in seconds since the epoch: a calendar needs functions that are not allowed here */
    put_number(fd, (uint64_t)now.tv_sec, 10);
    put(fd, "\n\nBacktrace:\n");
    backtrace_symbols_fd(frames, count, fd);
}

static void handle(int number, siginfo_t *about, void *context)
{
    void *frames[FRAMES];
    int count, fd;

    (void)context;
    if (!atomic_flag_test_and_set(&state.is_reporting)) {
        count = collect(frames, FRAMES);
        put_report(STDERR_FILENO, number, about, frames, count);
        fd = state.path[0] ? open(state.path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640) : -1;
        if (fd >= 0) {
            put_report(fd, number, about, frames, count);
            fsync(fd);
            close(fd);
        }
    }
    /* The handler was reset when it was entered. A fault comes again by itself; what was sent must be sent again. */
    raise(number);
}

/* In the place of the C library's, which prints the same but keeps it to itself: the report would not tell what failed.
 */
void __assert_fail(const char *expression, const char *file, unsigned line, const char *function)
{
    state.assertion.expression = expression;
    state.assertion.file = file;
    state.assertion.line = line;
    state.assertion.function = function ? function : "?";
    put(STDERR_FILENO, "Assertion failed");
    put_assertion(STDERR_FILENO);
    put(STDERR_FILENO, "\n");
    abort();
}

int backtrace_install(const char *directory, const char *name, const char *about)
{
    const stack_t stack = { .ss_sp = state.stack, .ss_size = sizeof(state.stack) };
    struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND };
    sigset_t blocked, before;
    void *frames[1];

    if (directory && strlen(directory) + 1 + strlen(name) >= sizeof(state.path))
        return -ENAMETOOLONG;
    collect(frames, 1);
    sigemptyset(&blocked);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaddset(&blocked, signals[i].number);
    sigprocmask(SIG_BLOCK, &blocked, &before); /* no report with half of a path */
    state.path[0] = '\0';
    if (directory) {
        strcpy(state.path, directory);
        strcat(strcat(state.path, "/"), name);
    }
    snprintf(state.about, sizeof(state.about), "%s", about);
    sigaltstack(&stack, NULL);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaction(signals[i].number, &action, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return 0;
}

void backtrace_format(struct buf *out)
{
    void *frames[FRAMES];
    int count = collect(frames, FRAMES);
    char **names = backtrace_symbols(frames, count);

    for (int i = 1; names && i < count; i++)
        buf_printf(out, "%s\n", names[i]);
    free(names);
}
