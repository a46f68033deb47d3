// Random sets of columns written and read back: by shard.h in whole and in random ranges, and
// by the second decoder of the format. The bytes are the same from any number of threads.

#include "base/file.h"
#include "base/size.h"
#include "shard/format/shard.h"
#include "shard/format/shard_writer.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"
#include "tests/shard/format/shard_decoder.h"

enum { COLUMNS = 9, FILES = 12 };

static const enum column_type TYPES[] = {COLUMN_U8,  COLUMN_U16, COLUMN_U32, COLUMN_U64, COLUMN_I32,
                                         COLUMN_I64, COLUMN_F32, COLUMN_F64, COLUMN_BLOB};

// What was written: numbers as u64 bit patterns, or byte strings.
struct expected {
    char name[8];
    enum column_type type;
    size_t n;
    uint64_t *values;
    struct span *blobs;
};

static uint64_t random_below(uint64_t key, uint64_t *counter, uint64_t n)
{
    return rng_u64(key, 1, (*counter)++) % n;
}

// Mostly small numbers, so that codecs have something to do; sometimes any.
static uint64_t random_value(uint64_t key, uint64_t *counter, int n_bytes)
{
    const uint64_t any = rng_u64(key, 2, (*counter)++);
    const uint64_t value = any % 4 ? any % 100 : any >> 2;
    return n_bytes == 8 ? value : value & ((1ull << 8 * n_bytes) - 1);
}

static void add_values(struct shard_writer *w, uint32_t c, const struct expected *e, uint64_t key,
                       uint64_t *counter)
{
    for (size_t done = 0; done < e->n;) {
        const size_t n = 1 + random_below(key, counter, e->n - done);
        const uint64_t *values = e->values + done;
        if (e->type == COLUMN_F32) {
            for (size_t i = 0; i < n; i++) {
                const uint32_t bits = (uint32_t)values[i];
                float f;
                memcpy(&f, &bits, sizeof f);
                CHECK_OK(shard_writer_add_f32(w, c, &f, 1));
            }
        } else {
            CHECK_OK(shard_writer_add_u64(w, c, values, n));
        }
        done += n;
        if (random_below(key, counter, 3) == 0) CHECK_OK(shard_writer_cut(w, c));
    }
}

static void make_values(struct arena *a, struct expected *e, uint64_t key, uint64_t *counter)
{
    e->values = ARENA_ARRAY(a, uint64_t, e->n);
    for (size_t i = 0; i < e->n; i++) {
        e->values[i] = random_value(key, counter, column_type_bytes((uint8_t)e->type));
        if (e->type == COLUMN_F32)
            e->values[i] &= 0xff7fffff; // never a NaN: a copy may change its bits
    }
}

static void make_blobs(struct arena *a, struct expected *e, uint64_t key, uint64_t *counter)
{
    e->blobs = ARENA_ARRAY(a, struct span, e->n);
    for (size_t i = 0; i < e->n; i++) {
        const uint64_t longest = random_below(key, counter, 50) ? 20 : 2 * FRAME_TARGET_BYTES;
        const size_t n = random_below(key, counter, longest);
        uint8_t *bytes = arena_alloc(a, n, 1);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)(rng_u64(key, 3, *counter + k) % 7);
        *counter += n;
        e->blobs[i] = (struct span){bytes, n};
    }
}

static void make_columns(struct arena *a, struct expected columns[COLUMNS], uint64_t key)
{
    uint64_t counter = 0;
    for (int c = 0; c < COLUMNS; c++) {
        struct expected *e = &columns[c];
        snprintf(e->name, sizeof e->name, "c%d", c);
        e->type = TYPES[random_below(key, &counter, COLUMNS)];
        const uint64_t most[] = {1, 10, 1000, 200000};
        e->n = random_below(key, &counter, most[random_below(key, &counter, 4)]);
        if (e->type == COLUMN_BLOB) {
            e->n = size_min(e->n, 500);
            make_blobs(a, e, key, &counter);
        } else {
            make_values(a, e, key, &counter);
        }
    }
}

static void write_columns(const struct expected columns[COLUMNS], uint64_t key, size_t n_threads,
                          const char *path)
{
    struct arena a;
    struct pool *pool;
    arena_init(&a, "writer");
    CHECK_OK(pool_open(&a, n_threads, &pool));
    struct shard_writer *w = shard_writer_open(&a, pool);
    uint64_t counter = 1ull << 40;
    for (int c = 0; c < COLUMNS; c++) {
        const enum frame_codec codec = (enum frame_codec)random_below(key, &counter, 3);
        const uint32_t idx = shard_writer_column(w, columns[c].name, columns[c].type, codec);
        CHECK_EQ(idx, c);
        if (columns[c].type != COLUMN_BLOB) add_values(w, idx, &columns[c], key, &counter);
        for (size_t i = 0; columns[c].blobs && i < columns[c].n; i++)
            CHECK_OK(shard_writer_add_blob(w, idx, columns[c].blobs[i]));
    }
    struct layout l;
    CHECK_OK(shard_writer_finish(w, path, &l));
    shard_writer_close(w);
    pool_close(pool);
    arena_fini(&a);
}

static void check_values(const struct shard *s, uint32_t c, const struct expected *e,
                         uint64_t first, uint64_t n, struct arena *a)
{
    if (e->type == COLUMN_BLOB) {
        struct span *blobs = ARENA_ARRAY(a, struct span, n);
        CHECK_OK(shard_read_blobs(s, c, first, n, a, blobs));
        for (uint64_t i = 0; i < n; i++) {
            CHECK_EQ(blobs[i].n_bytes, e->blobs[first + i].n_bytes);
            CHECK(memcmp(blobs[i].data, e->blobs[first + i].data, blobs[i].n_bytes) == 0);
        }
        return;
    }
    if (e->type > COLUMN_U64) return; // no typed read; frames are compared by the second decoder
    uint64_t *wide = ARENA_ARRAY(a, uint64_t, n);
    CHECK_OK(shard_read_u64(s, c, first, n, wide));
    CHECK(n == 0 || memcmp(wide, e->values + first, n * sizeof *wide) == 0);
    uint32_t *narrow = ARENA_ARRAY(a, uint32_t, n);
    if (e->type == COLUMN_U64) {
        CHECK_ERR(shard_read_u32(s, c, first, n, narrow), ERR_DATA);
        return;
    }
    CHECK_OK(shard_read_u32(s, c, first, n, narrow));
    for (uint64_t i = 0; i < n; i++)
        CHECK_EQ(narrow[i], e->values[first + i]);
}

static void check_reads(const char *path, const struct expected columns[COLUMNS], uint64_t key)
{
    struct arena a, scratch;
    struct shard *s;
    uint64_t counter = 1ull << 41;
    arena_init(&a, "reader");
    arena_init(&scratch, "reader scratch");
    CHECK_OK(shard_open(path, &a, &s));
    CHECK_OK(shard_verify(s));
    for (int i = 0; i < COLUMNS; i++) {
        uint32_t c;
        CHECK_OK(shard_column(s, columns[i].name, &c));
        CHECK_EQ(shard_layout(s)->columns[c].n_elems, columns[i].n);
        check_values(s, c, &columns[i], 0, columns[i].n, &scratch);
        for (int k = 0; k < 5; k++) {
            const uint64_t first = random_below(key, &counter, columns[i].n + 1);
            const uint64_t n = random_below(key, &counter, columns[i].n - first + 1);
            check_values(s, c, &columns[i], first, n, &scratch);
            arena_reset(&scratch);
        }
        uint32_t one;
        if (columns[i].type <= COLUMN_U32)
            CHECK_ERR(shard_read_u32(s, c, columns[i].n, 1, &one), ERR_DATA);
    }
    uint32_t none;
    CHECK_ERR(shard_column(s, "absent", &none), ERR_DATA);
    shard_close(s);
    arena_fini(&scratch);
    arena_fini(&a);
}

static void check_decoder(struct span bytes, const struct expected columns[COLUMNS])
{
    struct decoder_file f;
    if (!decoder_read(bytes.data, bytes.n_bytes, &f))
        check_failed(__FILE__, __LINE__, "%s", f.error);
    CHECK_EQ(f.n_columns, COLUMNS);
    for (int i = 0; i < COLUMNS; i++) {
        const struct decoder_column *c = &f.columns[i];
        CHECK_TEXT(c->name, columns[i].name);
        CHECK_EQ(c->n_elems, columns[i].n);
        size_t at = 0;
        const int n_bytes = column_type_bytes((uint8_t)columns[i].type);
        for (size_t k = 0; k < columns[i].n; k++) {
            if (columns[i].type != COLUMN_BLOB) {
                CHECK_EQ(decoder_number(c->data + k * (size_t)n_bytes, n_bytes),
                         columns[i].values[k]);
                continue;
            }
            const struct span blob = columns[i].blobs[k];
            CHECK_EQ(decoder_number(c->lengths + 4 * k, 4), blob.n_bytes);
            CHECK(memcmp(c->data + at, blob.data, blob.n_bytes) == 0);
            at += blob.n_bytes;
        }
    }
    decoder_free(&f);
}

static void test_file(uint64_t seed, uint64_t number, struct arena *root)
{
    struct arena a;
    arena_init(&a, "one file");
    struct expected columns[COLUMNS] = {0};
    const uint64_t key = rng_key(seed + number, "shard");
    const char *one = arena_printf(&a, "%s/one-%d.shard", corpus_root(root), (int)number);
    const char *three = arena_printf(&a, "%s/three-%d.shard", corpus_root(root), (int)number);
    make_columns(&a, columns, key);
    write_columns(columns, key, 1, one);
    write_columns(columns, key, 3, three);
    struct span x, y;
    CHECK_OK(file_read(one, 1 << 30, &a, &x));
    CHECK_OK(file_read(three, 1 << 30, &a, &y));
    CHECK_EQ(x.n_bytes, y.n_bytes);
    CHECK(memcmp(x.data, y.data, x.n_bytes) == 0);
    check_reads(one, columns, key);
    check_decoder(x, columns);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    corpus_folder(&a, "");
    for (uint64_t i = 0; i < FILES; i++)
        test_file(seed, i * 1000003, &a);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
