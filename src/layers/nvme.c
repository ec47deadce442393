/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NVME: the volumes of a resource are the namespaces of a subsystem of the kernel's target, and other nodes connect to
 * it over the network. LINSTOR: names of subsystems and hosts, and numbers of namespaces, are the reference's.
 *
 * An initiator must find its device again when the target's machine comes back: namespaces get identities that follow
 * from the resource, and it goes on connecting until it is told to end, instead of giving up after ten minutes. What
 * the kernel does by itself is left to it: a controller that is there is never taken away because it does not answer.
 *
 * Ports are shared: by other resources, and by exports that are not ours. One with the address is taken whoever made
 * it; only one that bears the number that we would give it is removed with its last subsystem.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "layers/nvme_facts.h"

enum { PORT_NUMBERS = 60000, APPEAR_MS = 10000, PORT_TRIES = 16 };

static char *subsystem_of(const struct level *level, struct arena *arena)
{
    return arena_printf(arena, NVME_PREFIX "%s%s", level->resource->resource, level->suffix);
}

static int32_t number_of(const struct level_volume *volume)
{
    return volume->want->number + 1;
}

static const struct nvme_want *nvme_of(const struct level *level)
{
    return level->resource->nvme;
}

static int64_t gross_kib(const struct level *level, const struct volume_want *volume, int64_t net_kib)
{
    (void)level;
    (void)volume;
    return net_kib;
}

static const char *state_of(const struct layer_fact *fact, const char *word)
{
    return fact ? fact_state_find(&fact->state, word) : NULL;
}

static bool state_is(const struct layer_fact *fact, const char *word, const char *value)
{
    const char *found = state_of(fact, word);

    return found && strcmp(found, value) == 0;
}

static bool has_address(const struct layer_fact *fact, const struct nvme_want *nvme, struct arena *arena)
{
    return state_is(fact, NVME_ADDRESS, nvme->address) && state_is(fact, NVME_TRANSPORT, nvme->transport) &&
           state_is(fact, NVME_SERVICE, arena_printf(arena, "%" PRId32, nvme->port));
}

static struct step *change(const char *subsystem, enum step_kind kind, struct plan *plan, char *what)
{
    struct step *step = look_step(NVME_LAYER, subsystem, kind, plan, "%s", what);

    step->text = arena_strdup(&plan->arena, subsystem);
    return step;
}

/* The number that we give to a port: always the same for the same address, and mostly free. */
static int32_t own_number(const struct layer_fact *port, const struct nvme_want *nvme, struct arena *arena)
{
    const char *text =
        nvme ? arena_printf(arena, "%s %s %" PRId32, nvme->transport, nvme->address, nvme->port)
             : arena_printf(arena, "%s %s %s", state_of(port, NVME_TRANSPORT) ? state_of(port, NVME_TRANSPORT) : "",
                            state_of(port, NVME_ADDRESS) ? state_of(port, NVME_ADDRESS) : "",
                            state_of(port, NVME_SERVICE) ? state_of(port, NVME_SERVICE) : "");

    return (int32_t)(text_hash(TEXT_HASH_START, text, strlen(text)) % PORT_NUMBERS) + 1;
}

/* The port with the address; else a number that is free. */
static char *choose_port(const struct facts *facts, const struct nvme_want *nvme, struct arena *arena)
{
    int32_t number = own_number(NULL, nvme, arena);

    for (const struct layer_fact *port = nvme_facts_first(facts, "port/"); port; port = nvme_facts_next(port, "port/"))
        if (has_address(port, nvme, arena))
            return arena_strdup(arena, strchr(port->name, '/') + 1);
    for (int i = 0; i < PORT_TRIES && state_of(nvme_facts_find(facts, arena, "port/%" PRId32, number), NVME_ADDRESS);
         i++)
        number = number % PORT_NUMBERS + 1;
    return arena_printf(arena, "%" PRId32, number);
}

static void add_host(struct step *step, const char *subsystem, const char *host, struct plan *plan)
{
    look_add(step, TREE_DIRECTORY, NULL, plan, NVME_CONFIG "/hosts/%s", host);
    look_add(step, TREE_LINK, arena_printf(&plan->arena, NVME_CONFIG "/hosts/%s", host), plan,
             NVME_CONFIG "/subsystems/%s/allowed_hosts/%s", subsystem, host);
}

static bool has_hosts(const struct layer_fact *target, const struct text_list *hosts, struct arena *arena)
{
    for (uint32_t i = 0; i < hosts->count; i++)
        if (!state_of(target, arena_printf(arena, "host %s", hosts->at[i])))
            return false;
    return true;
}

/* The name of a word like "host n1" in the state of a target; NULL when it is another word. */
static const char *name_in(const struct text_pair *word, const char *kind)
{
    size_t length = strlen(kind);

    return strncmp(word->key, kind, length) == 0 && word->key[length] == ' ' ? word->key + length + 1 : NULL;
}

static bool is_wanted_host(const struct nvme_want *nvme, const char *host)
{
    for (uint32_t i = 0; nvme && i < nvme->hosts.count; i++)
        if (strcmp(nvme->hosts.at[i], host) == 0)
            return true;
    return false;
}

/* Nobody may connect but the hosts. */
static void raise_subsystem(const char *subsystem, const struct layer_fact *target, const struct nvme_want *nvme,
                            struct plan *plan)
{
    char uuid[TEXT_UUID_SIZE];
    struct step *step;

    if (target && state_is(target, NVME_ANY_HOST, "0") && has_hosts(target, &nvme->hosts, &plan->arena))
        return;
    step = change(subsystem, STEP_TREE, plan,
                  arena_printf(&plan->arena, "%s subsystem %s for %" PRIu32 " host%s", target ? "open" : "create",
                               subsystem, nvme->hosts.count, nvme->hosts.count == 1 ? "" : "s"));
    look_add(step, TREE_DIRECTORY, NULL, plan, NVME_CONFIG "/subsystems/%s", subsystem);
    if (!target) {
        text_uuid_of(subsystem, uuid);
        look_add(step, TREE_VALUE, arena_printf(&plan->arena, "%.8s%.4s", uuid, uuid + 9), plan,
                 NVME_CONFIG "/subsystems/%s/attr_serial", subsystem);
    }
    look_add(step, TREE_VALUE, "0", plan, NVME_CONFIG "/subsystems/%s/attr_allow_any_host", subsystem);
    for (uint32_t i = 0; i < nvme->hosts.count; i++)
        add_host(step, subsystem, nvme->hosts.at[i], plan);
}

static void close_to_hosts(const char *subsystem, const struct layer_fact *target, const struct nvme_want *nvme,
                           struct plan *plan)
{
    for (uint32_t i = 0; target && i < target->state.map.count; i++) {
        const char *host = name_in(&target->state.map.at[i], "host");
        struct step *step;

        if (!host || is_wanted_host(nvme, host))
            continue;
        step = change(subsystem, STEP_TREE, plan,
                      arena_printf(&plan->arena, "close subsystem %s to host %s", subsystem, host));
        look_add(step, TREE_UNLINK, NULL, plan, NVME_CONFIG "/subsystems/%s/allowed_hosts/%s", subsystem, host);
        look_add(step, TREE_REMOVE_UNUSED, NULL, plan, NVME_CONFIG "/hosts/%s", host);
    }
}

static char *namespace_path(const char *subsystem, int32_t number, struct arena *arena)
{
    return arena_printf(arena, NVME_CONFIG "/subsystems/%s/namespaces/%" PRId32, subsystem, number);
}

static struct step *namespace_step(const char *subsystem, const struct level_volume *volume, struct plan *plan,
                                   char *what)
{
    struct step *step = change(arena_printf(&plan->arena, "namespace/%s/%" PRId32, subsystem, number_of(volume)),
                               STEP_TREE, plan, what);

    step->text = arena_strdup(&plan->arena, subsystem);
    step->topic = arena_strdup(&plan->arena, NVME_TOPIC_NAMESPACE);
    step->size_kib = volume->below[0].size_kib;
    return step;
}

static void raise_namespace(const struct level *level, const struct level_volume *volume, const char *subsystem,
                            struct plan *plan)
{
    char *path = namespace_path(subsystem, number_of(volume), &plan->arena), uuid[TEXT_UUID_SIZE];
    const struct layer_fact *fact =
        nvme_facts_find(level->machine->facts, &plan->arena, "namespace/%s/%" PRId32, subsystem, number_of(volume));
    const char *device = volume->below[0].path;
    struct step *step;

    if (fact && state_is(fact, NVME_ENABLED, "1") && state_is(fact, NVME_PATH, device)) {
        if (state_is(fact, NVME_TOLD, arena_printf(&plan->arena, "%" PRId64, volume->below[0].size_kib)))
            return;
        step =
            namespace_step(subsystem, volume, plan,
                           arena_printf(&plan->arena, "tell the size of namespace %" PRId32 " of %s, %" PRId64 " KiB",
                                        number_of(volume), subsystem, volume->below[0].size_kib));
        look_add(step, TREE_COMMAND, "1", plan, "%s/revalidate_size", path);
        return;
    }
    text_uuid_of(arena_printf(&plan->arena, "%s/%s/%" PRId32,
                              level->resource->uuid ? level->resource->uuid : level->resource->resource, level->suffix,
                              number_of(volume)),
                 uuid);
    step = namespace_step(
        subsystem, volume, plan,
        arena_printf(&plan->arena, "export %s as namespace %" PRId32 " of %s", device, number_of(volume), subsystem));
    if (state_is(fact, NVME_ENABLED, "1"))
        look_add(step, TREE_VALUE, "0", plan, "%s/enable", path);
    look_add(step, TREE_DIRECTORY, NULL, plan, "%s", path);
    look_add(step, TREE_VALUE, device, plan, "%s/device_path", path);
    look_add(step, TREE_VALUE, uuid, plan, "%s/device_uuid", path);
    look_add(step, TREE_VALUE, "1", plan, "%s/enable", path);
}

static void raise_port(const struct facts *facts, const char *subsystem, const struct layer_fact *target,
                       const struct nvme_want *nvme, struct plan *plan)
{
    char *port = choose_port(facts, nvme, &plan->arena);
    struct step *step;

    if (state_of(target, arena_printf(&plan->arena, "port %s", port)) &&
        has_address(nvme_facts_find(facts, &plan->arena, "port/%s", port), nvme, &plan->arena))
        return;
    step = change(subsystem, STEP_TREE, plan,
                  arena_printf(&plan->arena, "listen on %s %s, port %" PRId32 ", for %s", nvme->transport,
                               nvme->address, nvme->port, subsystem));
    look_add(step, TREE_DIRECTORY, NULL, plan, NVME_CONFIG "/ports/%s", port);
    look_add(step, TREE_VALUE, strchr(nvme->address, ':') ? "ipv6" : "ipv4", plan, NVME_CONFIG "/ports/%s/addr_adrfam",
             port);
    look_add(step, TREE_VALUE, nvme->transport, plan, NVME_CONFIG "/ports/%s/addr_trtype", port);
    look_add(step, TREE_VALUE, nvme->address, plan, NVME_CONFIG "/ports/%s/addr_traddr", port);
    look_add(step, TREE_VALUE, arena_printf(&plan->arena, "%" PRId32, nvme->port), plan,
             NVME_CONFIG "/ports/%s/addr_trsvcid", port);
    look_add(step, TREE_LINK, arena_printf(&plan->arena, NVME_CONFIG "/subsystems/%s", subsystem), plan,
             NVME_CONFIG "/ports/%s/subsystems/%s", port, subsystem);
}

static void raise_target(const struct level *level, struct plan *plan)
{
    const struct facts *facts = level->machine->facts;
    const char *subsystem = subsystem_of(level, &plan->arena);
    const struct layer_fact *target = nvme_facts_find(facts, &plan->arena, "target/%s", subsystem);

    if (!nvme_facts_find(facts, &plan->arena, "module/nvmet"))
        look_load_module(NVME_LAYER, "module/nvmet", "nvmet", plan);
    raise_subsystem(subsystem, target, nvme_of(level), plan);
    close_to_hosts(subsystem, target, nvme_of(level), plan);
    for (uint32_t i = 0; i < level->count; i++)
        raise_namespace(level, &level->volumes[i], subsystem, plan);
    raise_port(facts, subsystem, target, nvme_of(level), plan);
}

static const struct layer_fact *device_of(const struct level *level, const struct level_volume *volume,
                                          struct arena *arena)
{
    return nvme_facts_find(level->machine->facts, arena, "device/%s/%" PRId32, subsystem_of(level, arena),
                           number_of(volume));
}

static void connect(const char *subsystem, const struct nvme_want *nvme, struct plan *plan)
{
    const char *host = nvme->hosts.count > 0 ? nvme->hosts.at[0] : "linstor";
    char uuid[TEXT_UUID_SIZE];
    struct step *step;

    text_uuid_of(host, uuid);
    step = change(subsystem, STEP_TREE, plan,
                  arena_printf(&plan->arena, "connect to %s at %s %s, port %" PRId32, subsystem, nvme->transport,
                               nvme->address, nvme->port));
    step->topic = arena_strdup(&plan->arena, NVME_TOPIC_CONNECT);
    look_add(step, TREE_COMMAND,
             arena_printf(&plan->arena,
                          "transport=%s,traddr=%s,trsvcid=%" PRId32
                          ",nqn=%s,hostnqn=%s,hostid=%s,reconnect_delay=2,ctrl_loss_tmo=-1",
                          nvme->transport, nvme->address, nvme->port, subsystem, host, uuid),
             plan, NVME_FABRICS);
}

/* A controller that the kernel shows and that is not where the target is now is left alone: I/O may be under way. */
static bool is_connected(const struct facts *facts, const char *subsystem, const struct nvme_want *nvme,
                         struct arena *arena)
{
    const char *prefix = arena_printf(arena, "controller/%s/", subsystem);

    for (const struct layer_fact *fact = nvme_facts_first(facts, prefix); fact; fact = nvme_facts_next(fact, prefix))
        if (has_address(fact, nvme, arena))
            return true;
    return false;
}

static void rescan(const struct level *level, const char *subsystem, struct plan *plan)
{
    const char *prefix = arena_printf(&plan->arena, "controller/%s/", subsystem);
    struct step *step = NULL;

    for (const struct layer_fact *fact = nvme_facts_first(level->machine->facts, prefix); fact;
         fact = nvme_facts_next(fact, prefix)) {
        if (strcmp(strrchr(fact->name, '/'), "/unseen") == 0)
            continue;
        if (!step)
            step = change(subsystem, STEP_TREE, plan, arena_printf(&plan->arena, "look what %s has become", subsystem));
        look_add(step, TREE_DISMISS, "1", plan, "/sys/class/nvme%s/rescan_controller", strrchr(fact->name, '/'));
    }
}

static void await_device(const struct level *level, const struct level_volume *volume, const char *subsystem,
                         struct plan *plan)
{
    struct step *step =
        change(arena_printf(&plan->arena, "device/%s/%" PRId32, subsystem, number_of(volume)), STEP_WAIT_BLOCK, plan,
               arena_printf(&plan->arena, "wait for namespace %" PRId32 " of %s, with %" PRId64 " KiB",
                            number_of(volume), subsystem, volume->size_kib));

    (void)level;
    step->text = arena_strdup(&plan->arena, subsystem);
    step->path = arena_strdup(&plan->arena, "/sys/block/nvme*n*");
    text_list_add(&step->names, "device/subsysnqn", &plan->arena);
    text_list_add(&step->names, subsystem, &plan->arena);
    text_list_add(&step->names, "nsid", &plan->arena);
    text_list_add(&step->names, arena_printf(&plan->arena, "%" PRId32, number_of(volume)), &plan->arena);
    step->size_kib = volume->size_kib;
    step->patience_ms = APPEAR_MS;
}

static void raise_initiator(const struct level *level, struct plan *plan)
{
    const char *subsystem = subsystem_of(level, &plan->arena);
    const struct nvme_want *nvme = nvme_of(level);
    bool scans = false;

    if (!nvme_facts_find(level->machine->facts, &plan->arena, "module/nvme-fabrics"))
        look_load_module(NVME_LAYER, "module/nvme-fabrics", arena_printf(&plan->arena, "nvme-%s", nvme->transport),
                         plan);
    if (!is_connected(level->machine->facts, subsystem, nvme, &plan->arena))
        connect(subsystem, nvme, plan);
    for (uint32_t i = 0; i < level->count; i++) {
        const struct layer_fact *device = device_of(level, &level->volumes[i], &plan->arena);

        if (device && device->device && device->device_kib >= level->volumes[i].size_kib)
            continue;
        if (!scans)
            rescan(level, subsystem, plan);
        scans = true;
        await_device(level, &level->volumes[i], subsystem, plan);
    }
}

static int refuse(const struct level *level, struct plan *plan, struct trouble *trouble, const char *cause,
                  const char *correction)
{
    trouble->message = arena_printf(&plan->arena, "Resource '%s' has no NVMe subsystem.", level->resource->resource);
    trouble->cause = arena_strdup(&plan->arena, cause);
    trouble->correction = arena_strdup(&plan->arena, correction);
    return -1;
}

/* Parts of names in configfs, and of the line that connects. */
static bool is_safe(const char *text)
{
    return text && text[0] && text[0] != '.' && !strpbrk(text, "/, \n\t");
}

static int check(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    const struct nvme_want *nvme = nvme_of(level);

    if (!nvme)
        return refuse(level, plan, trouble, "The controller does not say where the volumes are.",
                      "Update the controller.");
    if (level->suffix[0])
        return refuse(level, plan, trouble, "A cache above NVME would need a volume of its own over the network.",
                      "Put the cache below NVME: NVME, CACHE, STORAGE.");
    if (strcmp(nvme->transport, "tcp") != 0 && strcmp(nvme->transport, "rdma") != 0)
        return refuse(level, plan, trouble, "Its transport is neither tcp nor rdma.", "Set NVMe/TRType.");
    for (uint32_t i = 0; i < nvme->hosts.count; i++)
        if (!is_safe(nvme->hosts.at[i]))
            return refuse(level, plan, trouble, "The name of an initiator cannot be part of a path.",
                          "Give the node another name.");
    if (!is_safe(nvme->address) || nvme->port < 1 || nvme->port > 65535)
        return refuse(level, plan, trouble, "The address of the node with the volumes is none.",
                      "Correct the node's network interface.");
    return 0;
}

static int raise(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    if (level->count == 0)
        return 0;
    if (check(level, plan, trouble) < 0)
        return -1;
    if (nvme_of(level)->is_initiator)
        raise_initiator(level, plan);
    else
        raise_target(level, plan);
    return 0;
}

/* Devices that are in use are not torn out from below their users. */
static void disconnect(const struct level *level, const char *subsystem, struct plan *plan)
{
    const char *controllers = arena_printf(&plan->arena, "controller/%s/", subsystem);
    const char *devices = arena_printf(&plan->arena, "device/%s/", subsystem);
    const struct facts *facts = level->machine->facts;
    struct step *step;

    if (!nvme_facts_first(facts, controllers))
        return;
    step = change(subsystem, STEP_TREE, plan, arena_printf(&plan->arena, "disconnect from %s", subsystem));
    step->topic = arena_strdup(&plan->arena, NVME_TOPIC_DISCONNECT);
    for (const struct layer_fact *fact = nvme_facts_first(facts, devices); fact; fact = nvme_facts_next(fact, devices))
        look_add(step, TREE_CHECK_UNUSED, NULL, plan, "%s", fact->device);
    for (const struct layer_fact *fact = nvme_facts_first(facts, controllers); fact;
         fact = nvme_facts_next(fact, controllers))
        look_add(step, TREE_DISMISS, "1", plan, "/sys/class/nvme%s/delete_controller", strrchr(fact->name, '/'));
}

/* A volume alone: the target takes it away when nobody has it any more. */
static void release_devices(const struct level *level, const char *subsystem, struct plan *plan)
{
    struct step *step = NULL;

    for (uint32_t i = 0; i < level->count; i++) {
        const struct layer_fact *fact = device_of(level, &level->volumes[i], &plan->arena);

        if (!fact || !fact->device || state_of(fact, NVME_RELEASED))
            continue;
        step = change(fact->name, STEP_TREE, plan,
                      arena_printf(&plan->arena, "give back namespace %" PRId32 " of %s", number_of(&level->volumes[i]),
                                   subsystem));
        step->text = arena_strdup(&plan->arena, subsystem);
        step->topic = arena_strdup(&plan->arena, NVME_TOPIC_RELEASE);
        look_add(step, TREE_CHECK_UNUSED, NULL, plan, "%s", fact->device);
    }
}

static void remove_namespaces(const struct level *level, const char *subsystem, bool is_last, struct plan *plan)
{
    const char *prefix = arena_printf(&plan->arena, "namespace/%s/", subsystem);
    struct step *step = NULL;

    for (const struct layer_fact *fact = nvme_facts_first(level->machine->facts, prefix); fact;
         fact = nvme_facts_next(fact, prefix)) {
        int32_t number = (int32_t)strtol(fact->name + strlen(prefix), NULL, 10);
        char *path = namespace_path(subsystem, number, &plan->arena);
        bool goes = is_last;

        for (uint32_t i = 0; i < level->count; i++)
            goes = goes || number_of(&level->volumes[i]) == number;
        if (!goes)
            continue;
        step = change(subsystem, STEP_TREE, plan,
                      arena_printf(&plan->arena, "withdraw namespace %" PRId32 " of %s", number, subsystem));
        look_add(step, TREE_DISMISS, "0", plan, "%s/enable", path);
        look_add(step, TREE_REMOVE, NULL, plan, "%s", path);
    }
}

static void remove_links(const struct level *level, const char *subsystem, const struct layer_fact *target,
                         struct plan *plan)
{
    struct step *step = NULL;

    for (uint32_t i = 0; i < target->state.map.count; i++) {
        const char *port = name_in(&target->state.map.at[i], "port");
        const struct layer_fact *fact;

        if (!port)
            continue;
        fact = nvme_facts_find(level->machine->facts, &plan->arena, "port/%s", port);
        if (!step)
            step = change(subsystem, STEP_TREE, plan, arena_printf(&plan->arena, "stop listening for %s", subsystem));
        look_add(step, TREE_UNLINK, NULL, plan, NVME_CONFIG "/ports/%s/subsystems/%s", port, subsystem);
        if (fact && own_number(fact, NULL, &plan->arena) == strtol(port, NULL, 10))
            look_add(step, TREE_REMOVE_UNUSED, NULL, plan, NVME_CONFIG "/ports/%s", port);
    }
}

static void remove_subsystem(const char *subsystem, const struct layer_fact *target, struct plan *plan)
{
    struct step *step =
        change(subsystem, STEP_TREE, plan, arena_printf(&plan->arena, "remove subsystem %s", subsystem));

    for (uint32_t i = 0; i < target->state.map.count; i++) {
        const char *host = name_in(&target->state.map.at[i], "host");

        if (!host)
            continue;
        look_add(step, TREE_UNLINK, NULL, plan, NVME_CONFIG "/subsystems/%s/allowed_hosts/%s", subsystem, host);
        look_add(step, TREE_REMOVE_UNUSED, NULL, plan, NVME_CONFIG "/hosts/%s", host);
    }
    look_add(step, TREE_REMOVE, NULL, plan, NVME_CONFIG "/subsystems/%s", subsystem);
}

static bool stays(const struct resource_want *want)
{
    for (uint32_t i = 0; !want->remove && i < want->volumes.count; i++)
        if (!want->volumes.at[i].remove)
            return true;
    return false;
}

static int lower(const struct level *level, struct plan *plan, struct trouble *trouble)
{
    const char *subsystem = subsystem_of(level, &plan->arena);
    const struct layer_fact *target = nvme_facts_find(level->machine->facts, &plan->arena, "target/%s", subsystem);
    bool is_last = !stays(level->resource);

    (void)trouble;
    if (is_last)
        disconnect(level, subsystem, plan);
    else
        release_devices(level, subsystem, plan);
    if (!target)
        return 0;
    if (is_last)
        remove_links(level, subsystem, target, plan);
    remove_namespaces(level, subsystem, is_last, plan);
    if (is_last)
        remove_subsystem(subsystem, target, plan);
    return 0;
}

static void ask(const struct level *level, struct plan *plan)
{
    const struct layer_fact *look =
        nvme_facts_find(level->machine->facts, &plan->arena, "look/%s", subsystem_of(level, &plan->arena));

    if (look && look->is_uncertain)
        nvme_facts_ask(level->layer, plan);
}

static void describe(const struct level *level, const struct level_volume *volume, struct arena *arena,
                     struct volume_fact *described)
{
    const struct layer_fact *device;

    if (!nvme_of(level) || !nvme_of(level)->is_initiator)
        return;
    device = device_of(level, volume, arena);
    described->device_path = device ? arena_strdup_null(arena, device->device) : NULL;
    described->usable_kib = device ? device->device_kib : 0;
}

const struct layer layer_nvme = {
    .name = NVME_LAYER,
    .kind = LAYER_NVME,
    .is_remote = true,
    .needs = "nvme",
    .gross_kib = gross_kib,
    .ask = ask,
    .ask_all = nvme_facts_ask,
    .read = nvme_facts_read,
    .raise = raise,
    .lower = lower,
    .describe = describe,
};
