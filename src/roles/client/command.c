/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/client/command.h"

#include <string.h>

#include "roles/client/drbd_options.h"

const struct argument *command_table(const struct command *command, unsigned index, struct arena *arena)
{
    unsigned count = 0;

    while (count < COMMAND_TABLES && command->arguments[count])
        count++;
    if (index < count)
        return command->arguments[index];
    return index == count && command->drbd_options ? drbd_option_arguments(command->drbd_options, arena) : NULL;
}

const char *names_at(const char *names, unsigned index, int *length)
{
    while (index-- > 0) {
        names += strcspn(names, " ");
        names += strspn(names, " ");
    }
    *length = (int)strcspn(names, " ");
    return names;
}

bool names_have(const char *names, const char *word)
{
    int length;

    for (unsigned i = 0;; i++) {
        const char *name = names_at(names, i, &length);

        if (length == 0)
            return false;
        if (strncmp(name, word, (size_t)length) == 0 && !word[length])
            return true;
    }
}

const char *argument_name(const struct argument *argument, int *length)
{
    const char *name = names_at(argument->names, 0, length);
    int dashes = (int)strspn(name, "-");

    *length -= dashes;
    return name + dashes;
}

bool argument_is_option(const struct argument *argument)
{
    return argument->names[0] == '-';
}

const struct command *command_children(const struct command *command)
{
    return command->make_children ? command->make_children() : command->children;
}

const struct command *command_find_child(const struct command *command, const char *word)
{
    for (const struct command *child = command_children(command); child && child->names; child++)
        if (names_have(child->names, word))
            return child;
    return NULL;
}

const char *argument_all_names(const struct argument *argument, const char *separator, struct arena *arena)
{
    const char *all = "";
    int length;

    for (int dashes = 1; dashes <= 2; dashes++) {
        for (unsigned i = 0;; i++) {
            const char *name = names_at(argument->names, i, &length);

            if (length == 0)
                break;
            if ((name[0] == '-' && name[1] == '-') == (dashes == 2))
                all = arena_printf(arena, "%s%s%.*s", all, *all ? separator : "", length, name);
        }
    }
    return all;
}
