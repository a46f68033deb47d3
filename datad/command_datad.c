#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/log.h"
#include "datad/command_datad_status.h"
#include "datad/datad_config.h"
#include "datad/server.h"
#include "datad/setting.h"

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

static struct server_options server_of(const struct datad_config *config,
                                       const struct stream_rule *rule)
{
    return (struct server_options){.socket = config->socket,
                                   .metrics = config->metrics,
                                   .service = {.rule = *rule,
                                               .prefetch = config->prefetch,
                                               .n_workers = config->workers,
                                               .cache_bytes = config->cache_mib << 20}};
}

// A config with its datasets open: what a server serves until the next one is ready.
struct offer {
    struct arena a;
    struct datad_config config;
    struct setting setting;
};

struct offers {
    const char *path;
    const struct cli_list *overrides;
    struct offer now, next;
};

static void offer_close(struct offer *o)
{
    setting_close(&o->setting);
    arena_fini(&o->a);
}

static enum err offer_open(const struct offers *all, struct offer *o)
{
    *o = (struct offer){0};
    arena_init(&o->a, "datad config");
    const struct cli_list *set = all->overrides;
    enum err e = datad_config_read(all->path, set->items, set->n_items, &o->a, &o->config);
    if (e == OK) e = setting_open(&o->config, &o->a, &o->setting);
    if (e != OK) offer_close(o);
    return e;
}

/// On SIGHUP. A socket that moved would lose the clients.
static enum err reload(void *context, const struct service *running)
{
    struct offers *all = context;
    TRY(offer_open(all, &all->next));
    enum err e = OK;
    if (strcmp(all->next.config.socket, all->now.config.socket) != 0)
        e = fail(ERR_CONFIG, "%s: the socket cannot change while datad runs", all->path);
    if (e == OK) e = service_check_next(running, &all->next.setting.rule);
    if (e != OK) offer_close(&all->next);
    return e;
}

static enum err serve(struct offers *all)
{
    TRY(offer_open(all, &all->now));
    bool reloads = true;
    enum err e = OK;
    for (uint64_t n_reloads = 0; e == OK && reloads; n_reloads++) {
        struct server_options options = server_of(&all->now.config, &all->now.setting.rule);
        options.n_reloads = n_reloads;
        options.reload = reload;
        options.context = all;
        e = server_run(&options, &reloads);
        offer_close(&all->now);
        if (e == OK && reloads) {
            all->now = all->next;
            log_line("datad: %s reloaded", all->path);
        }
    }
    return e;
}

CLI_COMMAND(datad)
{
    if (argc > 1 && strcmp(argv[1], "status") == 0) return command_datad_status(argc - 1, argv + 1);
    uint64_t owner = 0;
    struct cli_list overrides = {0};
    const struct cli_option options[] = {
        {"set", 0, CLI_LIST, &overrides, "KEY=VALUE", "put VALUE in place of what CONFIG says"},
        {"owner", 0, CLI_U64, &owner, "PID",
         "end when this parent process ends (weft train says so)"}};
    const struct cli_usage usage = {
        .synopsis = "weft datad CONFIG; weft datad status SOCKET|CONFIG",
        .summary = "serve batches of a dataset to trainers on this node",
        .example = "weft datad datad.yaml",
        .options = options,
        .n_options = sizeof options / sizeof options[0]};
    const char *config;
    TRY(cli_parse_one(argc, argv, &usage, &config));
    TRY(bind_to_owner(owner));
    TRY(give_up_rights());
    TRY(raise_descriptors());
    struct offers all = {.path = config, .overrides = &overrides};
    return serve(&all);
}
