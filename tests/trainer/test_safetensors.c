// A safetensors file read back by its published format: the header's length, dtypes, shapes and
// offsets without gaps in the order of names; elements transposed and side by side as asked, in f32
// to the bit and in bf16 rounded to nearest even. A disk that fails is an error.

#include <jansson.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/little.h"
#include "base/rng.h"
#include "tests/check.h"
#include "trainer/eval/safetensors.h"

enum { LARGE_ROWS = 300, LARGE_COLUMNS = 401 }; // more than a chunk

static const float two_by_three[] = {1, 2, 3, 4, 5, 6}, one_by_three[] = {7, 8, 9},
                   vector[] = {-0.0f, 1.00390625f, 1.01171875f, 3e38f};
static float large[LARGE_ROWS * LARGE_COLUMNS];

static struct safetensors_entry entry(const char *name, bool transposed)
{
    struct safetensors_entry e = {.name = name, .n_dims = 2, .dims = {3, 3}, .n_sources = 2};
    e.transposed = transposed;
    e.sources[0] = two_by_three;
    e.sources[1] = one_by_three;
    e.rows[0] = 2;
    e.rows[1] = 1;
    e.columns = 3;
    return e;
}

static struct span write_file(const char *path, enum dtype type, struct arena *a)
{
    struct safetensors_entry entries[] = {
        entry("turned", true),
        entry("joined", false),
        {.name = "a.vector", .n_dims = 1, .dims = {4}, .n_sources = 1, .sources = {vector}},
        {.name = "large", .n_dims = 2, .transposed = true, .n_sources = 1, .sources = {large}}};
    entries[2].rows[0] = 4;
    entries[2].columns = 1;
    entries[3].dims[0] = entries[3].columns = LARGE_COLUMNS;
    entries[3].dims[1] = entries[3].rows[0] = LARGE_ROWS;
    uint64_t n_bytes;
    CHECK_OK(file_remove_tree(path));
    CHECK_OK(safetensors_write(path, entries, 4, type, &n_bytes));
    struct span file;
    CHECK_OK(file_read(path, 1 << 24, a, &file));
    CHECK_EQ(file.n_bytes, n_bytes);
    return file;
}

// The elements of a tensor as f32, once its entry in the header is as expected.
static float *elements(struct span file, const char *name, enum dtype type, const char *shape,
                       size_t *offset, size_t n, struct arena *a)
{
    size_t header = little_get_u64(file.data);
    CHECK(header % 8 == 0 && 8 + header <= file.n_bytes);
    json_t *root = json_loadb((const char *)file.data + 8, header, JSON_REJECT_DUPLICATES, NULL);
    const json_t *e = json_object_get(root, name);
    CHECK_EQ(json_object_size(root), 5);
    CHECK_TEXT(json_string_value(json_object_get(e, "dtype")), type == DTYPE_F32 ? "F32" : "BF16");
    json_t *dims = json_loads(shape, 0, NULL);
    CHECK(json_equal(json_object_get(e, "shape"), dims));
    json_decref(dims);
    const json_t *offsets = json_object_get(e, "data_offsets");
    CHECK_EQ(json_integer_value(json_array_get(offsets, 0)), *offset);
    const uint8_t *data = file.data + 8 + header + *offset;
    *offset += n * dtype_bytes(type);
    CHECK_EQ(json_integer_value(json_array_get(offsets, 1)), *offset);
    CHECK(8 + header + *offset <= file.n_bytes);
    json_decref(root);
    float *values = ARENA_ARRAY(a, float, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = type == DTYPE_F32 ? little_get_u32(data + 4 * i)
                                          : (uint32_t)little_get_u16(data + 2 * i) << 16;
        memcpy(&values[i], &bits, sizeof bits);
    }
    return values;
}

// Nearest even in plain arithmetic on bits.
static float rounded(float x, enum dtype type)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (type == DTYPE_BF16) bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

static void same(const float *actual, const float *expected, size_t n, enum dtype type)
{
    for (size_t i = 0; i < n; i++) {
        float want = rounded(expected[i], type);
        CHECK(memcmp(&actual[i], &want, sizeof want) == 0);
    }
}

static void check(const char *path, enum dtype type)
{
    struct arena a;
    arena_init(&a, "file");
    struct span file = write_file(path, type, &a);
    size_t offset = 0, n_large = LARGE_ROWS * LARGE_COLUMNS;
    same(elements(file, "a.vector", type, "[4]", &offset, 4, &a), vector, 4, type);
    const float joined[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, turned[] = {1, 4, 7, 2, 5, 8, 3, 6, 9};
    same(elements(file, "joined", type, "[3, 3]", &offset, 9, &a), joined, 9, type);
    const float *values = elements(file, "large", type, "[401, 300]", &offset, n_large, &a);
    for (size_t r = 0; r < LARGE_ROWS; r++)
        for (size_t c = 0; c < LARGE_COLUMNS; c++)
            same(&values[c * LARGE_ROWS + r], &large[r * LARGE_COLUMNS + c], 1, type);
    same(elements(file, "turned", type, "[3, 3]", &offset, 9, &a), turned, 9, type);
    CHECK_EQ(8 + little_get_u64(file.data) + offset, file.n_bytes);
    arena_fini(&a);
}

static void check_faults(const char *path)
{
    for (uint64_t k = 1;; k++) {
        CHECK(k < 100);
        struct safetensors_entry e = entry("joined", false);
        uint64_t n_bytes;
        CHECK_OK(file_remove_tree(path));
        fault_arm("*", k, FAULT_ENOSPC, false);
        enum err err = safetensors_write(path, &e, 1, DTYPE_F32, &n_bytes);
        uint64_t n_hits = fault_count();
        fault_disarm();
        CHECK_EQ(err, n_hits >= k ? ERR_IO : OK);
        if (err == OK) break;
        CHECK(strstr(err_line(), "No space left") != NULL);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
        large[i] = rng_normal(seed, 0, i);
    char path[64];
    snprintf(path, sizeof path, "/tmp/weft-safetensors-%ld", (long)getpid());
    check(path, DTYPE_F32);
    check(path, DTYPE_BF16);
    check_faults(path);
    CHECK_OK(file_remove_tree(path));
    return 0;
}
