// Measures what docs/DATA.md says of the order of rows, on a dataset on disk:
//
//     bench_order make FOLDER [SHARDS]
//         a dataset of SHARDS x 10^9 tokens (100), all alike, so that it takes little room: its
//         index is as large as a real one's
//     bench_order start FOLDER T PACKING TABLES
//         opens it, and its stream; twice, so that the second finds the table of the first
//     bench_order padding FOLDER T
//         share of padding: concat, first-fit, best-fit
//     bench_order fill FOLDER T PACKING ROWS
//         rows of the stream, one after another

#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "datad/bin_documents.h"
#include "datad/datad_config.h"
#include "datad/setting.h"
#include "shard/dataset/dataset_index.h"
#include "shard/format/shard_writer.h"
#include "tests/check.h"

enum {
    MAKE_BINS = 1000,      // of a shard
    MAKE_DOCUMENTS = 1000, // of a bin
    MAKE_TOKENS = 1000,    // of a document
    MAKE_VOCABULARY = 50257,
    WINDOW = 8
};

// make

static void add_alike(struct shard_writer *w, uint32_t column, uint32_t value, size_t n)
{
    static uint32_t values[MAKE_DOCUMENTS * MAKE_TOKENS];
    for (size_t i = 0; i < n; i++)
        values[i] = value;
    CHECK_OK(shard_writer_add_u32(w, column, values, n));
}

static void add_empty(struct shard_writer *w, const char *name)
{
    const uint32_t column = shard_writer_column(w, name, COLUMN_BLOB, FRAME_ZSTD);
    for (size_t i = 0; i < (size_t)MAKE_BINS * MAKE_DOCUMENTS; i++)
        CHECK_OK(shard_writer_add_blob(w, column, (struct span){(const uint8_t *)"", 0}));
}

static void add_one(struct shard_writer *w, const char *name, uint32_t value)
{
    const uint32_t column = shard_writer_column(w, name, COLUMN_U32, FRAME_NONE);
    CHECK_OK(shard_writer_add_u32(w, column, &value, 1));
}

static void add_bins(struct shard_writer *w, uint32_t shard)
{
    const uint32_t tokens = shard_writer_column(w, "tokens", COLUMN_U16, FRAME_ZSTD);
    const uint32_t lengths = shard_writer_column(w, "lengths", COLUMN_U32, FRAME_ZSTD);
    const uint32_t text_bytes = shard_writer_column(w, "text_bytes", COLUMN_U32, FRAME_ZSTD);
    const uint32_t documents = shard_writer_column(w, "bin_documents", COLUMN_U32, FRAME_NONE);
    const uint32_t sizes = shard_writer_column(w, "bin_tokens", COLUMN_U64, FRAME_NONE);
    const uint64_t n_tokens = (uint64_t)MAKE_DOCUMENTS * MAKE_TOKENS;
    for (uint32_t b = 0; b < MAKE_BINS; b++) {
        add_alike(w, tokens, shard, n_tokens);
        add_alike(w, lengths, MAKE_TOKENS, MAKE_DOCUMENTS);
        add_alike(w, text_bytes, 4 * MAKE_TOKENS, MAKE_DOCUMENTS);
        add_alike(w, documents, MAKE_DOCUMENTS, 1);
        CHECK_OK(shard_writer_add_u64(w, sizes, &n_tokens, 1));
        CHECK_OK(shard_writer_cut(w, tokens));
        CHECK_OK(shard_writer_cut(w, lengths));
    }
}

static void make_shard(const char *folder, uint32_t number, struct pool *pool, struct arena *a,
                       struct dataset_index_shard *out)
{
    struct arena scratch;
    struct layout layout;
    const uint64_t none[2] = {0, 0};
    arena_init(&scratch, "shard");
    struct shard_writer *w = shard_writer_open(&scratch, pool);
    add_bins(w, number);
    add_empty(w, "ids");
    add_empty(w, "sources");
    add_one(w, "vocabulary", MAKE_VOCABULARY);
    add_one(w, "end_of_text", MAKE_VOCABULARY - 1);
    const uint32_t hash = shard_writer_column(w, "tokenizer_hash", COLUMN_U64, FRAME_NONE);
    CHECK_OK(shard_writer_add_u64(w, hash, none, 2));
    *out = (struct dataset_index_shard){.file = arena_printf(a, "shard-%05u.shard", number),
                                        .n_documents = (uint64_t)MAKE_BINS * MAKE_DOCUMENTS,
                                        .n_bins = MAKE_BINS};
    out->n_tokens = out->n_documents * MAKE_TOKENS;
    CHECK_OK(shard_writer_finish(w, arena_printf(a, "%s/%s", folder, out->file), &layout));
    out->id = dataset_index_hex(layout.file_id, a);
    out->n_bytes = layout.file_bytes;
    shard_writer_close(w);
    arena_fini(&scratch);
}

static void make(const char *folder, uint32_t n_shards)
{
    struct arena a;
    struct pool *pool;
    arena_init(&a, "make");
    CHECK_OK(pool_open(&a, 1, &pool));
    CHECK_OK(file_make_folders(folder));
    struct dataset_index index = {.shards = ARENA_ARRAY(&a, struct dataset_index_shard, n_shards),
                                  .n_shards = n_shards,
                                  .vocabulary = MAKE_VOCABULARY,
                                  .end_of_text = MAKE_VOCABULARY - 1,
                                  .tokenizer_hash = dataset_index_hex((struct hash128){0}, &a),
                                  .tokenizer_file = "",
                                  .tokenizer_file_hash = ""};
    for (uint32_t i = 0; i < n_shards; i++) {
        make_shard(folder, i, pool, &a, &index.shards[i]);
        index.n_documents += index.shards[i].n_documents;
        index.n_tokens += index.shards[i].n_tokens;
        index.n_bins += index.shards[i].n_bins;
    }
    CHECK_OK(dataset_index_write(&index, folder));
    pool_close(pool);
    arena_fini(&a);
}

// start, fill

struct opened {
    struct arena a;
    struct setting setting;
    struct bins *bins;
    struct stream *stream;
};

static int packing_of(const char *word)
{
    CHECK(strcmp(word, "concat") == 0 || strcmp(word, "best-fit") == 0);
    return word[0] == 'b' ? PACK_BEST_FIT : PACK_CONCAT;
}

static void begin(struct opened *o, const char *folder, uint64_t T, const char *packing,
                  const char *tables)
{
    arena_init(&o->a, "opened");
    struct datad_config *config = ARENA_NEW(&o->a, struct datad_config);
    *config = (struct datad_config){.socket = "none",
                                    .n_sources = 1,
                                    .sources = {{"data", folder, 1, ""}},
                                    .validation = 0.01,
                                    .window_bins = WINDOW,
                                    .packing = packing_of(packing),
                                    .tables = tables};
    CHECK_OK(setting_open(config, &o->a, &o->setting));
    const struct bins_options b = {o->setting.sources, 1, 1, WINDOW, 512U << 20};
    CHECK_OK(bins_open(&b, &o->a, &o->bins));
    const struct stream_request request = {SPLIT_TRAIN, T, 1};
    CHECK_OK(stream_open(&o->setting.rule, &request, o->bins, &o->a, &o->stream));
}

static void end(struct opened *o)
{
    stream_close(o->stream);
    bins_close(o->bins);
    setting_close(&o->setting);
    arena_fini(&o->a);
}

static double mebibytes(void)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return (double)usage.ru_maxrss / 1024;
}

static void start(const char *folder, uint64_t T, const char *packing, const char *tables)
{
    for (int turn = 0; turn < 2; turn++) {
        struct opened o;
        struct stream_place place;
        const uint64_t begin_ns = clock_now_ns();
        begin(&o, folder, T, packing, tables);
        stream_find(o.stream, UINT64_C(1) << 40, &place);
        const double seconds = (double)(clock_now_ns() - begin_ns) / 1e9;
        printf("%s start %d: %.3f s, %llu rows, %llu tokens, memory %.0f MiB\n", packing, turn + 1,
               seconds, (unsigned long long)stream_info(o.stream)->n_rows,
               (unsigned long long)stream_info(o.stream)->n_tokens, mebibytes());
        end(&o);
    }
}

static void fill(const char *folder, uint64_t T, const char *packing, uint64_t n_rows)
{
    struct opened o;
    begin(&o, folder, T, packing, "");
    int32_t *ids = ARENA_ARRAY(&o.a, int32_t, 4 * T);
    float *mask = ARENA_ARRAY(&o.a, float, T);
    const struct pack_row row = {ids, ids + T, mask, ids + 2 * T, ids + 3 * T};
    uint64_t loss_tokens, sum = 0;
    const uint64_t begin_ns = clock_now_ns();
    for (uint64_t i = 0; i < n_rows; i++) {
        CHECK_OK(stream_fill(o.stream, (struct range){i, i + 1}, &row, &loss_tokens));
        sum += loss_tokens;
    }
    const double seconds = (double)(clock_now_ns() - begin_ns) / 1e9;
    printf("%s: %llu rows of %llu in %.3f s: %.1f M tokens/s; %llu for the loss; memory %.0f MiB\n",
           packing, (unsigned long long)n_rows, (unsigned long long)T, seconds,
           (double)(n_rows * T) / seconds / 1e6, (unsigned long long)sum, mebibytes());
    end(&o);
}

// padding

/// Rows of T by first-fit in the order of the documents: each piece into the first row with room.
static uint64_t first_fit(const struct pack_bin *bin, uint64_t T, uint64_t *rooms)
{
    uint64_t n_rows = 0;
    for (uint64_t d = 0; d < bin->n_documents; d++)
        for (uint64_t at = 0; at < bin->lengths[d]; at += T) {
            const uint64_t n = bin->lengths[d] - at < T ? bin->lengths[d] - at : T;
            uint64_t row = 0;
            while (row < n_rows && rooms[row] < n)
                row++;
            if (row == n_rows) rooms[n_rows++] = T;
            rooms[row] -= n;
        }
    return n_rows;
}

static void padding(const char *folder, uint64_t T)
{
    struct arena a, scratch;
    struct source source;
    uint64_t rows[3] = {0}, n_tokens = 0;
    arena_init(&a, "padding");
    arena_init(&scratch, "bin");
    const struct source_options o = {"data", folder, "", 1};
    CHECK_OK(source_open_dataset(&o, &a, &source));
    for (uint64_t b = 0; b < source.n_bins; b++) {
        struct pack_bin bin;
        const struct source_bin size = source_bin(&source, b);
        CHECK_OK(bin_documents_read(&source, b, &scratch, &bin));
        uint32_t *elements =
            ARENA_ARRAY(&scratch, uint32_t,
                        pack_limit(&(struct pack_size){size.n_documents, size.n_tokens, 0}, T));
        pack_build(&bin, T, PACK_BEST_FIT, &scratch, elements);
        rows[0] += pack_rows(size.n_tokens, T);
        rows[1] += first_fit(
            &bin, T, ARENA_ARRAY(&scratch, uint64_t, size.n_documents + size.n_tokens / T + 1));
        rows[2] += pack_view(elements).n_rows;
        n_tokens += size.n_tokens;
        arena_reset(&scratch);
    }
    static const char *const names[] = {"concat", "first-fit", "best-fit"};
    for (size_t i = 0; i < 3; i++)
        printf("%-9s %9llu rows, padding %.4f%%\n", names[i], (unsigned long long)rows[i],
               100 * (1 - (double)n_tokens / (double)(rows[i] * T)));
    source_close(&source);
    arena_fini(&scratch);
    arena_fini(&a);
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    if (strcmp(what, "make") == 0)
        make(argv[2], argc > 3 ? (uint32_t)number(argv[3]) : 100);
    else if (strcmp(what, "start") == 0 && argc == 6)
        start(argv[2], number(argv[3]), argv[4], argv[5]);
    else if (strcmp(what, "padding") == 0 && argc == 4)
        padding(argv[2], number(argv[3]));
    else if (strcmp(what, "fill") == 0 && argc == 6)
        fill(argv[2], number(argv[3]), argv[4], number(argv[5]));
    else
        CHECK_SKIP("what to measure stands at the top of bench_order.c");
    return 0;
}
