// Rows written to a part file come back as they were, group by group, whatever they hold; a file
// that is not a part file of as many scores is refused.

#include "base/file.h"
#include "base/rng.h"
#include "shard/build/part_file.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"

enum { N_ROWS = 300, N_SCORES = 3, GROUP = 40 };

static struct span random_bytes(struct arena *a, uint64_t key, uint64_t row, uint64_t what,
                                size_t limit)
{
    const size_t n = rng_u64(key, row, what) % (limit + 1);
    uint8_t *bytes = arena_alloc(a, n, 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)rng_u64(key, row, 1000 * what + i);
    return (struct span){bytes, n};
}

static struct part_row random_row(struct arena *a, uint64_t key, uint64_t i)
{
    struct part_row row = {.id = random_bytes(a, key, i, 1, 30),
                           .source = random_bytes(a, key, i, 2, 10),
                           .url = random_bytes(a, key, i, 3, 60),
                           .language = random_bytes(a, key, i, 4, 2),
                           .verdict = random_bytes(a, key, i, 5, 9),
                           .text_bytes = (uint32_t)rng_u64(key, i, 6)};
    float *scores = ARENA_ARRAY(a, float, N_SCORES);
    for (int s = 0; s < N_SCORES; s++)
        scores[s] = (float)rng_u64(key, i, 7 + (uint64_t)s) / 3;
    row.n_pieces = (uint32_t)(rng_u64(key, i, 10) % 4);
    struct document_piece *pieces = ARENA_ARRAY(a, struct document_piece, row.n_pieces);
    for (uint32_t p = 0; p < row.n_pieces; p++)
        pieces[p] = (struct document_piece){(enum document_piece_kind)(p % 4), p % 2 == 1,
                                            random_bytes(a, key, i, 11 + p, 3000)};
    row.n_tokens = (uint32_t)(rng_u64(key, i, 20) % 500);
    uint32_t *tokens = ARENA_ARRAY(a, uint32_t, row.n_tokens);
    for (uint32_t t = 0; t < row.n_tokens; t++)
        tokens[t] = (uint32_t)rng_u64(key, i, 100 + t) % 60000;
    row.n_loss_runs = (uint32_t)(rng_u64(key, i, 21) % 4);
    row.n_images = (uint32_t)(rng_u64(key, i, 22) % 3);
    struct part_image *images = ARENA_ARRAY(a, struct part_image, row.n_images);
    for (uint32_t m = 0; m < row.n_images; m++)
        images[m] = (struct part_image){m, 3 * m + 1, 7, random_bytes(a, key, i, 30 + m, 2000)};
    row.scores = scores;
    row.pieces = pieces;
    row.tokens = tokens;
    row.loss_runs = tokens;
    row.images = images;
    if (row.n_loss_runs > row.n_tokens) row.n_loss_runs = 0;
    return row;
}

static int same(struct span a, struct span b)
{
    return a.n_bytes == b.n_bytes && (a.n_bytes == 0 || memcmp(a.data, b.data, a.n_bytes) == 0);
}

static void check_row(const struct part_row *x, const struct part_row *y)
{
    CHECK(same(x->id, y->id) && same(x->source, y->source) && same(x->url, y->url));
    CHECK(same(x->language, y->language) && same(x->verdict, y->verdict));
    CHECK_EQ(x->text_bytes, y->text_bytes);
    CHECK(memcmp(x->scores, y->scores, N_SCORES * sizeof *x->scores) == 0);
    CHECK(x->n_pieces == y->n_pieces && x->n_tokens == y->n_tokens);
    CHECK(x->n_loss_runs == y->n_loss_runs && x->n_images == y->n_images);
    for (uint32_t i = 0; i < x->n_pieces; i++) {
        CHECK(x->pieces[i].kind == y->pieces[i].kind && x->pieces[i].loss == y->pieces[i].loss);
        CHECK(same(x->pieces[i].bytes, y->pieces[i].bytes));
    }
    for (uint32_t i = 0; i < x->n_tokens; i++)
        CHECK_EQ(x->tokens[i], y->tokens[i]);
    for (uint32_t i = 0; i < x->n_loss_runs; i++)
        CHECK_EQ(x->loss_runs[i], y->loss_runs[i]);
    for (uint32_t i = 0; i < x->n_images; i++) {
        CHECK(x->images[i].offset == y->images[i].offset &&
              same(x->images[i].bytes, y->images[i].bytes));
        CHECK(x->images[i].width == y->images[i].width &&
              x->images[i].height == y->images[i].height);
    }
}

static void write_rows(struct arena *a, const char *path, const struct part_row *rows)
{
    struct pool *pool;
    CHECK_OK(pool_open(a, 2, &pool));
    struct part_writer *w =
        part_writer_open(&(struct part_writer_options){N_SCORES, COLUMN_U16}, a, pool);
    for (size_t i = 0; i < N_ROWS; i++) {
        CHECK_OK(part_writer_add(w, &rows[i]));
        if (i % GROUP == GROUP - 1) CHECK_OK(part_writer_end_group(w));
    }
    CHECK_OK(part_writer_finish(w, path));
    part_writer_close(w);
    pool_close(pool);
}

static void read_rows(struct arena *a, const char *path, const struct part_row *rows)
{
    struct part_reader *r;
    CHECK_OK(part_reader_open(path, N_SCORES, a, &r));
    CHECK_EQ(part_reader_n_groups(r), (N_ROWS + GROUP - 1) / GROUP);
    CHECK_EQ(part_reader_n_rows(r), N_ROWS);
    for (size_t g = part_reader_n_groups(r); g-- > 0;) {
        struct part_group group;
        struct part_sizes sizes;
        const uint64_t first = part_reader_first_row(r, g);
        CHECK_EQ(first, g * GROUP);
        CHECK_OK(part_reader_group(r, g, a, &group));
        CHECK_OK(part_reader_sizes(r, g, a, &sizes));
        CHECK_EQ(sizes.n_rows, group.n_rows);
        for (size_t i = 0; i < group.n_rows; i++) {
            check_row(&group.rows[i], &rows[first + i]);
            CHECK_EQ(sizes.n_tokens[i], rows[first + i].n_tokens);
            CHECK_EQ(sizes.image_bytes[i], part_row_image_bytes(&rows[first + i]));
        }
    }
    part_reader_close(r);
    CHECK_ERR(part_reader_open(path, N_SCORES + 1, a, &r), ERR_CORRUPT);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "rows");
    struct arena a;
    arena_init(&a, "test");
    const char *path = arena_printf(&a, "%s/rows.part", corpus_folder(&a, "part"));
    struct part_row *rows = ARENA_ARRAY(&a, struct part_row, N_ROWS);
    for (uint64_t i = 0; i < N_ROWS; i++)
        rows[i] = random_row(&a, key, i);
    write_rows(&a, path, rows);
    read_rows(&a, path, rows);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
