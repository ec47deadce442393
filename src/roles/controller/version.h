/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the controller says about itself. PROGRAM_VERSION and PROGRAM_COMMIT come from the build. */
#pragma once

/* LINSTOR: clients compare it number by number; it names the operations that exist. */
#define REST_API_VERSION "1.28.0"
