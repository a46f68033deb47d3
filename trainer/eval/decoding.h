#pragma once
// A model that reads one sequence piece by piece and says after each position how likely every next
// token is. Keys and values of what it read stay in its cache, so a token costs one pass over the
// weights, whatever came before. One rank, all weights whole.
//
//     TRY(decoding_open(&prompt, &config, 64, pool, fabric, &a));    // up to 64 positions a pass
//     TRY(snapshot_load(&snapshot, &prompt.executor, &a));
//     TRY(decoding_prepare(&prompt));
//     TRY(decoding_read(&prompt, ids, n));
//     const float *next = decoding_logits(&prompt, n - 1);           // [V], of the last position

#include "trainer/run/execute.h"

struct decoding {
    struct config config;
    struct executor executor;
    const struct plan *plan;
    uint64_t rows;        // positions a pass, at most
    uint64_t n_positions; // read so far
    float *logits;        // [rows, V] of the last pass
};

/// Plans and maps a decoder of up to `rows` positions a pass and c->model.context in all, cut to
/// the context. Its weights are zero until they are filled (state.h, snapshot.h). Borrows pool and
/// fabric (of one rank). Local. Errors: ERR_CONFIG, ERR_MEMORY.
enum err decoding_open(struct decoding *d, const struct config *c, uint64_t rows, struct pool *pool,
                       struct fabric *fabric, struct arena *a) MUST_CHECK;
void decoding_close(struct decoding *d);
/// After the weights were filled: casts them. Local.
enum err decoding_prepare(struct decoding *d) MUST_CHECK;
/// Reads the next n <= rows tokens. Local. Errors: ERR_DATA: an id outside the vocabulary, or past
/// the context.
enum err decoding_read(struct decoding *d, const uint32_t *ids, uint64_t n) MUST_CHECK;
/// [V] f32 after position row of the last decoding_read. Overwritten by the next. Can't fail.
const float *decoding_logits(const struct decoding *d, uint64_t row);
/// to goes on where from is: copies its weights and what it has read, and prepares to. Same model;
/// rows may differ. Local.
enum err decoding_take_over(struct decoding *to, const struct decoding *from) MUST_CHECK;
