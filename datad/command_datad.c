#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cli.h"
#include "datad/datad_config.h"
#include "datad/server.h"

/// Ends with its owner: the kernel sends SIGTERM when the thread that started us ends, unless it
/// has ended already.
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

/// A descriptor a shard: as many as the system lets us have.
static enum err raise_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return fail(ERR_IO, "limit of descriptors: %s", strerror(errno));
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        return fail(ERR_IO, "limit of descriptors: %s", strerror(errno));
    return OK;
}

/// The datasets as sources [n_sources], in a.
static enum err open_sources(const struct datad_config *config, struct arena *a,
                             struct source **sources)
{
    struct source *out = ARENA_ARRAY(a, struct source, config->n_sources);
    for (size_t i = 0; i < config->n_sources; i++) {
        const struct datad_source *s = &config->sources[i];
        const enum err e = source_open_dataset(s->name, s->path, s->weight, a, &out[i]);
        if (e == OK) continue;
        for (size_t k = 0; k < i; k++)
            source_close(&out[k]);
        return fail_at(e, "source %s", s->name);
    }
    *sources = out;
    return OK;
}

static struct server_options server_of(const struct datad_config *config,
                                       const struct source *sources)
{
    const struct stream_rule rule = {.sources = sources,
                                     .n_sources = config->n_sources,
                                     .validation = config->validation,
                                     .sequential = config->order == DATAD_SEQUENTIAL,
                                     .window_bins = config->window_bins};
    return (struct server_options){.socket = config->socket,
                                   .service = {.rule = rule,
                                               .prefetch = config->prefetch,
                                               .n_workers = config->workers,
                                               .cache_bytes = config->cache_mib << 20}};
}

static enum err serve(const char *path, const struct cli_list *overrides, struct arena *a)
{
    struct datad_config config;
    struct source *sources;
    TRY(datad_config_read(path, overrides->items, overrides->n_items, a, &config));
    TRY(open_sources(&config, a, &sources));
    const struct server_options options = server_of(&config, sources);
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
    const struct cli_usage usage = {.synopsis = "weft datad CONFIG",
                                    .summary =
                                        "serve batches of a dataset to trainers on this node",
                                    .example = "weft datad datad.yaml",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    const char *config;
    TRY(cli_parse_one(argc, argv, &usage, &config));
    TRY(bind_to_owner(owner));
    TRY(give_up_rights());
    TRY(raise_descriptors());
    struct arena a;
    arena_init(&a, "datad config");
    const enum err e = serve(config, &overrides, &a);
    arena_fini(&a);
    return e;
}
