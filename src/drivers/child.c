/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A child has up to four libuv handles: the process and three pipes. It has ended when the process is gone and both
 * output pipes are at their end. A daemon that a tool leaves behind may hold the pipes for ever, so they get a short
 * time after the exit, not longer.
 */
#include "drivers/child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/loop_uv.h"
#include "base/secret.h"

enum { PIPE_GRACE_MS = 500 };

struct child {
    struct child *next, *previous;
    struct children *all;
    const struct child_events *events; /* NULL: abandoned */
    void *owner;
    uv_process_t process;
    uv_pipe_t input, output, error;
    uv_timer_t grace;
    int open_handles;
    bool has_exited, is_closing;
    bool output_ended, error_ended;
    int exit_code, signal;
};

struct write {
    uv_write_t request;
    char *bytes;
    size_t length;
};

static void handle_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;

    if (--child->open_handles > 0)
        return;
    free(child);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, handle_closed);
}

static void close_all(struct child *child)
{
    child->is_closing = true;
    if (child->all) {
        if (child->previous)
            child->previous->next = child->next;
        else
            child->all->first = child->next;
        if (child->next)
            child->next->previous = child->previous;
        child->all->count--;
        child->all = NULL;
    }
    close_handle((uv_handle_t *)&child->process);
    close_handle((uv_handle_t *)&child->input);
    close_handle((uv_handle_t *)&child->output);
    close_handle((uv_handle_t *)&child->error);
    close_handle((uv_handle_t *)&child->grace);
}

static void end_if_complete(struct child *child)
{
    if (child->is_closing || !child->has_exited || !child->output_ended || !child->error_ended)
        return;
    close_all(child);
    if (child->events)
        child->events->on_end(child->owner, child->exit_code, child->signal);
}

static void grace_is_over(uv_timer_t *timer)
{
    struct child *child = timer->data;

    child->output_ended = child->error_ended = true;
    end_if_complete(child);
}

static void exited(uv_process_t *process, int64_t exit_code, int signal_number)
{
    struct child *child = process->data;

    child->has_exited = true;
    child->exit_code = (int)exit_code;
    child->signal = signal_number;
    uv_timer_start(&child->grace, grace_is_over, PIPE_GRACE_MS, 0);
    end_if_complete(child);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    (void)handle;
    room->base = malloc(suggested);
    room->len = room->base ? suggested : 0;
}

static void was_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct child *child = stream->data;
    bool is_error = stream == (uv_stream_t *)&child->error;

    if (n > 0 && child->events && !child->is_closing)
        child->events->on_output(child->owner, is_error, bytes->base, (size_t)n);
    free(bytes->base);
    if (n >= 0)
        return;
    uv_read_stop(stream);
    if (is_error)
        child->error_ended = true;
    else
        child->output_ended = true;
    end_if_complete(child);
}

static void init_pipe(struct child *child, uv_pipe_t *pipe)
{
    uv_pipe_init(loop_uv(child->all->loop), pipe, 0);
    pipe->data = child;
    child->open_handles++;
}

static int spawn(struct child *child, const struct child_options *options)
{
    char path[4096];
    char *environment[] = { path, (char[]){ "LC_ALL=C" }, (char[]){ "LANG=C" },
                            (char[]){ "LVM_SUPPRESS_FD_WARNINGS=1" }, NULL };
    uv_stdio_container_t stdio[5] = {
        { .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&child->input },
        { .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->output },
        { .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->error },
        { .flags = options->inherit ? UV_INHERIT_FD : UV_IGNORE, .data.fd = options->inherit },
        { .flags = UV_IGNORE },
    };
    uv_process_options_t spawn_options = {
        .exit_cb = exited,
        .file = options->program ? options->program : options->argv[0],
        .args = options->argv,
        .env = environment,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = options->inherit ? 4 : 3,
        .stdio = stdio,
    };
    const char *own_path = getenv("PATH");
    uv_os_fd_t held;

    snprintf(path, sizeof(path), "PATH=%s", own_path ? own_path : "/usr/sbin:/usr/bin:/sbin:/bin");
    if (options->keep_error)
        stdio[2] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO };
    if (options->holds && uv_fileno((uv_handle_t *)&options->holds->input, &held) == 0) {
        stdio[4] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = held };
        spawn_options.stdio_count = 5;
    }
    return uv_spawn(loop_uv(child->all->loop), &child->process, &spawn_options);
}

struct child *child_new(struct children *children, const struct child_options *options,
                        const struct child_events *events, void *owner, int *error)
{
    struct child *child = memory_alloc(sizeof(*child));

    child->all = children;
    child->events = events;
    child->owner = owner;
    child->process.data = child;
    child->open_handles = 1;
    init_pipe(child, &child->input);
    init_pipe(child, &child->output);
    init_pipe(child, &child->error);
    uv_timer_init(loop_uv(children->loop), &child->grace);
    child->grace.data = child;
    child->open_handles++;
    child->next = children->first;
    if (child->next)
        child->next->previous = child;
    children->first = child;
    children->count++;
    *error = spawn(child, options);
    if (*error) {
        close_all(child);
        return NULL;
    }
    child->error_ended = options->keep_error;
    uv_read_start((uv_stream_t *)&child->output, give_room, was_read);
    if (!options->keep_error)
        uv_read_start((uv_stream_t *)&child->error, give_room, was_read);
    /* A loop that was stopped does not wait for tools. */
    uv_unref((uv_handle_t *)&child->process);
    return child;
}

static void written(uv_write_t *request, int status)
{
    struct write *write = request->data;

    (void)status;                             /* a child that does not read its input tells so by its exit */
    secret_wipe(write->bytes, write->length); /* batches hold keys, inputs of tools passwords */
    free(write->bytes);
    free(write);
}

void child_write(struct child *child, struct buf *take)
{
    struct write *write = memory_alloc(sizeof(*write));
    uv_buf_t bytes = uv_buf_init(take->data, (unsigned)take->length);

    write->request.data = write;
    write->length = take->length;
    write->bytes = buf_take(take);
    if (uv_write(&write->request, (uv_stream_t *)&child->input, &bytes, 1, written) != 0)
        written(&write->request, 0);
}

static void input_shut(uv_shutdown_t *request, int status)
{
    (void)status;
    close_handle((uv_handle_t *)request->handle);
    free(request);
}

void child_close_input(struct child *child)
{
    uv_shutdown_t *request = memory_alloc(sizeof(*request));

    if (uv_is_closing((uv_handle_t *)&child->input) ||
        uv_shutdown(request, (uv_stream_t *)&child->input, input_shut) != 0) {
        close_handle((uv_handle_t *)&child->input);
        free(request);
    }
}

void child_kill(struct child *child)
{
    if (!child->has_exited)
        kill(-child_pid(child), SIGKILL);
}

int child_pid(const struct child *child)
{
    return uv_process_get_pid(&child->process);
}

void child_abandon(struct child *child)
{
    if (!child)
        return;
    child->events = NULL;
    child_close_input(child);
}

void children_done(struct children *children)
{
    while (children->first) {
        children->first->events = NULL;
        close_all(children->first);
    }
}
