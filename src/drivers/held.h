/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notes of what workers hold still: mappings that are suspended, file systems that are frozen. The kernel keeps them so
 * when the process dies that did it. A note is there from before something stands still until it goes on, as a file of
 * a directory that belongs to one satellite; so the next satellite of these data lets go on what the one before and its
 * workers have left, and nothing that others on the same machine hold.
 *
 * Nothing here fails: without a note all is done as with it, and whoever is killed then leaves more behind.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "drivers/plan.h"

/* Below the data of a satellite; the caller frees it. */
char *held_directory(const char *data_directory) __attribute__((returns_nonnull));

/*
 * For workers; directory NULL: nothing is noted. As the directory may lie on what stands still, all notes of a batch
 * are made before its first step, and taken away after its last. was_there[i]: somebody died who had noted the same.
 */
void held_note(const char *directory, const struct step *steps, uint32_t count, bool *was_there);
/* Whether what the step is about goes on after it. */
bool held_is_over(const struct step *step, const struct outcome *outcome, bool was_there);
void held_forget(const char *directory, const struct step *step);

/* For the satellite, before anything else: a step for each note, none of which keeps another from being run. Notes from
 * before the machine was started are taken away. */
void held_plan_thaw(const char *directory, struct plan *plan);
