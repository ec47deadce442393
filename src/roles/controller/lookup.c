/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Look-ups of requests that say themselves what was not found. */
#include "roles/controller/request.h"

#include <string.h>

static const char *full_name(struct request *q, const char *node)
{
    const char *domain =
        strcmp(q->route->method, "GET") != 0 ? text_map_find(&model_root(q->model)->props, "SearchDomain") : NULL;

    return domain && *domain && !strchr(node, '.') ? rc_text(&q->rc, "%s.%s", node, domain) : node;
}

const struct node *request_find_node(struct request *q, const char *name)
{
    return model_find_node(q->model, full_name(q, name));
}

const struct node *request_get_node(struct request *q, const char *name)
{
    const struct node *node = request_find_node(q, name);

    if (!node)
        rc_add(&q->rc, FAIL_NOT_FOUND_NODE, .message = rc_text(&q->rc, "Node '%s' not found.", name),
               .cause = "There is no node of that name.", .correction = "Check the name, or create the node first.");
    return node;
}

const struct resource_group *request_get_group(struct request *q, const char *name)
{
    const struct resource_group *group = model_find_group(q->model, name);

    if (!group)
        rc_add(&q->rc, FAIL_NOT_FOUND_RSC_GRP, .message = rc_text(&q->rc, "Resource group '%s' not found.", name),
               .cause = "There is no resource group of that name.",
               .correction = "Check the name, or create the resource group first.");
    return group;
}

const struct resource_definition *request_get_definition(struct request *q, const char *name)
{
    const struct resource_definition *definition = model_find_definition(q->model, name);

    if (!definition)
        rc_add(&q->rc, FAIL_NOT_FOUND_RSC_DFN, .message = rc_text(&q->rc, "Resource definition '%s' not found.", name),
               .cause = "There is no resource definition of that name.",
               .correction = "Check the name, or create the resource definition first.");
    return definition;
}

const struct resource_definition *request_get_definition_to_change(struct request *q, const char *name)
{
    const struct resource_definition *definition = request_get_definition(q, name);

    if (!definition || !object_has_flag(&definition->object, RESOURCE_DEFINITION_DELETE))
        return definition;
    rc_add(&q->rc, FAIL_IN_USE,
           .message = rc_text(&q->rc, "Resource definition '%s' is being deleted.", definition->name),
           .cause = "Some of its resources are not gone yet.",
           .correction = "Wait until it is gone, or use another name.");
    return NULL;
}

const struct resource *request_find_resource(struct request *q, const struct resource_definition *definition,
                                             const char *node)
{
    return definition ? model_find_resource(definition, full_name(q, node)) : NULL;
}

const struct resource *request_get_resource(struct request *q, const char *name, const char *node)
{
    const struct resource_definition *definition = request_get_definition(q, name);
    const struct resource *resource = request_find_resource(q, definition, node);

    if (definition && !resource)
        rc_add(&q->rc, FAIL_NOT_FOUND_RSC,
               .message = rc_text(&q->rc, "Resource '%s' on node '%s' not found.", definition->name, node),
               .cause = "The resource is not deployed on that node.", .correction = "Check the name of the node.");
    return resource;
}

const struct volume_definition *request_get_volume_definition(struct request *q,
                                                              const struct resource_definition *definition)
{
    const struct volume_definition *volume = model_find_volume_definition(definition, q->volume_number);

    if (!volume)
        rc_add(&q->rc, FAIL_NOT_FOUND_VLM_DFN,
               .message = rc_text(&q->rc, "Volume definition %d of resource definition '%s' not found.",
                                  q->volume_number, definition->name),
               .cause = "There is no volume definition of that number.", .correction = "Check the number.");
    return volume;
}

int request_check_query_names(struct request *q)
{
    static const struct {
        const char *parameter;
        enum name_kind kind;
    } filters[] = {
        { "nodes", NAME_NODE },
        { "storage_pools", NAME_STORAGE_POOL },
        { "resources", NAME_RESOURCE },
        { "resource_definitions", NAME_RESOURCE },
        { "resource_groups", NAME_RESOURCE_GROUP },
        { "snapshots", NAME_SNAPSHOT },
    };
    const char *name;

    for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
        for (size_t at = 0; (name = uri_next_parameter(&q->uri, filters[i].parameter, &at));)
            if (request_check_name(q, filters[i].kind, name) != 0)
                return -1;
    return 0;
}

int request_check_query_nodes(struct request *q)
{
    const char *name;
    size_t at = 0;

    while ((name = uri_next_parameter(&q->uri, "nodes", &at)))
        if (request_check_name(q, NAME_NODE, name) != 0 || !request_get_node(q, name))
            return -1;
    return 0;
}
