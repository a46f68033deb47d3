#pragma once
// Batches without datad, for tests, planning and benchmarks: uniform random tokens, a pure function
// of (seed, split, position), one document a row.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/client.h"

struct synthetic;

/// Whether socket names a synthetic stream: "random:V", V tokens in the vocabulary. Can't fail.
bool synthetic_named(const char *socket);
/// Memory for CLIENT_WINDOW batches, touched when used; closed by synthetic_close. Errors:
/// ERR_CONFIG for a bad V or shape, ERR_MEMORY.
enum err synthetic_open(const struct client_options *o, struct arena *a,
                        struct synthetic **out) MUST_CHECK;
void synthetic_close(struct synthetic *s);
const struct client_info *synthetic_info(const struct synthetic *s);
/// Fills slot (< CLIENT_WINDOW) and describes it in out. Errors: ERR_CONFIG when there is no such
/// lane.
enum err synthetic_fill(struct synthetic *s, uint64_t step, uint64_t lane, size_t slot,
                        struct batch *out) MUST_CHECK;
