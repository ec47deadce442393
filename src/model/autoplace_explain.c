/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/autoplace.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* How a verdict reads behind the name, and in the plural behind a number. %k key, %i is, %w wanted, %h have, %n need.
 */
/* clang-format off */
static const struct wording {
    const char *one, *one_without; /* one_without: where is (or, lacking that, wanted) is NULL */
    const char *many;
} wordings[] = {
    [AUTOPLACE_SUITABLE] =              { "is suitable", NULL, "suitable" },
    [AUTOPLACE_NODE_OFFLINE] =          { "is offline", NULL, "offline" },
    [AUTOPLACE_NODE_DELETED] =          { "is %i", NULL, "evicted or being deleted" },
    [AUTOPLACE_NODE_EVACUATED] =        { "is being evacuated", NULL, "being evacuated" },
    [AUTOPLACE_NODE_OCCUPIED] =         { "has this resource already", NULL, "with this resource already" },
    [AUTOPLACE_NODE_NOT_LISTED] =       { "is not in the list of nodes", NULL, "not in the list of nodes" },
    [AUTOPLACE_NODE_NOT_SAME] =         { "replicas-on-same needs %k=%w, and it has '%i'",
                                          "replicas-on-same needs the property %k%w, which it does not have",
                                          "with another value, or none, of what replicas-on-same names" },
    [AUTOPLACE_NODE_NOT_DIFFERENT] =    { "replicas-on-different takes no more nodes with %k=%i", NULL,
                                          "with a value that replicas-on-different excludes" },
    [AUTOPLACE_NODE_NO_TARGET] =        { "AutoplaceTarget is false", NULL, "with AutoplaceTarget=false" },
    [AUTOPLACE_NODE_NO_LAYER] =         { "does not support layer %i", NULL, "without support of a layer" },
    [AUTOPLACE_NODE_NOT_WITH] =         { "has resource %i, with which this one is not to be placed", NULL,
                                          "with a resource not to be placed with" },
    [AUTOPLACE_NODE_PATTERN] =          { "has resource %i, which matches '%w', not to be placed with", NULL,
                                          "with a resource that matches what not to be placed with" },
    [AUTOPLACE_NODE_NO_POOL] =          { "has no storage pool of the sort that is needed", NULL,
                                          "without a storage pool of the sort that is needed" },
    [AUTOPLACE_POOL_OF_NODE] =          { "its node is excluded", NULL, "on nodes that are excluded" },
    [AUTOPLACE_POOL_SORT] =             { "is not of the sort that is needed", NULL, "not of the sort that is needed" },
    [AUTOPLACE_POOL_UNSUPPORTED] =      { "its node does not support provider %i", NULL,
                                          "with a provider that the node does not support" },
    [AUTOPLACE_POOL_NOT_LISTED] =       { "is not in the list of storage pools", NULL,
                                          "not in the list of storage pools" },
    [AUTOPLACE_POOL_PROVIDER_NOT_LISTED] = { "its provider %i is not in the list of providers", NULL,
                                             "with a provider that is not in the list" },
    [AUTOPLACE_POOL_NO_TARGET] =        { "AutoplaceTarget is false", NULL, "with AutoplaceTarget=false" },
    [AUTOPLACE_POOL_UNKNOWN_SPACE] =    { "its free space is not known", NULL, "whose free space is not known" },
    [AUTOPLACE_POOL_TOO_FULL] =         { "%h free, %n needed", NULL, "with too little free space" },
    [AUTOPLACE_POOL_OVERSUBSCRIBED] =   { "%h of what may be promised are left, %n needed "
                                          "(MaxTotalCapacityOversubscriptionRatio)", NULL,
                                          "that have promised too much already" },
    [AUTOPLACE_POOL_THIN_RESERVE] =     { "%h free, %n must stay free (Autoplacer/MinThinFreeSpace)", NULL,
                                          "with less free space than Autoplacer/MinThinFreeSpace" },
    [AUTOPLACE_POOL_SHARED] =           { "a replica lies already in the shared space %i", NULL,
                                          "in a shared space that has a replica already" },
    [AUTOPLACE_POOL_NO_MIX] =           { "its provider %i does not go with %w of a replica that is there", NULL,
                                          "with a provider that does not go with a replica that is there" },
};
/* clang-format on */
enum { RULE_COUNT = ARRAY_SIZE(wordings) };

static void add_size(struct buf *out, int64_t kib)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double size = (double)kib;
    size_t unit = 0;

    while (size >= 1024 && unit < ARRAY_SIZE(units) - 1) {
        size /= 1024;
        unit++;
    }
    buf_printf(out, "%.*f %s", unit > 0, size, units[unit]);
}

static void add_verdict(struct buf *out, const struct autoplace_verdict *verdict)
{
    const struct wording *wording = &wordings[verdict->rule];

    for (const char *at = wording->one_without && !verdict->is ? wording->one_without : wording->one; *at; at++) {
        if (*at != '%') {
            buf_add_char(out, *at);
            continue;
        }
        switch (*++at) {
        case 'k': buf_add_text(out, verdict->key); break;
        case 'i': buf_add_text(out, verdict->is); break;
        case 'w':
            if (wording->one_without && !verdict->is && verdict->wanted)
                buf_add_char(out, '=');
            buf_add_text(out, verdict->wanted ? verdict->wanted : "");
            break;
        case 'h': add_size(out, verdict->have_kib); break;
        default: add_size(out, verdict->need_kib); break;
        }
    }
}

void autoplace_explain_node(const struct autoplace_input *input, const struct autoplace_result *result, uint32_t node,
                            struct buf *out)
{
    buf_printf(out, "%s: ", input->nodes[node].name);
    add_verdict(out, &result->nodes[node]);
}

void autoplace_explain_pool(const struct autoplace_input *input, const struct autoplace_result *result, uint32_t pool,
                            struct buf *out)
{
    buf_printf(out, "%s/%s: ", input->nodes[input->pools[pool].node].name, input->pools[pool].name);
    add_verdict(out, &result->pools[pool]);
}

static void add_list(struct buf *out, const char *before, const struct text_list *list)
{
    if (list->count == 0)
        return;
    buf_add_text(out, before);
    for (uint32_t i = 0; i < list->count; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", list->at[i]);
    buf_add_text(out, "\n");
}

/* LINSTOR: heading and the first lines are known to people who search logs for them. */
static void add_criteria(const struct autoplace_input *input, struct buf *out)
{
    const struct select_filter *filter = input->filter;
    const struct text_list *pools = input->diskless ? &filter->storage_pool_diskless_list : &filter->storage_pool_list;

    buf_add_text(out, "Not enough nodes fulfilling the following auto-place criteria:\n");
    if (pools->count > 0) {
        buf_add_text(out, " * has a deployed storage pool named [");
        for (uint32_t i = 0; i < pools->count; i++)
            buf_printf(out, "%s%s", i > 0 ? ", " : "", pools->at[i]);
        buf_add_text(out, "]\n");
    }
    if (!input->diskless)
        buf_printf(out, " * the storage pools have to have at least '%lld' KiB free space\n",
                   (long long)input->size_kib);
    buf_add_text(out, " * the node is online\n");
    add_list(out, " * the node is one of: ", &filter->node_name_list);
    add_list(out, " * the provider is one of: ", &filter->provider_list);
    add_list(out, " * replicas on nodes with the same: ", &filter->replicas_on_same);
    add_list(out, " * replicas on nodes with different: ", &filter->replicas_on_different);
    for (uint32_t i = 0; i < filter->x_replicas_on_different_map.count; i++)
        buf_printf(out, " * at most %lld replicas on nodes with the same: %s\n",
                   (long long)filter->x_replicas_on_different_map.at[i].value,
                   filter->x_replicas_on_different_map.at[i].key);
    add_list(out, " * not placed with: ", &filter->not_place_with_rsc);
    if (filter->not_place_with_rsc_regex && *filter->not_place_with_rsc_regex)
        buf_printf(out, " * not placed with resources that match: %s\n", filter->not_place_with_rsc_regex);
    for (uint32_t bits = input->layers; bits; bits &= bits - 1)
        buf_printf(out, " * the node supports layer %s\n", layer_kind_name((enum layer_kind)__builtin_ctz(bits)));
}

static void add_summary(const struct autoplace_input *input, const struct autoplace_result *result, struct buf *out)
{
    buf_printf(out, "Replicas to place: %u. Nodes: %u, suitable by themselves: %u.", (unsigned)input->need,
               (unsigned)input->node_count, (unsigned)result->suitable_count);
    if (result->outcome == AUTOPLACE_NOT_ENOUGH && result->suitable_count >= input->need)
        buf_printf(out,
                   " But no %u of them can be taken together: replicas-on-same, replicas-on-different, shared "
                   "spaces or providers that do not go together exclude each of the combinations.",
                   (unsigned)input->need);
    if (result->why)
        buf_printf(out, " %s", result->why);
    buf_add_text(out, "\n");
}

struct lines {
    uint32_t left, hidden[RULE_COUNT];
};

static bool take_line(struct lines *lines, enum autoplace_rule rule)
{
    if (lines->left > 0) {
        lines->left--;
        return true;
    }
    lines->hidden[rule]++;
    return false;
}

void autoplace_explain(const struct autoplace_input *input, const struct autoplace_result *result, uint32_t max_lines,
                       struct buf *out)
{
    struct lines lines = { .left = max_lines };

    add_criteria(input, out);
    add_summary(input, result, out);
    for (uint32_t n = 0, p = 0; n < input->node_count; n++) {
        bool is_excluded = result->nodes[n].rule != AUTOPLACE_SUITABLE;
        if (is_excluded && take_line(&lines, result->nodes[n].rule)) {
            buf_add_char(out, ' ');
            autoplace_explain_node(input, result, n, out);
            buf_add_char(out, '\n');
        }
        for (; p < input->pool_count && input->pools[p].node == n; p++) {
            if (is_excluded || result->pools[p].rule == AUTOPLACE_POOL_SORT ||
                !take_line(&lines, result->pools[p].rule))
                continue;
            buf_add_char(out, ' ');
            autoplace_explain_pool(input, result, p, out);
            buf_add_char(out, '\n');
        }
    }
    for (uint32_t rule = 0; rule < RULE_COUNT; rule++) {
        if (lines.hidden[rule] > 0)
            buf_printf(out, " %u more %s%s\n", (unsigned)lines.hidden[rule],
                       rule == AUTOPLACE_SUITABLE || rule >= AUTOPLACE_POOL_OF_NODE ? "storage pools " : "nodes ",
                       wordings[rule].many);
    }
}
