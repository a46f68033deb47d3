#pragma once
// A station of a build: turns each part that falls to this rank into part files of rows. Judging
// reads the inputs; encoding reads the rows of judging; one station may do both. A thread of the
// pool works on a document at a time; rows keep their order. A part that an earlier, killed build
// finished with the same inputs and options is kept as it is.

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"
#include "shard/build/encode.h"
#include "shard/build/judge.h"
#include "shard/build/part_done.h"
#include "shard/build/part_file.h"
#include "shard/build/part_list.h"
#include "shard/build/passes.h"
#include "shard/read/reader.h"

struct station_progress {
    const char *station;
    size_t n_parts_done, n_parts; // of this rank
    uint64_t n_rows, text_bytes;
};

// Looks at rows instead of writing them. look works on a row in any thread, with memory from a, and
// take gets what it returned, in the order of rows. begin and end stand around each part; may be NULL.
struct station_visit {
    void *(*look)(void *context, const struct part_row *row, struct arena *a);
    enum err (*take)(void *context, size_t part, uint64_t row_idx, const void *found);
    enum err (*begin)(void *context, size_t part);
    enum err (*end)(void *context, size_t part);
    void *context;
};

struct station_options {
    const char *name; // "judge"; its files begin with it
    const char *from; // NULL: reads inputs; else the name of the station whose rows it reads
    const struct encoder *encoder;     // NULL: does not encode
    const struct passes *passes;       // applied to rows that are read; NULL = none
    const struct station_visit *visit; // NULL = writes rows
    struct funnel stages;              // what a document goes through here; no counts
    struct hash128 salt;               // of what its rows depend on beside parts' fingerprints
    const struct inputs *inputs;
    const struct part_list *parts;
    const struct reader_options *reader;
    const struct judge *judge;
    size_t n_scores;
    bool keep_dropped, skip_bad;
    uint64_t file_bytes; // at which a part file ends
    const char *folder;
    struct pool *pool;
    int rank, n_ranks;
    void (*progress)(void *context, const struct station_progress *p);
    void *context;
};

/// Does the parts of this rank. Ends early, with OK, when another rank has failed. Local. Errors:
/// ERR_IO, ERR_DATA, ERR_MEMORY.
enum err station_run(const struct station_options *o) MUST_CHECK;
/// The path of file number file of a part, in a. Can't fail.
const char *station_file(const char *folder, const char *station, size_t part, size_t file,
                         struct arena *a);
/// What is said of a finished part; names live in a. Errors: ERR_IO, ERR_DATA.
enum err station_done(const char *folder, const char *station, size_t part, struct arena *a,
                      struct part_done *out) MUST_CHECK;
/// Tells the stations of other ranks, which see folder, to end early. Can't fail.
void station_stop(const char *folder);
/// Takes that back, before stations run. Errors: ERR_IO.
enum err station_unstop(const char *folder) MUST_CHECK;
