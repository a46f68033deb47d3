// The bits of matrix products, attention and head on drawn input, as hashes in
// tests/data/matrix_bits.txt: both compilers, every build type and every CPU must find the same. A
// change of bits is a decision: `--bless` rewrites the file, and old checkpoints then continue on
// others.
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "tests/check.h"
#include "trainer/kernel/attention.h"
#include "trainer/kernel/head.h"
#include "trainer/kernel/matmul.h"

enum { SEQUENCES = 2, T = 150, HEADS = 4, KV_HEADS = 2, HEAD_SIZE = 24, WIDTH = HEADS * HEAD_SIZE };
enum { ROWS = SEQUENCES * T, VOCABULARY = 333 };

static void *draw(struct arena *a, enum dtype type, const char *name, size_t n)
{
    void *array = arena_alloc(a, n * dtype_bytes(type), 64);
    const uint64_t key = rng_key(1, name);
    for (size_t i = 0; i < n; i++) {
        const float f = rng_normal(key, 0, i);
        if (type == DTYPE_F32)
            ((float *)array)[i] = f;
        else
            ((uint16_t *)array)[i] = bf16_from_f32(f);
    }
    return array;
}

static void *output(struct arena *a, enum dtype type, size_t n)
{
    return arena_alloc(a, n * dtype_bytes(type), 64);
}

static uint64_t matmul_bits(struct arena *a, struct pool *pool, enum dtype type)
{
    float *out = output(a, DTYPE_F32, ROWS * VOCABULARY);
    const struct matmul m = {.type = type,
                             .a = draw(a, type, "a", ROWS * WIDTH),
                             .a_row_stride = WIDTH,
                             .a_k_stride = 1,
                             .b = draw(a, type, "b", VOCABULARY * WIDTH),
                             .b_row_stride = WIDTH,
                             .b_k_stride = 1,
                             .out = out,
                             .out_type = DTYPE_F32,
                             .out_row_stride = VOCABULARY,
                             .m = ROWS,
                             .n = VOCABULARY,
                             .k = WIDTH};
    matmul_run(&m, 1, pool, arena_alloc(a, 2 * matmul_scratch_bytes(), 64));
    return hash_xxh3(out, ROWS * VOCABULARY * sizeof *out, 0);
}

static uint64_t attention_bits(struct arena *a, struct pool *pool, enum dtype type)
{
    const size_t n_q = ROWS * WIDTH, n_k = ROWS * KV_HEADS * HEAD_SIZE, bytes = dtype_bytes(type);
    int32_t *start = arena_alloc(a, ROWS * sizeof *start, 64);
    for (int32_t i = 0; i < ROWS; i++)
        start[i] = i % T < 70 ? 0 : 70;
    const struct attention x = {.type = type,
                                .n_sequences = SEQUENCES,
                                .sequence = T,
                                .n_heads = HEADS,
                                .n_kv_heads = KV_HEADS,
                                .head_size = HEAD_SIZE,
                                .scale = 0.2f,
                                .document_start = start,
                                .q = draw(a, type, "q", n_q),
                                .k = draw(a, type, "k", n_k),
                                .v = draw(a, type, "v", n_k),
                                .o = output(a, type, n_q),
                                .lse = output(a, DTYPE_F32, ROWS * HEADS),
                                .d_o = draw(a, type, "d_o", n_q),
                                .d_q = output(a, type, n_q),
                                .d_k = output(a, type, n_k),
                                .d_v = output(a, type, n_k)};
    void *scratch = arena_alloc(a, attention_scratch_bytes(&x, 2), 64);
    attention_forward(&x, pool, scratch);
    attention_gradient(&x, pool, scratch);
    uint64_t hash = hash_xxh3(x.o, n_q * bytes, 0);
    hash = hash_xxh3(x.lse, ROWS * HEADS * sizeof(float), hash);
    hash = hash_xxh3(x.d_q, n_q * bytes, hash);
    hash = hash_xxh3(x.d_k, n_k * bytes, hash);
    return hash_xxh3(x.d_v, n_k * bytes, hash);
}

static uint64_t head_bits(struct arena *a, struct pool *pool, enum dtype type)
{
    int32_t *targets = arena_alloc(a, ROWS * sizeof *targets, 64);
    float *mask = output(a, DTYPE_F32, ROWS);
    for (int32_t i = 0; i < ROWS; i++) {
        targets[i] = i * 7 % VOCABULARY;
        mask[i] = i % 5 ? 1.0f : 0.0f;
    }
    const struct head h = {.type = type,
                           .n_rows = ROWS,
                           .width = WIDTH,
                           .vocabulary = VOCABULARY,
                           .softcap = 15.0f,
                           .z_loss = 1e-3f,
                           .x = draw(a, type, "x", ROWS * WIDTH),
                           .w = draw(a, type, "w", VOCABULARY * WIDTH),
                           .targets = targets,
                           .mask = mask,
                           .loss = output(a, DTYPE_F32, ROWS),
                           .scale = 0.01f,
                           .d_x = output(a, type, ROWS * WIDTH),
                           .d_w = output(a, DTYPE_F32, VOCABULARY * WIDTH)};
    head_gradient(&h, pool, arena_alloc(a, head_scratch_bytes(&h, 2), 64));
    uint64_t hash = hash_xxh3(h.loss, ROWS * sizeof(float), 0);
    hash = hash_xxh3(h.d_x, ROWS * WIDTH * dtype_bytes(type), hash);
    return hash_xxh3(h.d_w, VOCABULARY * WIDTH * sizeof(float), hash);
}

static const char *line(struct arena *a, const char *before, const char *name, enum dtype type,
                        uint64_t hash)
{
    return arena_printf(a, "%s%s %s %016llx\n", before, name, dtype_name(type),
                        (unsigned long long)hash);
}

static const char *bits(struct arena *a, struct pool *pool)
{
    const char *text = "";
    for (enum dtype type = DTYPE_F32; type <= DTYPE_BF16; type++) {
        text = line(a, text, "matmul", type, matmul_bits(a, pool, type));
        text = line(a, text, "attention", type, attention_bits(a, pool, type));
        text = line(a, text, "head", type, head_bits(a, pool, type));
    }
    return text;
}

int main(int argc, char **argv)
{
    struct arena a;
    struct pool *pool;
    arena_init(&a, "test_matrix_bits");
    CHECK_OK(pool_open(&a, 2, &pool));
    const char *source = getenv("WEFT_SOURCE");
    const char *path = arena_printf(&a, "%s/tests/data/matrix_bits.txt", source ? source : ".");
    const char *text = bits(&a, pool);
    pool_close(pool);
    struct span golden;
    if (argc > 1 && strcmp(argv[1], "--bless") == 0) {
        CHECK_OK(file_replace(path, text, strlen(text)));
        return 0;
    }
    CHECK_OK(file_read(path, 1 << 16, &a, &golden));
    const bool same = golden.n_bytes == strlen(text) && !memcmp(golden.data, text, golden.n_bytes);
    if (!same) printf("%s differs; review and rewrite with --bless. Now:\n%s", path, text);
    CHECK(same);
    arena_fini(&a);
    return 0;
}
