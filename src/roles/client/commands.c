/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The top of the tree, the global options, and the commands that talk to no controller. */
#include "roles/client/commands.h"

#include "roles/client/completion.h"
#include "roles/client/help.h"
#include "roles/client/interactive.h"

static const struct argument global_arguments[] = {
    { "--version -v", .count = COUNT_FLAG, .help = "Show the client's version and end." },
    { "--no-color", .count = COUNT_FLAG, .help = "No colours. They are used on terminals only." },
    { "--color", .count = COUNT_FLAG, .help = "Colours even if the output is no terminal." },
    { "--no-utf8", .count = COUNT_FLAG, .help = "Tables in ASCII. That is so if the output is no terminal." },
    { "--utf8", .count = COUNT_FLAG, .help = "Tables with line drawing characters even if the output is no terminal." },
    { "--warn-as-error", .count = COUNT_FLAG, .help = "End with 10 after a warning, too." },
    { "--curl", .count = COUNT_FLAG, .help = "Print the requests as curl commands in place of sending them." },
    { "--controllers", "LIST", .help = "Controllers, parted by commas, that are tried in order; localhost:3370." },
    { "--machine-readable -m", .count = COUNT_FLAG, .help = "Print JSON." },
    { "--output-version", "VERSION", .choices = "v0 v1", .help = "Form of the JSON; v1, or LS_OUTPUT_VERSION." },
    { "--verbose -V", .count = COUNT_FLAG, .help = "Say which controller is in use." },
    { "--timeout -t", "SECONDS", .type = TYPE_INTEGER, .help = "Longest wait for an answer; 300." },
    { "--disable-config", .count = COUNT_FLAG, .help = "Read no configuration files." },
    { "--user -u", "NAME", .help = "Name to log in with." },
    { "--password -P", "PASSWORD", .help = "Password to log in with; without it you are asked." },
    { "--auth-token", "TOKEN", .help = "Token to log in with." },
    { "--allow-insecure-auth", .count = COUNT_FLAG, .help = "Send the password over a connection without TLS." },
    { "--certfile", "FILE", .is_hidden = true },
    { "--keyfile", "FILE", .is_hidden = true },
    { "--cafile", "FILE", .is_hidden = true },
    { "--no-pager", .count = COUNT_FLAG, .is_hidden = true },
    { 0 },
};

static int run_help(struct call *call)
{
    const struct argument_value *given = arguments_find(call->arguments, "command");
    struct text_list words = { 0 };

    for (uint32_t i = 0; given && i < given->texts.count; i++)
        text_list_add(&words, given->texts.at[i], call->arena);
    text_list_add(&words, "-h", call->arena);
    return client_run(call->client, words.at, words.count);
}

static int run_list_commands(struct call *call)
{
    CLEANUP(buf_done) struct buf text = { 0 };

    help_commands(&text, &command_root, arguments_have(call->arguments, "tree"));
    client_print(call->client, &text);
    return EXIT_OK;
}

static int run_completion(struct call *call)
{
    CLEANUP(buf_done) struct buf text = { 0 };

    completion_print_bash(&text, &command_root, call->arena);
    client_print(call->client, &text);
    return EXIT_OK;
}

static int run_interactive(struct call *call)
{
    return interactive_run(call->client, stdin);
}

static int run_exit(struct call *call)
{
    (void)call;
    return EXIT_OK;
}

static const struct argument help_arguments[] = {
    { "command", .count = COUNT_ANY, .help = "Words of a command." },
    { 0 },
};
static const struct argument list_commands_arguments[] = {
    { "--tree -t", .count = COUNT_FLAG, .help = "With everything below them." },
    { 0 },
};

static const struct command commands_completion[] = {
    { "bash", "Print a script for bash.", .run = run_completion, .is_local = true },
    { 0 },
};

static const struct command commands[] = {
    { "interactive", "Read commands line by line.", .run = run_interactive, .is_local = true },
    { "help", "Show help for a command.", .arguments = { help_arguments }, .run = run_help, .is_local = true },
    { "list-commands commands list", "List the commands.", .arguments = { list_commands_arguments },
      .run = run_list_commands, .is_local = true },
    { "completion", "Completion of commands and options for shells.", commands_completion },
    { "exit quit", "End the interactive mode.", .run = run_exit, .is_hidden = true, .is_local = true },
    { "controller c", "The controller, and settings of the whole cluster. The daemon itself: linstor-controller.",
      commands_controller },
    { "node n", "Nodes of the cluster.", commands_node },
    { "physical-storage ps", "Disks of the nodes.", commands_physical_storage },
    { "storage-pool sp", "Storage of the nodes.", commands_storage_pool },
    { "resource-group rg", "Rules by which resources are made.", commands_resource_group },
    { "volume-group vg", "Volumes that resource groups make.", commands_volume_group },
    { "resource-definition rd", "Resources, wherever their replicas are.", commands_resource_definition },
    { "volume-definition vd", "Volumes of resources.", commands_volume_definition },
    { "resource r", "Replicas of resources on nodes.", commands_resource },
    { "volume v", "Volumes of replicas.", commands_volume },
    { "advise adv", "Hints about resources.", commands_advise },
    { "encryption e", "The master passphrase of encrypted volumes.", commands_encryption },
    { "space-reporting spr", "How much space is used.", commands_space_reporting },
    { "error-reports err", "Reports about errors.", commands_error_reports },
    { 0 },
};

const struct command command_root = {
    .names = "linstor",
    .summary = "Manage replicated block storage on a cluster of machines.",
    .children = commands,
    .arguments = { global_arguments },
};
