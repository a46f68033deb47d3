#include "datad/datad_config.h"

#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "base/runfile.h"
#include "base/spell.h"
#include "datad/client.h"
#include "datad/mixture.h"
#include "datad/pack.h"
#include "datad/source_images.h"

#define FIELD(name) offsetof(struct datad_config, name)
#define LIST(field, count, limit)                                                             \
    .list_offset = FIELD(field), .list_stride = sizeof(((struct datad_config *)0)->field[0]), \
    .list_limit = (limit), .count_offset = FIELD(count)
#define SOURCES LIST(sources, n_sources, DATAD_SOURCES)
#define CHANGES LIST(changes, n_changes, DATAD_CHANGES)
#define SKIPS LIST(skips, n_skips, DATAD_SKIPS)

static const struct runfile_key keys[] = {
    {"socket", RUNFILE_TEXT, FIELD(socket), .help = "path of the Unix socket"},
    {"metrics", RUNFILE_TEXT, FIELD(metrics), .fallback = "",
     .help = "where to serve Prometheus: 127.0.0.1:9464, or a port of loopback"},
    {"sources[].name", RUNFILE_TEXT, offsetof(struct datad_source, name), SOURCES,
     .help = "for messages"},
    {"sources[].path", RUNFILE_TEXT, offsetof(struct datad_source, path), SOURCES,
     .help = "folder that weft shard build wrote"},
    {"sources[].weight", RUNFILE_F64, offsetof(struct datad_source, weight), SOURCES,
     .fallback = "1", .min = 0, .max = 1e9, .help = "share of the tokens, relative to the others'"},
    {"sources[].filter", RUNFILE_TEXT, offsetof(struct datad_source, filter), SOURCES,
     .fallback = "", .help = "condition over columns; empty = what the build kept"},
    {"validation", RUNFILE_F64, FIELD(validation), .fallback = "0.01", .min = 0, .max = 0.5,
     .help = "fraction of each source's tokens held out"},
    {"order", RUNFILE_CHOICE, FIELD(order), .fallback = "shuffled",
     .choices = "shuffled sequential", .help = "of bins and rows"},
    {"window", RUNFILE_U64, FIELD(window_bins), .fallback = "8", .min = 1, .max = 4096,
     .help = "bins whose rows are mixed with each other"},
    {"packing", RUNFILE_CHOICE, FIELD(packing), .fallback = "concat", .choices = "concat best-fit",
     .help = "documents end to end, or whole where they fit"},
    {"tables", RUNFILE_TEXT, FIELD(tables), .fallback = "",
     .help = "folder for row tables; empty = the socket's"},
    {"mixture[].from_tokens", RUNFILE_U64, offsetof(struct datad_change, from_tokens), CHANGES,
     .min = 0, .max = 9e15, .help = "tokens of the run (rows * T) before these weights"},
    {"mixture[].weights", RUNFILE_TEXT, offsetof(struct datad_change, weights), CHANGES,
     .help = "name=weight words; sources not named have 0"},
    {"skip[].from_tokens", RUNFILE_U64, offsetof(struct datad_skip, from_tokens), SKIPS, .min = 0,
     .max = 9e15, .help = "tokens of the run before the gap"},
    {"skip[].tokens", RUNFILE_U64, offsetof(struct datad_skip, n_tokens), SKIPS, .min = 0,
     .max = 9e15, .help = "tokens of the stream left out"},
    {"skip_documents", RUNFILE_TEXT, FIELD(skip_documents), .fallback = "",
     .help = "file of documents left out, as weft data blame writes it"},
    {"images.recipe", RUNFILE_TEXT, FIELD(images), .fallback = "",
     .help = "what images become: siglip-224, tiles-224, ..; empty = they are left out"},
    {"images.tokens", RUNFILE_U64, FIELD(images_tokens), .fallback = "256", .min = 0,
     .max = SOURCE_IMAGES_TOKENS_LIMIT, .help = "placeholder tokens a picture"},
    {"images.placeholder", RUNFILE_U64, FIELD(images_placeholder), .fallback = "0", .min = 0,
     .max = UINT32_MAX, .help = "their id"},
    {"images.capacity", RUNFILE_U64, FIELD(images_capacity), .fallback = "0", .min = 0,
     .max = 1 << 20, .help = "pictures of a row; 0 = as many as T tokens can be of"},
    {"images.max_pixels", RUNFILE_U64, FIELD(images_max_pixels), .fallback = "0", .min = 0,
     .max = 89478485, .help = "of an image; larger ones are black; 0 = 89478485"},
    {"images.pixels", RUNFILE_CHOICE, FIELD(images_pixels), .fallback = "u8", .choices = "u8 f32",
     .help = "as they are, or normalised"},
    {"prefetch", RUNFILE_U64, FIELD(prefetch), .fallback = "16", .min = 1, .max = CLIENT_WINDOW,
     .help = "batches that a client asks for ahead"},
    {"workers", RUNFILE_U64, FIELD(workers), .fallback = "1", .min = 1, .max = 64,
     .help = "threads that make batches"},
    {"cache", RUNFILE_U64, FIELD(cache_mib), .fallback = "512", .min = 1, .max = 1 << 20,
     .help = "MiB of decoded tokens to keep"},
};

_Static_assert((int)DATAD_SOURCES == (int)MIXTURE_SOURCES, "every source fits the mixture");
_Static_assert(PACK_CONCAT == 0 && PACK_BEST_FIT == 1, "as the choices of packing");

static const struct runfile_table table = {keys, sizeof keys / sizeof keys[0]};

static size_t find_source(const struct datad_config *c, const char *name)
{
    size_t i = 0;
    while (i < c->n_sources && strcmp(c->sources[i].name, name) != 0)
        i++;
    return i;
}

static enum err unknown_source(const struct datad_config *c, const char *name)
{
    const char *names[DATAD_SOURCES];
    for (size_t i = 0; i < c->n_sources; i++)
        names[i] = c->sources[i].name;
    const size_t near = spell_nearest(name, names, c->n_sources);
    if (near == c->n_sources) return fail(ERR_CONFIG, "no source is named '%s'", name);
    return fail(ERR_CONFIG, "no source is named '%s'; did you mean '%s'?", name, names[near]);
}

/// One "name=weight"; the weight is what stands behind the last =.
static enum err take_weight(const struct datad_config *c, char *word, double *weights)
{
    char *sign = strrchr(word, '=');
    double weight;
    if (sign == NULL || !number_parse_f64(sign + 1, &weight) || !(weight >= 0))
        return fail(ERR_CONFIG, "'%s' is not name=weight with a weight of 0 or more", word);
    *sign = '\0';
    const size_t i = find_source(c, word);
    if (i == c->n_sources) return unknown_source(c, word);
    weights[i] = weight;
    return OK;
}

enum err datad_config_weights(const struct datad_config *config, const char *text, struct arena *a,
                              double *weights)
{
    char *rest = arena_strdup(a, text), *word;
    memset(weights, 0, config->n_sources * sizeof *weights);
    while ((word = strtok_r(rest, " ,", &rest)) != NULL)
        TRY(take_weight(config, word, weights));
    for (size_t i = 0; i < config->n_sources; i++)
        if (weights[i] > 0) return OK;
    return fail(ERR_CONFIG, "weights '%s' give no source any weight", text);
}

static enum err check_changes(const char *path, const struct datad_config *c, struct arena *a)
{
    double weights[DATAD_SOURCES];
    for (size_t i = 0; i < c->n_changes; i++) {
        const enum err e = datad_config_weights(c, c->changes[i].weights, a, weights);
        if (e != OK) return fail_at(e, "%s: mixture[%zu]", path, i);
    }
    return OK;
}

static enum err check(const char *path, const struct datad_config *c, struct arena *a)
{
    if (c->n_sources == 0) return fail(ERR_CONFIG, "%s: 'sources' is empty", path);
    for (size_t i = 0; i < c->n_sources; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->sources[i].name, c->sources[k].name) == 0)
                return fail(ERR_CONFIG, "%s: two sources are named '%s'", path, c->sources[i].name);
    if (c->images != NULL && c->images[0] != '\0' && c->images_tokens == 0)
        return fail(ERR_CONFIG, "%s: images.tokens is 0", path);
    return check_changes(path, c, a);
}

enum err datad_config_check(const struct datad_config *config, const char *name)
{
    struct arena a;
    arena_init(&a, "datad config");
    const enum err e = check(name, config, &a);
    arena_fini(&a);
    return e;
}

enum err datad_config_read(const char *path, const char *const *overrides, size_t n_overrides,
                           struct arena *a, struct datad_config *out)
{
    struct datad_config c = {0};
    TRY(runfile_read(path, overrides, n_overrides, &table, a, &c));
    TRY(datad_config_check(&c, path));
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
