#pragma once
// Looks over the inputs before a build and cuts large files into pieces (shard/read/boundary.h), so
// that no file is more than a part of the work where that can be helped. Where a file is cut
// depends on its bytes and the size of a piece, not on ranks. Ranks share the looking: first for
// places to cut, then, for numbers of lines to go on over pieces, by reading each piece once.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"
#include "shard/read/reader.h"
#include "topology/fabric.h"

struct survey_options {
    const struct reader_options *reader;
    uint64_t piece_bytes; // larger files are cut near multiples of it or of more; > 0
    struct fabric *fabric;
    struct pool *pool;
};

/// The same bytes as inputs, as files and pieces, in the same order, in a; the rest is borrowed
/// from inputs. Every rank sees the same inputs. Collective. Errors: any rank's ERR_IO (a file
/// is shorter than when it was listed, too), ERR_MEMORY.
enum err survey_cut(const struct survey_options *o, const struct inputs *inputs, struct arena *a,
                    struct inputs *out) MUST_CHECK;
