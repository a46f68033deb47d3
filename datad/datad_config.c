#include "datad/datad_config.h"

#include <string.h>

#include "base/file.h"
#include "base/runfile.h"
#include "datad/client.h"
#include "datad/mixture.h"

#define FIELD(name) offsetof(struct datad_config, name)
#define LIST                                                                   \
    .list_offset = FIELD(sources), .list_stride = sizeof(struct datad_source), \
    .list_limit = DATAD_SOURCES, .count_offset = FIELD(n_sources)

static const struct runfile_key keys[] = {
    {"socket", RUNFILE_TEXT, FIELD(socket), .help = "path of the Unix socket"},
    {"metrics", RUNFILE_TEXT, FIELD(metrics), .fallback = "",
     .help = "where to serve Prometheus: 127.0.0.1:9464, or a port of loopback"},
    {"sources[].name", RUNFILE_TEXT, offsetof(struct datad_source, name), LIST,
     .help = "for messages"},
    {"sources[].path", RUNFILE_TEXT, offsetof(struct datad_source, path), LIST,
     .help = "folder that weft shard build wrote"},
    {"sources[].weight", RUNFILE_F64, offsetof(struct datad_source, weight), LIST, .fallback = "1",
     .min = 0, .max = 1e9, .help = "share of the rows, relative to the others'"},
    {"validation", RUNFILE_F64, FIELD(validation), .fallback = "0.01", .min = 0, .max = 0.5,
     .help = "fraction of each source's tokens held out"},
    {"order", RUNFILE_CHOICE, FIELD(order), .fallback = "shuffled",
     .choices = "shuffled sequential", .help = "of bins and rows"},
    {"window", RUNFILE_U64, FIELD(window_bins), .fallback = "8", .min = 1, .max = 4096,
     .help = "bins whose rows are mixed with each other"},
    {"prefetch", RUNFILE_U64, FIELD(prefetch), .fallback = "16", .min = 1, .max = CLIENT_WINDOW,
     .help = "batches that a client asks for ahead"},
    {"workers", RUNFILE_U64, FIELD(workers), .fallback = "1", .min = 1, .max = 64,
     .help = "threads that make batches"},
    {"cache", RUNFILE_U64, FIELD(cache_mib), .fallback = "512", .min = 1, .max = 1 << 20,
     .help = "MiB of decoded tokens to keep"},
};

_Static_assert((int)DATAD_SOURCES == (int)MIXTURE_SOURCES, "every source fits the mixture");

static const struct runfile_table table = {keys, sizeof keys / sizeof keys[0]};

static enum err check(const char *path, const struct datad_config *c)
{
    if (c->n_sources == 0) return fail(ERR_CONFIG, "%s: 'sources' is empty", path);
    for (size_t i = 0; i < c->n_sources; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->sources[i].name, c->sources[k].name) == 0)
                return fail(ERR_CONFIG, "%s: two sources are named '%s'", path, c->sources[i].name);
    return OK;
}

enum err datad_config_read(const char *path, const char *const *overrides, size_t n_overrides,
                           struct arena *a, struct datad_config *out)
{
    struct datad_config c = {0};
    TRY(runfile_read(path, overrides, n_overrides, &table, a, &c));
    TRY(check(path, &c));
    *out = c;
    return OK;
}

enum err datad_config_write(const struct datad_config *config, const char *path)
{
    struct arena a;
    arena_init(&a, "datad config");
    const char *text = runfile_print(&table, config, &a);
    const enum err e = file_replace(path, text, strlen(text));
    arena_fini(&a);
    return e;
}
