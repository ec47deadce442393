/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/satellite/satellite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"
#include "roles/satellite/state.h"

static void turn(void *owner)
{
    struct satellite *satellite = owner;

    tasks_proceed(satellite);
    reports_send(satellite);
}

/* The cluster that was served last; no other is. */
static void load_cluster(struct satellite *satellite)
{
    CLEANUP(memory_freep) char *path = satellite->data_dir ? memory_printf("%s/cluster", satellite->data_dir) : NULL;
    struct buf text = { 0 };

    if (path && text_read_file(path, 4096, &text) == 0 && text.length > 0) {
        text.data[strcspn(text.data, "\n")] = '\0';
        satellite->cluster = memory_strdup(text.data);
    }
    buf_done(&text);
}

struct satellite *satellite_new(struct loop *loop, struct runner *runner, const struct satellite_options *options)
{
    struct satellite *satellite = memory_alloc(sizeof(*satellite));
    char host[256] = "localhost";

    gethostname(host, sizeof(host) - 1);
    satellite->loop = loop;
    satellite->runner = runner;
    satellite->name = memory_strdup(options->name ? options->name : host);
    satellite->is_name_given = options->name != NULL;
    satellite->data_dir = options->data_dir ? memory_strdup(options->data_dir) : NULL;
    satellite->bind_address = memory_strdup(options->bind_address ? options->bind_address : "::");
    satellite->port = options->port;
    satellite->machine = (struct machine){ .pools = &satellite->pools, .facts = &satellite->facts };
    text_make_uuid(satellite->boot);
    load_cluster(satellite);
    observer_init(satellite);
    loop_on_turn(loop, turn, satellite);
    probe_start(satellite);
    return satellite;
}

static void free_tasks(struct satellite *satellite)
{
    struct map_node *node;

    resources_forget_orphans(satellite, NULL, NULL);
    while ((node = map_first(&satellite->resources)) || (node = map_first(&satellite->orphans))) {
        struct resource *resource = CONTAINER_OF(node, struct resource, node);

        map_remove(resource->want.orphan ? &satellite->orphans : &satellite->resources, node);
        resource->task.kind->free(&resource->task);
    }
    while ((node = map_first(&satellite->pools))) {
        struct pool *pool = CONTAINER_OF(node, struct pool, known.node);

        known_pool_remove(&satellite->pools, &pool->known);
        pool->task.kind->free(&pool->task);
    }
    while (satellite->dropped)
        satellite->dropped->kind->free(satellite->dropped);
    /* What is left waits for its last report. */
    while (satellite->dirty && satellite->dirty != &satellite->observer.task)
        satellite->dirty->kind->free(satellite->dirty);
}

void satellite_free(struct satellite *satellite)
{
    loop_remove_turn(satellite->loop, turn, satellite);
    server_done(satellite);
    runner_set_key(satellite->runner, NULL);
    secret_free(satellite->key);
    free_tasks(satellite);
    observer_done(satellite);
    timer_free(satellite->probe_again);
    jobs_free(satellite);
    plan_done(&satellite->thaw);
    plan_done(&satellite->probe);
    facts_done(&satellite->facts);
    arena_done(&satellite->arena);
    arena_done(&satellite->answered_arena);
    free(satellite->name);
    free(satellite->data_dir);
    free(satellite->bind_address);
    free(satellite->cluster);
    free(satellite->refused_last);
    free(satellite);
}

void satellite_on_listening(struct satellite *satellite, void (*listening)(void *owner, int error), void *owner)
{
    satellite->listening = listening;
    satellite->listening_owner = owner;
}

int satellite_port(const struct satellite *satellite)
{
    return satellite->listener ? listener_port(satellite->listener) : 0;
}
