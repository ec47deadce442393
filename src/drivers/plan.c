/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers/plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void plan_done(struct plan *plan)
{
    arena_done(&plan->arena);
    *plan = (struct plan){ .facts = plan->facts };
}

static struct step *add(struct plan *plan, enum step_kind kind, const char *what, va_list args)
{
    const struct step_traits *traits = step_traits_get(kind);
    struct step *step = LIST_ADD(&plan->steps, &plan->arena);

    step->what = arena_vprintf(&plan->arena, what, args);
    step->kind = kind;
    step->patience = (int32_t)traits->patience;
    step->changes = traits->changes;
    step->accept = 1;
    return step;
}

struct step *plan_add(struct plan *plan, enum step_kind kind, const char *what, ...)
{
    struct step *step;
    va_list args;

    assert(!step_traits_get(kind)->destroys);
    va_start(args, what);
    step = add(plan, kind, what, args);
    va_end(args);
    return step;
}

struct step *plan_destructive(struct plan *plan, const char *authority, enum step_kind kind, const char *what, ...)
{
    struct step *step;
    va_list args;

    assert(authority && authority[0]);
    va_start(args, what);
    step = add(plan, kind, what, args);
    va_end(args);
    step->changes = true;
    step->authority = arena_strdup(&plan->arena, authority);
    return step;
}

bool plan_is_own(const struct plan_evidence *evidence)
{
    const struct volume_want *want = evidence->want;

    return want && want->must_be_new && !want->must_exist && (evidence->is_side || !want->origin);
}

struct step *plan_destroy_own(struct plan *plan, const struct plan_evidence *evidence, enum step_kind kind,
                              const char *what, ...)
{
    struct step *step;
    va_list args;

    assert(plan_is_own(evidence));
    va_start(args, what);
    step = add(plan, kind, what, args);
    va_end(args);
    step->changes = true;
    step->authority = arena_strdup(&plan->arena, "the volume is new");
    return step;
}

static bool is_text(const char *text, const char *wanted)
{
    return text && strcmp(text, wanted) == 0;
}

struct step *plan_find_step(const struct plan *plan, const char *reader, const char *topic, const char *pool)
{
    for (uint32_t i = 0; i < plan->steps.count; i++) {
        struct step *step = &plan->steps.at[i];

        if (is_text(step->reader, reader) && is_text(step->topic, topic) && is_text(step->pool, pool))
            return step;
    }
    return NULL;
}

void plan_add_words(struct plan *plan, struct step *step, const char *const *words)
{
    for (; *words; words++)
        text_list_add(&step->argv, *words, &plan->arena);
}

/* As one would type it. */
static void print_word(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";

    if (word[0] && strspn(word, plain) == strlen(word)) {
        buf_add_text(out, word);
        return;
    }
    buf_add_char(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_add_text(out, "'\\''");
        else
            buf_add_char(out, *word);
    }
    buf_add_char(out, '\'');
}

static void print_list(struct buf *out, const char *name, const struct text_list *list)
{
    if (list->count == 0)
        return;
    buf_printf(out, " %s=", name);
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0)
            buf_add_char(out, ' ');
        print_word(out, list->at[i]);
    }
}

static void print_command(const struct step *step, const char *prompt, struct buf *out)
{
    buf_add_text(out, prompt);
    for (uint32_t i = 0; i < step->argv.count; i++) {
        buf_add_char(out, ' ');
        print_word(out, step->argv.at[i]);
    }
    buf_add_text(out, step->input ? " < (input)\n" : "\n");
}

static void print_call(const struct step *step, struct buf *out)
{
    buf_printf(out, "    %s", enum_name(step_kind_names, step->kind));
    if (step->path) {
        buf_add_text(out, " path=");
        print_word(out, step->path);
    }
    if (step->device) {
        buf_add_text(out, " device=");
        print_word(out, step->device);
    }
    if (step->name) {
        buf_add_text(out, " name=");
        print_word(out, step->name);
    }
    if (step->text) {
        buf_add_text(out, " text=");
        print_word(out, step->text);
    }
    if (step->sealed.count > 0)
        buf_printf(out, " keys=%" PRIu32, step->sealed.count);
    if (step->size_kib)
        buf_printf(out, " size_kib=%" PRId64, step->size_kib);
    if (step->offset)
        buf_printf(out, " offset=%" PRId64, step->offset);
    if (step->hold_ms)
        buf_printf(out, " hold_ms=%" PRId64, step->hold_ms);
    print_list(out, "paths", &step->paths);
    print_list(out, "names", &step->names);
    buf_add_char(out, '\n');
    if (step->argv.count > 0)
        print_command(step, "      $", out);
    for (uint32_t i = 0; i < step->entries.count; i++) {
        const struct tree_entry *entry = &step->entries.at[i];

        buf_printf(out, "      %s %s", enum_name(tree_change_names, entry->change), entry->path);
        if (entry->value)
            buf_printf(out, "%s%s", entry->change == TREE_LINK ? " -> " : " = ", entry->value);
        buf_add_char(out, '\n');
    }
}

void plan_print(const struct plan *plan, struct buf *out)
{
    for (uint32_t i = 0; i < plan->steps.count; i++) {
        const struct step *step = &plan->steps.at[i];

        buf_printf(out, "%s%s%s\n", step->authority ? "! " : "", step->what, step->always ? " (always)" : "");
        if (step->kind != STEP_EXEC) {
            print_call(step, out);
            continue;
        }
        print_command(step, "    $", out);
    }
}
