// Datasets with verdicts, languages, scores and loss runs, through datad's stream: rows hold what
// the filter keeps, masks are the loss runs, token by token; documents have their names.

#include <unistd.h>

#include "datad/datad_config.h"
#include "datad/setting.h"
#include "shard/dataset/dataset_verify.h"
#include "tests/datad/columns.h"

enum { T = 64 };

typedef bool (*keeps_fn)(const struct columns_document *d);

static bool keeps_all(const struct columns_document *d)
{
    (void)d;
    return true;
}

static bool keeps_kept(const struct columns_document *d)
{
    return strcmp(d->verdict, "kept") == 0;
}

static bool keeps_good(const struct columns_document *d)
{
    return strcmp(d->language, "en") == 0 && d->quality > 0.4F;
}

static bool keeps_odd(const struct columns_document *d)
{
    return !(d->quality <= 0.3F || d->n_tokens >= 60) || strcmp(d->verdict, "gopher.words") == 0;
}

struct row {
    int32_t tokens[T], targets[T], positions[T], document_start[T];
    float mask[T];
};

/// A piece at its place: tokens, targets and mask are what the document has.
static uint64_t check_piece(const struct columns_options *o, const struct stream_document *d,
                            const struct row *row)
{
    const struct columns_document c = columns_document(o, d->document);
    char id[32];
    snprintf(id, sizeof id, "document %llu", (unsigned long long)d->document);
    CHECK(d->name.id.n_bytes == strlen(id) && memcmp(d->name.id.data, id, strlen(id)) == 0);
    CHECK(strstr(d->name.file, d->document < COLUMNS_ALL / 2 ? "shard-00000" : "shard-00001"));
    uint64_t n_loss = 0;
    for (uint32_t i = 0; i < d->n_tokens; i++) {
        const uint32_t at = (uint32_t)d->offset + i, last = c.n_tokens - 1;
        const uint32_t next =
            at + 1 == last ? COLUMNS_VOCABULARY - 1 : columns_token(d->document, at + 1);
        const bool counts = at < last && columns_counts(o, &c, at + 1);
        CHECK_EQ(row->tokens[d->at + i],
                 at == last ? COLUMNS_VOCABULARY - 1 : columns_token(d->document, at));
        CHECK_EQ(row->targets[d->at + i], counts ? next : 0);
        CHECK(row->mask[d->at + i] == (counts ? 1.0F : 0.0F));
        n_loss += counts;
    }
    return n_loss;
}

/// One epoch: every document that is kept, once.
static void check_epoch(const struct columns_options *o, struct stream *s, keeps_fn keeps)
{
    static uint64_t seen[COLUMNS_ALL];
    memset(seen, 0, sizeof seen);
    for (uint64_t p = 0; p < stream_info(s)->n_rows; p++) {
        struct arena a;
        struct row row;
        struct stream_document *documents;
        size_t n;
        uint64_t loss_tokens, expected = 0;
        arena_init(&a, "row");
        const struct pack_row out = {row.tokens, row.targets, row.mask, row.positions,
                                     row.document_start};
        CHECK_OK(stream_fill(s, (struct range){p, p + 1}, &out, &loss_tokens));
        CHECK_OK(stream_documents(s, p, &a, &documents, &n));
        for (size_t i = 0; i < n; i++) {
            expected += check_piece(o, &documents[i], &row);
            seen[documents[i].document] += documents[i].n_tokens;
        }
        CHECK_EQ(loss_tokens, expected);
        arena_fini(&a);
    }
    for (uint64_t d = 0; d < COLUMNS_ALL; d++) {
        const struct columns_document c = columns_document(o, d);
        CHECK_EQ(seen[d], keeps(&c) ? c.n_tokens : 0);
    }
}

static void open_setting(const char *path, const char *filter, int packing, struct arena *a,
                         struct setting *setting)
{
    struct datad_config *config = ARENA_NEW(a, struct datad_config);
    *config = (struct datad_config){.socket = arena_printf(a, "%s/../socket", path),
                                    .n_sources = 1,
                                    .sources = {{"made", path, 1, filter}},
                                    .window_bins = 2,
                                    .packing = packing};
    CHECK_OK(setting_open(config, a, setting));
}

static void check_stream(const struct columns_options *o, const char *path, const char *filter,
                         int packing, keeps_fn keeps)
{
    struct arena a;
    struct setting setting;
    struct bins *bins;
    struct stream *s;
    arena_init(&a, "stream");
    open_setting(path, filter, packing, &a, &setting);
    const struct bins_options b = {setting.sources, 1, 1, 2, 1 << 20};
    CHECK_OK(bins_open(&b, &a, &bins));
    const struct stream_request request = {SPLIT_TRAIN, T, 3};
    CHECK_OK(stream_open(&setting.rule, &request, bins, &a, &s));
    check_epoch(o, s, keeps);
    stream_close(s);
    bins_close(bins);
    setting_close(&setting);
    arena_fini(&a);
}

static void check_filters(const struct columns_options *o, const char *path)
{
    for (int packing = PACK_CONCAT; packing <= PACK_BEST_FIT; packing++) {
        check_stream(o, path, "", packing, o->verdicts ? keeps_kept : keeps_all);
        check_stream(o, path, "lang == \"en\" && quality > 0.4", packing, keeps_good);
        check_stream(o, path, "tokens >= 0", packing, keeps_all);
        if (o->verdicts)
            check_stream(o, path,
                         "!(score.quality <= 0.3 || tokens >= 60) || verdict == \"gopher.words\"",
                         packing, keeps_odd);
    }
}

/// Loss runs that do not fit: every row of that bin, and verify, say so; nothing else is touched.
static void check_bad_runs(uint64_t seed, const char *path)
{
    const struct columns_options o = {.seed = seed, .losses = true, .bad = COLUMNS_DOCUMENTS + 3};
    struct arena a;
    struct dataset *d;
    uint32_t lengths[COLUMNS_DOCUMENTS];
    static uint64_t bits[COLUMNS_DOCUMENTS * 100 / 64];
    arena_init(&a, "bad");
    columns_write(&o, path);
    CHECK_OK(dataset_open(path, &a, &d));
    for (uint64_t bin = 0; bin < COLUMNS_SHARDS * COLUMNS_BINS; bin++) {
        memset(bits, 0, sizeof bits);
        CHECK_OK(dataset_read_lengths(d, bin, lengths));
        const enum err e = dataset_read_loss(d, bin, lengths, bits);
        CHECK_EQ(e, bin == 1 ? ERR_DATA : OK);
        if (e != OK) CHECK(strstr(err_line(), "the loss runs of a document are longer than it"));
    }
    dataset_close(d);
    CHECK_ERR(dataset_verify(path, NULL, NULL), ERR_DATA);
    arena_fini(&a);
}

static void refuse(const char *path, const char *filter, const char *line)
{
    struct arena a;
    struct source source;
    arena_init(&a, "refused");
    const struct source_options o = {"made", path, filter, 1};
    CHECK_ERR(source_open_dataset(&o, &a, &source), ERR_CONFIG);
    CHECK_LINE(line);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    char folder[] = "test-columns-XXXXXX", path[64];
    CHECK(mkdtemp(folder) != NULL);
    for (int i = 0; i < 4; i++) {
        const struct columns_options o = {.seed = seed, .verdicts = i % 2, .losses = i / 2};
        snprintf(path, sizeof path, "%s/data-%d", folder, i);
        columns_write(&o, path);
        check_filters(&o, path);
    }
    refuse(path, "qualty > 1", "filter: at 1: no column 'qualty'; did you mean 'quality'?");
    refuse(path, "tokens > 1 &&", "filter: at 14: the expression ends here");
    snprintf(path, sizeof path, "%s/data-0", folder);
    refuse(path, "verdict == \"kept\"", "filter: at 1: the dataset has no column 'verdict'");
    snprintf(path, sizeof path, "%s/bad", folder);
    check_bad_runs(seed, path);
    CHECK_OK(file_remove_tree(folder));
    return 0;
}
