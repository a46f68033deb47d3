#include "trainer/run/feed.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

// How long a datad of ours may pack a dataset that it sees for the first time.
#define PACKING_NS UINT64_C(3600000000000)

static bool keep_waiting(void *context)
{
    struct feed *f = context;
    fabric_poll(f->fabric);
    f->cause = feed_supervise(f);
    return f->cause == OK;
}

enum err feed_supervise(struct feed *f)
{
    if (!f->owner || f->daemon.pid == 0) return OK;
    int restarted = 0;
    TRY(daemon_supervise(&f->daemon, &restarted));
    if (restarted) log_line("datad died and was started again (%lu times)", ++f->n_restarts);
    return OK;
}

// A socket path short enough for sun_path, the same for all ranks of a node: by the hash of the run
// folder.
static enum err own_socket(const char *run_folder, struct arena *a, char **out)
{
    char *folder = arena_printf(a, "/dev/shm/weft-%u", (unsigned)getuid());
    TRY(file_make_folders(folder));
    if (chmod(folder, 0700) != 0)
        return fail(ERR_DENIED, "%s belongs to somebody else: remove it or set data.socket",
                    folder);
    char path[PATH_MAX]; // whole: runs of the same name in other places have their own
    if (realpath(run_folder, path) == NULL)
        return fail(ERR_IO, "find %s: %s", run_folder, strerror(errno));
    *out = arena_printf(a, "%s/%016lx.sock", folder, hash_xxh3(path, strlen(path), 0));
    return OK;
}

static struct client_options options_of(const struct feed *f, const struct config *c,
                                        bool validation)
{
    const struct feed_start none = {0}; // validation takes the same rows in every phase
    const struct feed_start *start = validation ? &none : &f->start;
    return (struct client_options){.socket = f->socket,
                                   .first_step = start->first_step,
                                   .first_row = start->first_row,
                                   .next_step = start->next_step,
                                   .split = validation ? "validation" : "train",
                                   .sequence = c->train.sequence,
                                   .lane_rows = c->train.micro_batch,
                                   .step_lanes =
                                       validation ? config_eval_lanes(c) : config_step_lanes(c),
                                   .seed = c->data.seed};
}

// Steps become tokens: the same place in the run whatever a phase's batch and sequence are.
static void take_edits(const struct config *whole, struct datad_config *d)
{
    const struct config_data *data = &whole->data;
    d->n_changes = data->n_mixture;
    for (size_t i = 0; i < d->n_changes; i++)
        d->changes[i] = (struct datad_change){
            config_tokens_before(whole, data->mixture[i].from_step), data->mixture[i].weights};
    d->n_skips = data->n_skips;
    for (size_t i = 0; i < d->n_skips; i++) {
        const struct config_skip *s = &data->skips[i];
        const uint64_t from = config_tokens_before(whole, s->from_step);
        const uint64_t to = config_tokens_before(whole, s->from_step + s->n_steps);
        d->skips[i] = (struct datad_skip){from, to - from};
    }
}

void feed_daemon_config(const struct config *whole, const struct config *c, const char *run_folder,
                        struct arena *a, struct datad_config *out)
{
    *out = (struct datad_config){.socket = c->data.socket,
                                 .packing = c->data.packing,
                                 .tables = arena_printf(a, "%s/tables", run_folder),
                                 .skip_documents = c->data.skip_documents,
                                 .n_sources = c->data.n_sources,
                                 .validation = c->data.validation,
                                 .order = c->data.order == CONFIG_SHUFFLED ? DATAD_SHUFFLED
                                                                           : DATAD_SEQUENTIAL,
                                 .window_bins = c->data.window_bins,
                                 .prefetch = c->data.prefetch,
                                 .workers = c->data.workers,
                                 .cache_mib = c->data.cache_mib};
    for (size_t i = 0; i < out->n_sources; i++) {
        const struct config_source *s = &c->data.sources[i];
        out->sources[i] = (struct datad_source){s->name, s->path, s->weight, s->filter};
    }
    take_edits(whole, out);
}

// What datad would only say in its own log.
static enum err check_sources(const struct config *c)
{
    for (size_t i = 0; i < c->data.n_sources; i++)
        if (!file_is_folder(c->data.sources[i].path))
            return fail(ERR_IO, "data.sources[%zu].path: no folder %s", i, c->data.sources[i].path);
    return OK;
}

static enum err start_daemon(struct feed *f, const struct config *c, const char *run_folder,
                             const char *weft, struct arena *a)
{
    if (!f->owner || client_answers(f->socket)) return OK;
    TRY(check_sources(c));
    int node = fabric_node(f->fabric); // nodes share the run folder
    const char *path = arena_printf(a, "%s/datad-%d.yaml", run_folder, node);
    struct datad_config *config = ARENA_NEW(a, struct datad_config);
    feed_daemon_config(f->start.whole, c, run_folder, a, config);
    config->socket = f->socket;
    TRY(datad_config_check(config, "data"));
    TRY(datad_config_write(config, path));
    return daemon_start(&f->daemon, weft, path,
                        arena_printf(a, "%s/datad-%d.log", run_folder, node));
}

static enum err open_client(struct feed *f, const struct config *c, bool validation,
                            struct arena *a, struct client **out)
{
    struct client_options o = options_of(f, c, validation);
    o.keep_waiting = keep_waiting;
    if (f->daemon.pid != 0) o.open_deadline_ns = PACKING_NS; // it is alive: that is watched
    o.context = f;
    const enum err e = client_open(&o, a, out);
    if (e != OK) return f->cause != OK ? f->cause : e;
    uint32_t vocabulary = client_info(*out)->vocabulary;
    if (vocabulary > c->model.vocabulary)
        return fail(ERR_CONFIG,
                    "model.vocabulary %lu is smaller than the data's %u: set it to %u or more",
                    c->model.vocabulary, vocabulary, vocabulary);
    return OK;
}

static bool is_random(const struct config *c)
{
    return strcmp(c->data.kind, "random") == 0;
}

static enum err find_socket(struct feed *f, const struct config *c, const char *run_folder,
                            struct arena *a)
{
    if (is_random(c))
        f->socket = arena_printf(a, "random:%lu", c->model.vocabulary);
    else if (c->data.socket[0] != '\0')
        f->socket = arena_strdup(a, c->data.socket);
    else
        return own_socket(run_folder, a, &f->socket);
    return OK;
}

static enum err open_clients(struct feed *f, const struct config *c, struct arena *a)
{
    TRY(open_client(f, c, false, a, &f->train));
    return c->train.eval_every > 0 ? open_client(f, c, true, a, &f->validation) : OK;
}

static enum err open_owner(struct feed *f, const struct config *c, const char *run_folder,
                           const char *weft, struct arena *a)
{
    if (!is_random(c)) TRY(start_daemon(f, c, run_folder, weft, a));
    return open_clients(f, c, a);
}

// Owners first: what is wrong with the data is theirs to know, and no other rank waits for a datad
// that will not come.
static enum err open_in_turn(struct feed *f, const struct config *c, const char *run_folder,
                             const char *weft, struct arena *a)
{
    enum err err = find_socket(f, c, run_folder, a);
    if (err == OK && f->owner) err = open_owner(f, c, run_folder, weft, a);
    TRY(fabric_agree(f->fabric, err));
    return fabric_agree(f->fabric, f->owner ? OK : open_clients(f, c, a));
}

enum err feed_open(struct feed *f, const struct config *c, const struct feed_start *start,
                   const char *run_folder, const char *weft, struct fabric *fabric, struct arena *a)
{
    *f = (struct feed){.start = *start, .fabric = fabric, .owner = fabric_local_rank(fabric) == 0};
    enum err err = open_in_turn(f, c, run_folder, weft, a);
    if (err != OK) feed_close(f);
    return err;
}

void feed_close(struct feed *f)
{
    if (f->train != NULL) client_close(f->train);
    if (f->validation != NULL) client_close(f->validation);
    f->train = f->validation = NULL;
    if (f->owner) daemon_stop(&f->daemon);
}
