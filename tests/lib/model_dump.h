/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole model as text, for tests: records with their paths, where each object hangs, and everything that accounting
 * keeps. Two models with the same text are the same to every lookup.
 */
#pragma once

#include "base/buf.h"
#include "model/model.h"

/* generations: whether each object's generation and the model's own are part of the text. */
void model_dump(const struct model *model, bool generations, struct buf *out);

/*
 * Makes a small cluster in one transaction: nodes ALPHA, BRAVO with the pool "thin", group "group", definitions "d0" ..
 * of one volume each with a replica on both nodes.
 */
void model_make_cluster(struct model *model, int definitions);
