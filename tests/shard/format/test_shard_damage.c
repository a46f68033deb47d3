// Every damage is found before anything is used: each single bit of a small shard, every truncation
// and extension, frames swapped or taken from another file even when directory and footer are made
// to agree, and directories that lie.

#include "base/file.h"
#include "base/little.h"
#include "shard/dataset/dataset.h"
#include "shard/dataset/dataset_verify.h"
#include "shard/format/shard.h"
#include "shard/format/shard_writer.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"
#include "tests/shard/format/shard_reseal.h"

// A copy of a shard's bytes, to be damaged.
struct image {
    uint8_t *bytes;
    size_t n_bytes;
};

static enum err verify_image(const struct image *image)
{
    struct arena a;
    struct shard *s = NULL;
    arena_init(&a, "image");
    enum err e = shard_open_memory((struct span){image->bytes, image->n_bytes}, "image", &a, &s);
    if (e == OK) e = shard_verify(s);
    arena_fini(&a);
    return e;
}

// Two columns of plain frames of equal size (a), a compressed one, blobs; numbers from salt on.
static struct image make_image(struct arena *a, const char *name, uint32_t salt)
{
    struct arena scratch;
    struct pool *pool;
    arena_init(&scratch, "writer");
    CHECK_OK(pool_open(&scratch, 1, &pool));
    struct shard_writer *w = shard_writer_open(&scratch, pool);
    const uint32_t plain = shard_writer_column(w, "plain", COLUMN_U16, FRAME_NONE);
    const uint32_t packed = shard_writer_column(w, "packed", COLUMN_U32, FRAME_ZSTD);
    const uint32_t fast = shard_writer_column(w, "fast", COLUMN_U32, FRAME_LZ4);
    const uint32_t blobs = shard_writer_column(w, "blobs", COLUMN_BLOB, FRAME_ZSTD);
    const uint32_t empty = shard_writer_column(w, "empty", COLUMN_U8, FRAME_ZSTD);
    (void)empty;
    for (uint32_t i = 0; i < 60; i++) {
        const uint32_t value = salt + i, small = i / 9;
        CHECK_OK(shard_writer_add_u32(w, plain, &value, 1));
        if (i % 20 == 19) CHECK_OK(shard_writer_cut(w, plain));
        CHECK_OK(shard_writer_add_u32(w, packed, &small, 1));
        CHECK_OK(shard_writer_add_u32(w, fast, &small, 1));
    }
    for (uint32_t i = 0; i < 8; i++)
        CHECK_OK(shard_writer_add_blob(w, blobs, (struct span){(const uint8_t *)"abcdefgh", i}));
    const char *path = arena_printf(a, "%s/%s", corpus_root(a), name);
    struct layout l;
    CHECK_OK(shard_writer_finish(w, path, &l));
    shard_writer_close(w);
    pool_close(pool);
    arena_fini(&scratch);
    struct span bytes;
    CHECK_OK(file_read(path, 1 << 20, a, &bytes));
    struct image image = {arena_alloc(a, bytes.n_bytes, 8), bytes.n_bytes};
    memcpy(image.bytes, bytes.data, bytes.n_bytes);
    CHECK_OK(verify_image(&image));
    return image;
}

static struct image copy_image(struct arena *a, const struct image *from)
{
    struct image image = {arena_alloc(a, from->n_bytes, 8), from->n_bytes};
    memcpy(image.bytes, from->bytes, from->n_bytes);
    return image;
}

static void test_every_bit(const struct image *image)
{
    for (size_t i = 0; i < image->n_bytes * 8; i++) {
        image->bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        if (verify_image(image) == OK)
            check_failed(__FILE__, __LINE__, "bit %zu of byte %zu was missed", i % 8, i / 8);
        image->bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    CHECK_OK(verify_image(image));
    printf("%zu single bits, all found\n", image->n_bytes * 8);
}

// Runs of up to 64 random bytes, and bytes moved.
static void test_random_damage(struct arena *a, const struct image *image, uint64_t seed)
{
    const uint64_t key = rng_key(seed, "damage");
    struct image damaged = copy_image(a, image);
    for (uint64_t i = 0; i < 20000; i++) {
        const size_t n = 1 + rng_u64(key, i, 0) % 64;
        const size_t at = rng_u64(key, i, 1) % (image->n_bytes - n);
        for (size_t k = 0; k < n; k++)
            damaged.bytes[at + k] = (uint8_t)rng_u64(key, i, 2 + k);
        const int same = memcmp(damaged.bytes, image->bytes, image->n_bytes) == 0;
        if (!same && verify_image(&damaged) == OK)
            check_failed(__FILE__, __LINE__, "damage %d at %zu was missed", (int)i, at);
        memcpy(damaged.bytes + at, image->bytes + at, n);
    }
}

static void test_lengths(struct arena *a, const struct image *image)
{
    for (size_t n = 0; n < image->n_bytes; n++) {
        const struct image shorter = {image->bytes, n};
        CHECK(verify_image(&shorter) != OK);
    }
    const struct image shorter = {image->bytes, image->n_bytes - 1};
    CHECK_ERR(verify_image(&shorter), ERR_CORRUPT);
    const size_t n = image->n_bytes;
    CHECK_LINE(arena_printf(a, "image: truncated: %zu bytes, its header says %zu (offset %zu)",
                            n - 1, n, n - 1));
    struct image longer = {arena_alloc(a, n + 200, 8), n};
    memcpy(longer.bytes, image->bytes, n);
    for (longer.n_bytes = n + 1; longer.n_bytes <= n + 200; longer.n_bytes++)
        CHECK_ERR(verify_image(&longer), ERR_CORRUPT);
    longer.n_bytes = n + 1;
    CHECK_ERR(verify_image(&longer), ERR_CORRUPT);
    CHECK_LINE(arena_printf(a, "image: extended: %zu bytes, its header says %zu (offset %zu)",
                            n + 1, n, n));
    longer.n_bytes = 2 * n <= n + 200 ? 2 * n : n + 200; // its own end once more
    memcpy(longer.bytes + longer.n_bytes - 64, image->bytes + n - 64, 64);
    CHECK_ERR(verify_image(&longer), ERR_CORRUPT);
}

// Offset in the image of the directory record of frame i of the first column ("plain").
static uint8_t *record_of(const struct image *image, size_t i)
{
    const uint64_t directory = little_get_u64(image->bytes + image->n_bytes - 64);
    return image->bytes + directory + 16 + strlen("plain") + 16 * i;
}

static void swap_bytes(uint8_t *x, uint8_t *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t kept = x[i];
        x[i] = y[i];
        y[i] = kept;
    }
}

static void test_swapped_frames(struct arena *a, const struct image *image)
{
    struct image swapped = copy_image(a, image);
    swap_bytes(swapped.bytes + 64, swapped.bytes + 64 + 40, 40); // 20 u16 a frame
    CHECK_ERR(verify_image(&swapped), ERR_CORRUPT);
    CHECK(strstr(err_line(), "image: column plain frame 0 at offset 64: checksum is ") ==
          err_line());
    swap_bytes(record_of(&swapped, 0), record_of(&swapped, 1), 16); // sums travel with their frames
    reseal_directory(swapped.bytes, swapped.n_bytes);
    CHECK_ERR(verify_image(&swapped), ERR_CORRUPT);
    CHECK(strstr(err_line(), "image: column plain frame 0 at offset 64: checksum is ") ==
          err_line());
}

static void test_foreign_frame(struct arena *a, const struct image *image)
{
    const struct image other = make_image(a, "other.shard", 5000);
    struct image mixed = copy_image(a, image);
    CHECK_EQ(other.n_bytes, mixed.n_bytes);
    memcpy(mixed.bytes + 64 + 40, other.bytes + 64 + 40, 40);
    memcpy(record_of(&mixed, 1), record_of(&other, 1), 16);
    reseal_directory(mixed.bytes, mixed.n_bytes);
    CHECK_ERR(verify_image(&mixed), ERR_CORRUPT);
    CHECK(strstr(err_line(), "image: column plain frame 1 at offset 104: checksum is ") ==
          err_line());
    memcpy(mixed.bytes, image->bytes, image->n_bytes);
    memcpy(mixed.bytes + mixed.n_bytes - 64, other.bytes + other.n_bytes - 64, 64); // footer
    CHECK_ERR(verify_image(&mixed), ERR_CORRUPT);
    CHECK(strstr(err_line(), "belongs to another file than the header"));
}

// A directory that lies, with good checksums: refused, and nothing large is allocated for it.
static void test_lying_directory(struct arena *a, const struct image *image)
{
    for (size_t field = 0; field < 12; field += 4) {
        const uint32_t values[] = {0, 1, 39, 41, 0x7fffffff, 0xffffffff};
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            struct image lying = copy_image(a, image);
            if (little_get_u32(record_of(&lying, 0) + field) == values[i]) continue;
            little_put_u32(record_of(&lying, 0) + field, values[i]);
            reseal_directory(lying.bytes, lying.n_bytes);
            CHECK_ERR(verify_image(&lying), ERR_CORRUPT);
        }
    }
    struct image lying = copy_image(a, image);
    little_put_u32(record_of(&lying, 0) - strlen("plain") - 12, 0xffffffff); // frames
    reseal_directory(lying.bytes, lying.n_bytes);
    CHECK_ERR(verify_image(&lying), ERR_CORRUPT);
    CHECK_LINE("image: column plain: the directory ends within its 4294967295 frames");
    lying = copy_image(a, image);
    memcpy(record_of(&lying, 0) - strlen("plain"), "../../", 5);
    reseal_directory(lying.bytes, lying.n_bytes);
    CHECK_ERR(verify_image(&lying), ERR_CORRUPT);
    CHECK_LINE("image: directory: column 0 has no valid name");
}

// A column of a type, then of a codec, of the future: skipped by readers, still under its
// checksums.
static void test_unknown_column(struct arena *a, const struct image *image)
{
    for (size_t field = 0; field < 2; field++) {
        struct image future = copy_image(a, image);
        struct shard *s;
        uint32_t value;
        record_of(&future, 0)[-(int)strlen("plain") - 16 + (int)field] = 200;
        reseal_directory(future.bytes, future.n_bytes);
        CHECK_OK(verify_image(&future));
        CHECK_OK(shard_open_memory((struct span){future.bytes, future.n_bytes}, "f", a, &s));
        CHECK_OK(shard_read_u32(s, 1, 59, 1, &value));
        CHECK_EQ(value, 59 / 9);
        if (field == 0) {
            CHECK_ERR(shard_read_u32(s, 0, 0, 1, &value), ERR_DATA);
            CHECK_LINE("f: column plain is unknown, not u8, u16 or u32");
        }
        future.bytes[64] ^= 1;
        CHECK_ERR(verify_image(&future), ERR_CORRUPT);
    }
}

// In place and without fsync: file_replace would take most of the test's time.
static void overwrite(const char *path, const void *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, 1, n_bytes, file) == n_bytes && fclose(file) == 0);
}

// A dataset: a flipped bit in any file of it, a missing shard, shards in each other's place.
static void test_dataset(struct arena *a, uint64_t seed)
{
    const char *folder = corpus_folder(a, "set");
    const char *in = arena_printf(a, "%s/in.jsonl", folder),
               *out = arena_printf(a, "%s/out", folder);
    corpus_random_jsonl(a, in, seed, 200);
    char *inputs[] = {arena_strdup(a, in)};
    struct dataset_build_options options = corpus_options(out, inputs, 1);
    options.bin_tokens = 2000;
    options.shard_tokens = 5000;
    struct dataset_build_result result;
    CHECK_OK(dataset_build(&options, a, &result));
    CHECK(result.n_shards >= 3);
    struct file_list files;
    CHECK_OK(file_list(out, a, &files));
    for (size_t i = 0; i < files.n_names; i++) {
        const char *path = arena_printf(a, "%s/%s", out, files.names[i]);
        struct span bytes;
        CHECK_OK(file_read(path, 1 << 24, a, &bytes));
        struct image damaged =
            copy_image(a, &(struct image){(uint8_t *)(uintptr_t)bytes.data, bytes.n_bytes});
        for (uint64_t k = 0; k < 60; k++) {
            const uint64_t bit = rng_u64(seed, i, k) % (bytes.n_bytes * 8);
            damaged.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            overwrite(path, damaged.bytes, damaged.n_bytes);
            CHECK(dataset_verify(out, NULL, NULL) != OK);
            CHECK(strstr(err_line(), files.names[i]));
            damaged.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CHECK_OK(file_remove_tree(path));
        CHECK_ERR(dataset_verify(out, NULL, NULL), ERR_IO);
        overwrite(path, bytes.data, bytes.n_bytes);
    }
    CHECK_OK(dataset_verify(out, NULL, NULL));
    const char *first = arena_printf(a, "%s/shard-00000.shard", out);
    const char *second = arena_printf(a, "%s/shard-00001.shard", out);
    const char *aside = arena_printf(a, "%s/aside", out);
    CHECK_OK(file_rename(first, aside));
    CHECK_OK(file_rename(second, first));
    CHECK_OK(file_rename(aside, second));
    CHECK_ERR(dataset_verify(out, NULL, NULL), ERR_CORRUPT);
    CHECK(strstr(err_line(), "shard-00000.shard: not the shard that dataset.json names"));
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    corpus_folder(&a, "");
    const struct image image = make_image(&a, "small.shard", 1000);
    test_every_bit(&image);
    test_random_damage(&a, &image, seed);
    test_lengths(&a, &image);
    test_swapped_frames(&a, &image);
    test_foreign_frame(&a, &image);
    test_lying_directory(&a, &image);
    test_unknown_column(&a, &image);
    test_dataset(&a, seed);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
