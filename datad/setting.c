#include "datad/setting.h"

#include <string.h>

#include "base/log.h"
#include "datad/skip_list.h"

static enum err read_images(const struct datad_config *config, struct images_rule *out)
{
    if (config->images == NULL || config->images[0] == '\0') return OK;
    struct images_rule rule = {.tokens = (uint32_t)config->images_tokens,
                               .placeholder = (uint32_t)config->images_placeholder,
                               .row_capacity = (uint32_t)config->images_capacity,
                               .max_pixels = config->images_max_pixels,
                               .as_f32 = config->images_pixels == 1};
    TRY(image_recipe_find(config->images, &rule.recipe));
    *out = rule;
    return OK;
}

/// Those that are open are counted in s, whatever happens.
static enum err open_source(const struct source_options *o, const struct images_rule *images,
                            struct arena *a, struct setting *s)
{
    struct source *source = &s->sources[s->n_sources];
    TRY(source_open_dataset(o, a, source));
    s->n_sources++;
    return images->recipe == NULL ? OK : source_images_put(images, a, source);
}

static enum err open_sources(const struct datad_config *config, struct arena *a, struct setting *s)
{
    TRY(read_images(config, &s->rule.images));
    s->sources = ARENA_ARRAY(a, struct source, config->n_sources);
    for (size_t i = 0; i < config->n_sources; i++) {
        const struct datad_source *from = &config->sources[i];
        const struct source_options o = {from->name, from->path,
                                         from->filter == NULL ? "" : from->filter, from->weight};
        const enum err e = open_source(&o, &s->rule.images, a, s);
        if (e != OK) return fail_at(e, "source %s", from->name);
    }
    return OK;
}

static enum err read_changes(const struct datad_config *config, struct arena *a,
                             struct edits_given *edits)
{
    struct edits_change *out = ARENA_ARRAY(a, struct edits_change, config->n_changes);
    for (size_t i = 0; i < config->n_changes; i++) {
        double *weights = ARENA_ARRAY(a, double, config->n_sources);
        TRY(datad_config_weights(config, config->changes[i].weights, a, weights));
        out[i] = (struct edits_change){config->changes[i].from_tokens, weights};
    }
    edits->changes = out;
    edits->n_changes = config->n_changes;
    return OK;
}

static void read_skips(const struct datad_config *config, struct arena *a,
                       struct edits_given *edits)
{
    struct edits_skip *out = ARENA_ARRAY(a, struct edits_skip, config->n_skips);
    for (size_t i = 0; i < config->n_skips; i++)
        out[i] = (struct edits_skip){config->skips[i].from_tokens, config->skips[i].n_tokens};
    edits->skips = out;
    edits->n_skips = config->n_skips;
}

static bool has_document(const struct source *s, const struct edits_document *d)
{
    if (s->hash.lo != d->dataset.lo || s->hash.hi != d->dataset.hi) return false;
    const struct source_bin last = source_bin(s, s->n_bins - 1);
    return d->document < last.first_document + last.n_documents;
}

/// A list may speak of datasets that a run left behind, but one of which nothing is there was
/// written for others: then all that it should keep out would be trained on.
static enum err check_documents(const char *path, const struct edits_given *edits,
                                const struct source *sources, size_t n_sources)
{
    size_t n_found = 0;
    for (size_t i = 0; i < edits->n_documents; i++) {
        bool found = false;
        for (size_t s = 0; s < n_sources && !found; s++)
            found = has_document(&sources[s], &edits->documents[i]);
        n_found += found;
    }
    if (n_found == edits->n_documents) return OK;
    if (n_found == 0)
        return fail(ERR_CONFIG, "%s: none of its %zu documents is in a source's dataset", path,
                    edits->n_documents);
    log_line("datad: %s: %zu of %zu documents are in no source's dataset", path,
             edits->n_documents - n_found, edits->n_documents);
    return OK;
}

static enum err read_edits(const struct datad_config *config, const struct setting *s,
                           struct arena *a, struct edits_given *edits)
{
    TRY(read_changes(config, a, edits));
    read_skips(config, a, edits);
    if (config->skip_documents == NULL || config->skip_documents[0] == '\0') return OK;
    struct edits_document *documents;
    TRY(skip_list_read(config->skip_documents, a, &documents, &edits->n_documents));
    edits->documents = documents;
    return check_documents(config->skip_documents, edits, s->sources, s->n_sources);
}

/// The folder of the socket.
static const char *tables_of(const struct datad_config *config, struct arena *a)
{
    if (config->tables != NULL && config->tables[0] != '\0') return config->tables;
    const char *slash = strrchr(config->socket, '/');
    return slash == NULL ? "." : arena_strndup(a, config->socket, (size_t)(slash - config->socket));
}

enum err setting_open(const struct datad_config *config, struct arena *a, struct setting *out)
{
    struct setting s = {0};
    struct edits_given edits = {0};
    enum err e = open_sources(config, a, &s);
    if (e == OK) e = source_check_all(s.sources, s.n_sources);
    if (e == OK) e = read_edits(config, &s, a, &edits);
    if (e != OK) {
        setting_close(&s);
        return e;
    }
    s.rule = (struct stream_rule){.sources = s.sources,
                                  .n_sources = s.n_sources,
                                  .validation = config->validation,
                                  .sequential = config->order == DATAD_SEQUENTIAL,
                                  .window_bins = config->window_bins,
                                  .packing = (enum pack_rule)config->packing,
                                  .tables = tables_of(config, a),
                                  .edits = edits,
                                  .images = s.rule.images};
    *out = s;
    return OK;
}

void setting_close(struct setting *s)
{
    for (size_t i = 0; i < s->n_sources; i++)
        source_close(&s->sources[i]);
    s->n_sources = 0;
}
