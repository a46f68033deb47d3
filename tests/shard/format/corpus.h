#pragma once
// Small corpora for tests of datasets, below one scratch folder of the process.

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "shard/build/dataset_build.h"
#include "tests/check.h"

// In memory where possible: hundreds of builds with their fsyncs are slow on a disk.
static inline const char *corpus_root(struct arena *a)
{
    const char *top = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    return arena_printf(a, "%s/weft-test-%ld", top, (long)getpid());
}

/// A new folder of that name, in a.
static inline const char *corpus_folder(struct arena *a, const char *name)
{
    const char *folder = arena_printf(a, "%s/%s", corpus_root(a), name);
    CHECK_OK(file_make_folders(folder));
    return folder;
}

static inline void corpus_clean(struct arena *a)
{
    CHECK_OK(file_remove_tree(corpus_root(a)));
}

/// Writes folder/name; n_bytes 0 = up to the NUL.
static inline void corpus_put(struct arena *a, const char *folder, const char *name,
                              const char *text, size_t n_bytes)
{
    char *path = arena_printf(a, "%s/%s", folder, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    CHECK_OK(file_make_folders(path));
    *slash = '/';
    CHECK_OK(file_replace(path, text, n_bytes ? n_bytes : strlen(text)));
}

static inline struct dataset_build_options corpus_options(const char *out, char *const *inputs,
                                                          size_t n_inputs)
{
    return (struct dataset_build_options){.out = out,
                                          .inputs = inputs,
                                          .n_inputs = n_inputs,
                                          .codec = FRAME_ZSTD,
                                          .judge = {.extract = EXTRACT_PLAIN},
                                          .n_workers = 1,
                                          .shard_tokens = DATASET_BUILD_SHARD_TOKENS,
                                          .bin_tokens = DATASET_BUILD_BIN_TOKENS};
}

static inline enum err corpus_build(struct arena *a, const char *in, const char *out,
                                    size_t n_workers, struct dataset_build_result *result)
{
    char *inputs[] = {arena_strdup(a, in)};
    struct dataset_build_options options = corpus_options(out, inputs, 1);
    options.n_workers = n_workers;
    return dataset_build(&options, a, result);
}

/// n lines of JSONL with texts of 1 to 300 letters.
static inline void corpus_random_jsonl(struct arena *a, const char *path, uint64_t seed, size_t n)
{
    const uint64_t key = rng_key(seed, "corpus");
    struct text lines;
    text_begin(&lines, a);
    for (size_t i = 0; i < n; i++) {
        text_printf(&lines, "{\"id\": %zu, \"text\": \"", i);
        const size_t n_letters = 1 + rng_u64(key, i, 0) % 300;
        for (size_t k = 0; k < n_letters; k++)
            text_put(&lines, &"etaoin shrdlu"[rng_u64(key, i, k + 1) % 13], 1);
        text_printf(&lines, "\"}\n");
    }
    CHECK_OK(file_replace(path, lines.data, lines.n_bytes));
}

/// Whether two folders hold the same names with the same bytes.
static inline int corpus_same_files(struct arena *a, const char *one, const char *two)
{
    struct file_list x, y;
    CHECK_OK(file_list(one, a, &x));
    CHECK_OK(file_list(two, a, &y));
    if (x.n_names != y.n_names) return 0;
    for (size_t i = 0; i < x.n_names; i++) {
        if (strcmp(x.names[i], y.names[i]) != 0) return 0;
        struct span p, q;
        CHECK_OK(file_read(arena_printf(a, "%s/%s", one, x.names[i]), 1 << 30, a, &p));
        CHECK_OK(file_read(arena_printf(a, "%s/%s", two, y.names[i]), 1 << 30, a, &q));
        if (p.n_bytes != q.n_bytes || memcmp(p.data, q.data, p.n_bytes) != 0) return 0;
    }
    return 1;
}
