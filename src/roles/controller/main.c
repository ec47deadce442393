/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>

#include "base/backtrace.h"
#include "base/log.h"
#include "base/notify.h"
#include "roles/controller/config.h"
#include "roles/controller/reports.h"
#include "roles/controller/service.h"
#include "roles/controller/vault.h"
#include "roles/role.h"

LOG_DOMAIN("controller");

#define ABOUT "linstor-controller " PROGRAM_VERSION

struct shell {
    struct service service;
    int argc;
    char **argv;
};

static void stop(void *owner)
{
    struct shell *shell = owner;

    notify_manager("STOPPING=1");
    service_stop(&shell->service);
}

/* What can change while the controller runs. The rest of the file takes effect at the next start. */
static void reload(void *owner)
{
    struct shell *shell = owner;
    struct settings settings;

    if (controller_settings_read(&settings, shell->argc, shell->argv) == 0) {
        log_set_level(settings.level);
        if (settings.passphrase)
            vault_set_automatic(&shell->service, settings.passphrase);
        log_info("configuration was read again; the log level is %s", log_level_name(settings.level));
    } else {
        log_error("configuration was read again, is wrong and has no effect");
    }
    controller_settings_done(&settings);
}

static struct reports *open_reports(const char *data_dir, int64_t now_ms)
{
    CLEANUP(memory_freep) char *directory = memory_printf("%s/reports", data_dir);
    struct reports *reports = reports_open(directory, PROGRAM_VERSION, now_ms);

    if (backtrace_install(reports_directory(reports), reports_crash_name(reports), ABOUT) != 0)
        log_warn("the path of the data directory is too long: a crash is reported on standard error only");
    return reports;
}

static int serve(struct shell *shell, const struct settings *settings)
{
    struct service *service = &shell->service;
    struct loop *loop = loop_new();
    struct store *store = service_open_store(loop, settings->data_dir);
    /* only those of a directory that nobody else uses */
    struct reports *reports = store ? open_reports(settings->data_dir, loop_wall_ms(loop)) : NULL;
    int status = EXIT_START;

    loop_on_signal(loop, SIGTERM, stop, shell);
    loop_on_signal(loop, SIGINT, stop, shell);
    loop_on_signal(loop, SIGHUP, reload, shell);
    if (service_init(service, loop, store, reports, settings->data_dir, settings->listen_address,
                     settings->listen_port) == 0) {
        service->config_directory = settings->config_dir;
        service->refuses_web_pages = settings->has_no_cors;
        service->requires_json = settings->requires_json;
        http_server_set_cors(service->http, !settings->has_no_cors);
        if (settings->passphrase)
            vault_set_automatic(service, settings->passphrase);
        notify_manager("READY=1");
        loop_run(loop);
        status = 0;
    }
    service_done(service);
    reports_free(reports);
    loop_free(loop);
    return status;
}

static int handle_unreadable(const struct settings *settings)
{
    struct loop *loop = loop_new();
    struct store *store = service_open_store(loop, settings->data_dir);
    char why[512];
    int result = store ? quarantine_run(loop, store, settings->unreadable, stdout, why, sizeof(why)) : -1;

    if (store && result != 0)
        log_error("%s", why);
    loop_free(loop);
    return result == 0 ? 0 : EXIT_START;
}

static int run(int argc, char **argv)
{
    struct shell shell = { .argc = argc, .argv = argv };
    struct settings settings;
    int result = controller_settings_read(&settings, argc, argv);

    if (result == 0) {
        log_set_level(settings.level);
        signal(SIGPIPE, SIG_IGN);
        result = settings.unreadable ? handle_unreadable(&settings) : serve(&shell, &settings);
    }
    controller_settings_done(&settings);
    return result < 0 ? 0 : result;
}

const struct role role_controller = {
    .name = "controller",
    .summary = "keeps the desired state of the cluster and answers REST",
    .main = run,
};
