/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Error reports: what went wrong, kept for people as one small text file each, in a ring that never grows beyond its
 * bounds. The list in memory is rebuilt from the heads of the files when the ring is opened, so that files which a
 * dying process has left behind (base/backtrace.h) are found like all others. Nothing is synced: a report may be lost
 * with the machine, never delay it.
 */
#pragma once

#include "api/controller.h"
#include "api/rc.h"
#include "base/buf.h"

enum {
    REPORT_COUNT_LIMIT = 500,
    REPORT_BYTES_LIMIT = 64 * 1024 * 1024, /* of all files */
    REPORT_SIZE_LIMIT = 128 * 1024,        /* of one; the rest is cut off */
    REPORT_ID_SIZE = 32,
};

struct error_report {
    char id[REPORT_ID_SIZE];      /* "65A1B2C3-00000-000001" */
    struct error_report_doc *doc; /* without text; one block */
    int64_t bytes;
    uint32_t serial; /* grows along the list */
    bool is_request; /* caused by what a client asked */
};

struct error_report_entry {
    int64_t time_ms;
    const char *node, *module;   /* NULL: the controller itself */
    const char *version;         /* of what failed; NULL: of this program */
    const char *failure;         /* its name: "FAIL_IN_USE" */
    const char *peer;            /* who asked, or NULL */
    const char *request;         /* "POST /v1/nodes", or NULL */
    const char *file, *function; /* where it was noticed, or NULL */
    int line;
    const struct rc_doc *problems; /* the first one gives the message that lists show */
    uint32_t problem_count;
    const char *text; /* a backtrace, or a whole report from elsewhere; or NULL */
};

struct reports;

/* The directory is made when it is missing. When it cannot be, that is logged, and nothing is ever kept. */
struct reports *reports_open(const char *directory, const char *version, int64_t now_ms);
void reports_free(struct reports *reports); /* NULL is fine; the files stay */
/* The id, valid until the report is removed; NULL when it could not be written. reports may be NULL. */
const char *reports_add(struct reports *reports, const struct error_report_entry *entry);
/* A report that another process wrote when it crashed (base/backtrace.h). The same answer. */
const char *reports_add_crash(struct reports *reports, const char *node, const char *module, const char *text,
                              int64_t now_ms);
void reports_remove(struct reports *reports, const struct error_report *report);

/* Oldest first. reports may be NULL: none. */
uint32_t reports_count(const struct reports *reports);
const struct error_report *reports_at(const struct reports *reports, uint32_t index);
/* The first that is newer than serial; NULL at the end. */
const struct error_report *reports_after(const struct reports *reports, uint32_t serial);
/* "65A1B2C3-00000-000001", and the same as a file name. */
bool error_report_has_id(const struct error_report *report, const char *id);
/* 0 or -errno. */
int reports_read(const struct reports *reports, const struct error_report *report, struct buf *text) MUST_CHECK;

/* Where base/backtrace.h is to put what is left of this process. */
const char *reports_directory(const struct reports *reports);
const char *reports_crash_name(const struct reports *reports);
