#pragma once
// Random models with random bits as values, and random cuts of them into pieces, for tests of
// checkpoints. Everything is a function of seeds, so every rank makes the same.

#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"
#include "trainer/checkpoint/checkpoint.h"

enum { CASE_TENSORS = 12 };

struct checkpoint_case {
    struct checkpoint_model model;
    struct checkpoint_tensor tensors[CASE_TENSORS];
    float *values[CASE_TENSORS][CHECKPOINT_COMPONENTS]; // whole; NULL = no such component
};

static inline uint64_t case_below(uint64_t seed, uint64_t i, uint64_t n)
{
    return hash_xxh3(&i, sizeof i, seed) % n;
}

static inline int case_components(const struct checkpoint_tensor *t)
{
    return t->has_moments ? CHECKPOINT_COMPONENTS : 1;
}

/// Allocates whole components, zeroed.
static inline void case_allocate(struct checkpoint_case *c, struct arena *a)
{
    c->model.tensors = c->tensors;
    for (uint64_t t = 0; t < c->model.n_tensors; t++)
        for (int k = 0; k < case_components(&c->tensors[t]); k++)
            c->values[t][k] = ARENA_ARRAY(a, float, c->tensors[t].n_elems);
}

/// Any bits: NaNs and denormals must come back as they are.
static inline void case_fill(struct checkpoint_case *c, uint64_t seed)
{
    for (uint64_t t = 0; t < c->model.n_tensors; t++)
        for (int k = 0; k < case_components(&c->tensors[t]); k++)
            for (uint64_t i = 0; i < c->tensors[t].n_elems; i++) {
                uint64_t bits = hash_xxh3(&i, sizeof i, seed + 8 * t + (uint64_t)k);
                memcpy(&c->values[t][k][i], &bits, sizeof(float));
            }
}

static inline void case_tensor(struct checkpoint_case *c, struct arena *a, const char *name,
                               uint64_t rows, uint64_t columns, bool has_moments)
{
    c->tensors[c->model.n_tensors++] = (struct checkpoint_tensor){.name = arena_strdup(a, name),
                                                                  .n_dims = 2,
                                                                  .dims = {rows, columns},
                                                                  .n_elems = rows * columns,
                                                                  .has_moments = has_moments};
}

/// 1 to 6 tensors of up to 5 blocks, every third frozen; the first one sometimes longer than a
/// frame.
static inline void case_random(struct checkpoint_case *c, struct arena *a, uint64_t seed)
{
    *c = (struct checkpoint_case){0};
    uint64_t n = 1 + case_below(seed, 0, 6);
    for (uint64_t t = 0; t < n; t++) {
        bool is_long = t == 0 && seed % 2 == 0;
        uint64_t rows = is_long ? 13 : 1 + case_below(seed, 10 + t, 20);
        uint64_t columns = is_long ? 6000 : 1 + case_below(seed, 20 + t, 900);
        case_tensor(c, a, arena_printf(a, "layers.%lu.weight", t), rows, columns, t % 3 != 2);
    }
    case_allocate(c, a);
    case_fill(c, seed);
}

/// The same tensors with zeros.
static inline void case_empty_copy(struct checkpoint_case *copy, const struct checkpoint_case *c,
                                   struct arena *a)
{
    *copy = *c;
    case_allocate(copy, a);
}

/// Pieces of rank under a cut: runs of 1 to 4 blocks, each with a random owner among n_ranks.
/// Pointing into c's values.
static inline struct checkpoint_piece *case_cut(const struct checkpoint_case *c, struct arena *a,
                                                uint64_t cut, int rank, int n_ranks, size_t *n_out)
{
    size_t n = 0, capacity = 0;
    struct checkpoint_piece *pieces = NULL;
    for (uint64_t t = 0; t < c->model.n_tensors; t++)
        for (uint64_t first = 0, elems; first < c->tensors[t].n_elems; first += elems) {
            uint64_t key = cut + 131 * t;
            elems = (1 + case_below(key, first, 4)) * CHECKPOINT_BLOCK_ELEMS;
            if (cut % 3 == 0) elems = UINT64_MAX; // whole tensors
            if (elems > c->tensors[t].n_elems - first) elems = c->tensors[t].n_elems - first;
            if ((int)case_below(key, first + 1, (uint64_t)n_ranks) != rank) continue;
            struct checkpoint_piece piece = {.tensor = t, .first_elem = first, .n_elems = elems};
            for (int k = 0; k < case_components(&c->tensors[t]); k++)
                piece.data[k] = c->values[t][k] + first;
            pieces = ARENA_GROW(a, struct checkpoint_piece, pieces, n + 1, &capacity);
            pieces[n++] = piece;
        }
    *n_out = n;
    return pieces;
}

/// The values of the pieces are those of c.
static inline void case_check(const struct checkpoint_case *c,
                              const struct checkpoint_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < CHECKPOINT_COMPONENTS; k++)
            if (pieces[i].data[k] != NULL)
                CHECK(memcmp(pieces[i].data[k],
                             c->values[pieces[i].tensor][k] + pieces[i].first_elem,
                             pieces[i].n_elems * sizeof(float)) == 0);
}

static inline struct checkpoint_state case_state(uint64_t step)
{
    return (struct checkpoint_state){.step = step,
                                     .stream_hash = {step * 3, ~step},
                                     .seed = 7,
                                     .state_hash = step * 0x9e3779b97f4a7c15u,
                                     .loss = 0.1 + (double)step,
                                     .validation_loss = 1.0 / 3,
                                     .run_file = "model:\n  layers: 2 # \"æ\"\n"};
}

/// A scratch folder of process pid, in memory where possible.
static inline char *case_folder(struct arena *a, uint64_t pid)
{
    const char *top = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    return arena_printf(a, "%s/weft-checkpoint-%lu", top, pid);
}
