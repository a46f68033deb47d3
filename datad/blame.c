#include "datad/blame.h"

#include "datad/setting.h"
#include "datad/skip_list.h"
#include "datad/stream.h"

enum { CACHE_BYTES = 64 << 20 };

struct answers {
    const struct setting *setting;
    struct arena *a;
    struct blame_answer *items;
    size_t n, capacity;
};

static struct blame_answer answer_of(const struct answers *all, uint64_t row,
                                     const struct stream_document *d)
{
    const struct source *source = &all->setting->sources[d->source];
    return (struct blame_answer){.row = row,
                                 .source = arena_strdup(all->a, source->name),
                                 .dataset = source->hash,
                                 .document = d->document,
                                 .offset = d->offset,
                                 .n_tokens = d->n_tokens,
                                 .at = d->at,
                                 .skipped = d->skipped,
                                 .shard = d->name.file ? d->name.file : "",
                                 .id = d->name.id,
                                 .from = d->name.from};
}

static enum err add_row(struct answers *all, struct stream *stream, uint64_t row)
{
    struct stream_document *documents;
    size_t n;
    TRY(stream_documents(stream, row, all->a, &documents, &n));
    all->items = ARENA_GROW(all->a, struct blame_answer, all->items, all->n + n, &all->capacity);
    for (size_t i = 0; i < n; i++)
        all->items[all->n++] = answer_of(all, row, &documents[i]);
    return OK;
}

static enum err add_rows(struct answers *all, struct bins *bins, const struct blame_question *q)
{
    const struct stream_request request = {SPLIT_TRAIN, q->T, q->seed};
    struct stream *stream;
    TRY(stream_open(&all->setting->rule, &request, bins, all->a, &stream));
    enum err e = OK;
    for (uint64_t row = q->rows.first; e == OK && row < q->rows.last; row++)
        e = add_row(all, stream, row);
    stream_close(stream);
    return e;
}

static enum err ask(struct answers *all, const struct blame_question *q)
{
    const struct bins_options options = {.sources = all->setting->sources,
                                         .n_sources = all->setting->n_sources,
                                         .n_threads = 1,
                                         .window_bins = 1,
                                         .cache_bytes = CACHE_BYTES};
    struct bins *bins;
    TRY(source_check_all(all->setting->sources, all->setting->n_sources));
    TRY(bins_open(&options, all->a, &bins));
    const enum err e = add_rows(all, bins, q);
    bins_close(bins);
    return e;
}

enum err blame_ask(const struct datad_config *config, const struct blame_question *question,
                   struct arena *a, struct blame_answer **out, size_t *n)
{
    struct setting setting;
    TRY(setting_open(config, a, &setting));
    struct answers all = {.setting = &setting, .a = a};
    const enum err e = ask(&all, question);
    setting_close(&setting);
    if (e != OK) return e;
    *out = all.items;
    *n = all.n;
    return OK;
}

enum err blame_check_skip_list(struct span text, const char *path, struct arena *a)
{
    struct edits_document *documents;
    size_t n;
    return skip_list_parse(text, path, a, &documents, &n);
}

const char *blame_skip_line(const struct blame_answer *answer, uint64_t from_tokens,
                            struct arena *a)
{
    char line[SKIP_LIST_LINE_BYTES];
    const struct edits_document d = {answer->dataset, answer->document, from_tokens};
    skip_list_line(&d, line);
    return arena_strdup(a, line);
}
