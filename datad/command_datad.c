#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cli.h"
#include "datad/datad_config.h"
#include "datad/server.h"

/// Ends with its owner: the kernel sends SIGTERM when the thread that started us ends, unless it has ended already.
static enum err bind_to_owner(uint64_t owner)
{
    if (owner == 0) return OK;
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        return fail(ERR_IO, "ask to be told of the owner's end: %s", strerror(errno));
    if ((uint64_t)getppid() != owner)
        return fail(ERR_GONE, "the owner, process %llu, is not this process's parent (any more)",
                    (unsigned long long)owner);
    return OK;
}

/// Batches are in this process's memory: no core files; nothing that it might start gains rights.
static enum err give_up_rights(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(ERR_IO, "give up rights: %s", strerror(errno));
    return OK;
}

static enum err serve(const char *path, const struct cli_list *overrides, struct arena *a)
{
    struct datad_config config;
    struct source *sources;
    TRY(datad_config_read(path, overrides->items, overrides->n_items, a, &config));
    TRY(datad_config_open(&config, a, &sources));
    const struct server_options options = datad_config_server(&config, sources);
    const enum err e = server_run(&options);
    for (size_t i = 0; i < config.n_sources; i++)
        source_close(&sources[i]);
    return e;
}

CLI_COMMAND(datad)
{
    uint64_t owner = 0;
    struct cli_list overrides = {0};
    const struct cli_option options[] = {
        {"set", 0, CLI_LIST, &overrides, "KEY=VALUE", "put VALUE in place of what CONFIG says"},
        {"owner", 0, CLI_U64, &owner, "PID",
         "end when this parent process ends (weft train says so)"}};
    char **operands;
    size_t n_operands;
    TRY(cli_parse(argc, argv,
                  &(struct cli_usage){
                      .synopsis = "weft datad CONFIG",
                      .summary = "Serves batches of tokenized documents to trainers on this node.",
                      .example = "weft datad datad.yaml",
                      .options = options,
                      .n_options = sizeof options / sizeof options[0],
                      .min_operands = 1,
                      .max_operands = 1},
                  &operands, &n_operands));
    TRY(bind_to_owner(owner));
    TRY(give_up_rights());
    struct arena a;
    arena_init(&a, "datad config");
    const enum err e = serve(operands[0], &overrides, &a);
    arena_fini(&a);
    return e;
}
