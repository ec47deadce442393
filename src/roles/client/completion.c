/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The script has four tables with the words of a command as key, and one function that walks the line's words along
 * them. It asks neither this program nor a controller again.
 */
#include "roles/client/completion.h"

#include <string.h>

#include "roles/client/list.h"
#include "roles/client/value.h"

static const char head[] = "# Completion of linstor for bash, printed by \"linstor completion bash\".\n"
                           "declare -gA _linstor_child _linstor_children _linstor_options _linstor_values\n";

static const char function[] = "_linstor()\n"
                               "{\n"
                               "    local path=linstor word words='' skip='' i\n"
                               "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
                               "\n"
                               "    if [[ $current == = ]]; then\n"
                               "        current=''\n"
                               "    elif [[ $previous == = ]]; then\n"
                               "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
                               "    fi\n"
                               "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                               "        word=${COMP_WORDS[i]}\n"
                               "        if [[ $skip ]]; then\n"
                               "            [[ $word == = ]] || skip=''\n"
                               "        elif [[ $word == -* ]]; then\n"
                               "            skip=${_linstor_values[\"$path $word\"]+yes}\n"
                               "        elif [[ ${_linstor_child[\"$path $word\"]+yes} ]]; then\n"
                               "            path+=\" ${_linstor_child[\"$path $word\"]}\"\n"
                               "        fi\n"
                               "    done\n"
                               "    if [[ $previous == -* && ${_linstor_values[\"$path $previous\"]+yes} ]]; then\n"
                               "        words=${_linstor_values[\"$path $previous\"]}\n"
                               "    elif [[ $current == -* || ! ${_linstor_children[\"$path\"]+yes} ]]; then\n"
                               "        words=${_linstor_options[\"$path\"]}\n"
                               "    else\n"
                               "        words=${_linstor_children[\"$path\"]}\n"
                               "    fi\n"
                               "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                               "}\n"
                               "complete -o default -F _linstor linstor\n";

static const char *option_values(const struct command *command, const struct argument *argument, struct arena *arena)
{
    if (argument->choices)
        return argument->choices;
    if (argument->type == TYPE_COLUMNS && command->list)
        return value_join(arena, list_column_names(command->list, arena), " ");
    return "";
}

static void add_options(struct buf *out, const struct command *command, const char *path, struct arena *arena)
{
    CLEANUP(buf_done) struct buf options = { 0 };
    const struct argument *rows;
    int length;

    buf_add_text(&options, "-h --help");
    for (unsigned i = 0; (rows = command_table(command, i, arena)); i++) {
        for (const struct argument *row = rows; row->names; row++) {
            if (!argument_is_option(row) || (row->is_hidden && !row->rule))
                continue;
            for (unsigned j = 0;; j++) {
                const char *name = names_at(row->names, j, &length);

                if (length == 0)
                    break;
                buf_printf(&options, " %.*s", length, name);
                if (row->count != COUNT_FLAG)
                    buf_printf(out, "_linstor_values[\"%s %.*s\"]=\"%s\"\n", path, length, name,
                               option_values(command, row, arena));
            }
        }
    }
    buf_printf(out, "_linstor_options[\"%s\"]=\"%s\"\n", path, buf_text(&options));
}

static void add_command(struct buf *out, const struct command *command, const char *path, struct arena *arena)
{
    CLEANUP(buf_done) struct buf children = { 0 };
    int length, name_length;

    add_options(out, command, path, arena);
    for (const struct command *child = command_children(command); child && child->names; child++) {
        const char *name = names_at(child->names, 0, &name_length);

        for (unsigned i = 0;; i++) {
            const char *alias = names_at(child->names, i, &length);

            if (length == 0)
                break;
            buf_printf(out, "_linstor_child[\"%s %.*s\"]=%.*s\n", path, length, alias, name_length, name);
        }
        if (!child->is_hidden)
            buf_printf(&children, "%s%.*s", children.length > 0 ? " " : "", name_length, name);
        add_command(out, child, arena_printf(arena, "%s %.*s", path, name_length, name), arena);
    }
    if (command_children(command))
        buf_printf(out, "_linstor_children[\"%s\"]=\"%s\"\n", path, buf_text(&children));
}

void completion_print_bash(struct buf *out, const struct command *root, struct arena *arena)
{
    buf_add_text(out, head);
    add_command(out, root, root->names, arena);
    buf_add_text(out, function);
}
