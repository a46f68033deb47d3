#pragma once
// Megatron's and llm.c's files, decoded from their published layouts alone, for comparison with
// what weft writes: documents as lines of token ids.

#include "base/text.h"
#include "tests/check.h"

struct export_bytes {
    unsigned char *data;
    size_t n_bytes;
};

static inline struct export_bytes export_load(const char *path, struct arena *a)
{
    FILE *f = fopen(path, "rb");
    if (!f) check_failed(__FILE__, __LINE__, "open %s", path);
    CHECK(fseek(f, 0, SEEK_END) == 0);
    const long n = ftell(f);
    CHECK(n >= 0 && fseek(f, 0, SEEK_SET) == 0);
    struct export_bytes bytes = {arena_alloc(a, (size_t)n, 1), (size_t)n};
    CHECK(fread(bytes.data, 1, bytes.n_bytes, f) == bytes.n_bytes);
    fclose(f);
    return bytes;
}

// n bytes at offset, little-endian.
static inline uint64_t export_number(struct export_bytes b, uint64_t offset, int n)
{
    uint64_t value = 0;
    CHECK(offset + (uint64_t)n <= b.n_bytes);
    for (int i = n - 1; i >= 0; i--)
        value = value << 8 | b.data[offset + (uint64_t)i];
    return value;
}

/// The documents of PREFIX.bin and PREFIX.idx, a line each.
static inline const char *export_decode_megatron(const char *prefix, struct arena *a)
{
    const struct export_bytes idx = export_load(arena_printf(a, "%s.idx", prefix), a);
    const struct export_bytes bin = export_load(arena_printf(a, "%s.bin", prefix), a);
    CHECK(idx.n_bytes > 34 && memcmp(idx.data, "MMIDIDX\0\0", 9) == 0);
    CHECK_EQ(export_number(idx, 9, 8), 1);
    const uint64_t type = export_number(idx, 17, 1), width = type == 8 ? 2 : 4;
    CHECK(type == 8 || type == 4);
    const uint64_t n = export_number(idx, 18, 8), m = export_number(idx, 26, 8);
    CHECK_EQ(idx.n_bytes, 34 + 12 * n + 8 * m);
    struct text t;
    text_begin(&t, a);
    for (uint64_t d = 0; d + 1 < m; d++) {
        const uint64_t docs = 34 + 12 * n + 8 * d;
        for (uint64_t s = export_number(idx, docs, 8); s < export_number(idx, docs + 8, 8); s++) {
            const uint64_t at = export_number(idx, 34 + 4 * n + 8 * s, 8);
            for (uint64_t i = 0; i < export_number(idx, 34 + 4 * s, 4); i++)
                text_printf(&t, "%llu ",
                            (unsigned long long)export_number(bin, at + width * i, (int)width));
        }
        text_put(&t, "\n", 1);
    }
    return t.data;
}

/// The documents of an llm.c file; end_of_text, which begins each, is put at the end of its line.
static inline void export_decode_llmc(const char *path, uint64_t end_of_text, struct text *t)
{
    const struct export_bytes bin = export_load(path, t->arena);
    const uint64_t magic = export_number(bin, 0, 4), version = export_number(bin, 4, 4);
    const int width = magic == 20240520 ? 2 : 4;
    CHECK(width == 2 ? version == 1 : magic == 20240801 && version == 7);
    const uint64_t n = export_number(bin, 8, 4);
    CHECK_EQ(bin.n_bytes, 1024 + n * (uint64_t)width);
    CHECK_EQ(export_number(bin, 1024, width), end_of_text);
    for (uint64_t i = 1; i <= n; i++) {
        const uint64_t token =
            i < n ? export_number(bin, 1024 + i * (uint64_t)width, width) : end_of_text;
        text_printf(t, "%llu %s", (unsigned long long)token, token == end_of_text ? "\n" : "");
    }
}
