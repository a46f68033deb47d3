#pragma once
// A client of datad: asks for the batch of (step, lane) and gets named arrays in shared read-only
// memory. Answers are a pure function of (dataset hash, mixture, seed, position): asking twice,
// from any rank, or after datad was killed and started again, gives the same bytes (I1). One client
// a split; used by one thread.
//
//     TRY(client_open(&options, a, &c));
//     TRY(client_request(c, step, lane));      // returns at once; up to CLIENT_WINDOW under way
//     TRY(client_wait(c, step, lane, &batch)); // reconnects if datad restarts
//     ... batch_array(&batch, "tokens") ...
//     client_release(c, &batch);

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

enum { CLIENT_WINDOW = 64, BATCH_ARRAYS = 16 };

enum batch_dtype { BATCH_I32, BATCH_F32, BATCH_U8 };

struct batch_array {
    char name[32];
    enum batch_dtype dtype;
    size_t capacity, count; // elements
    const void *data;       // 64-byte aligned
};

struct batch {
    uint64_t step, lane;
    uint64_t loss_tokens;      // of this lane: positions with loss mask 1
    uint64_t step_loss_tokens; // of all lanes of the step: the loss divisor (I2 f)
    // names all that decided the run's rows up to the end of this step: saved with a checkpoint
    struct hash128 history;
    size_t n_arrays;
    struct batch_array arrays[BATCH_ARRAYS];
    size_t slot; // the client's own
};

struct client_options {
    // path of datad's Unix socket; "random:V" = no datad: uniform tokens < V by counter RNG, one
    // document a row
    const char *socket;
    const char *split; // "train" or "validation"
    // names of the arrays that batches are to have, "tokens,document_start"; NULL or "" = all.
    // "tiles" stands for all arrays of images.
    const char *arrays;
    uint64_t sequence;  // T: tokens a row
    uint64_t lane_rows; // B: rows a lane
    // lanes a step: row position =
    //     first_row + ((step - first_step) * step_lanes + lane) * lane_rows + row
    uint64_t step_lanes;
    uint64_t first_step, first_row; // where this shape begins; 0 for a run of one
    uint64_t next_step;   // client_info's stream_hash is that of all rows before it; 0 = first_step
    uint64_t seed;        // of the order (and of "random:")
    uint64_t deadline_ns; // of client_open and client_wait; 0 = 30 s
    uint64_t
        open_deadline_ns; // of client_open alone: datad may have to pack first; 0 = deadline_ns
    // Polled while waiting: fabric progress; false = give up (ERR_GONE, with the line that it
    // recorded, if any). May be NULL.
    bool (*keep_waiting)(void *context);
    void *context;
};

struct client_info {
    // of dataset, mixture, seed, T and split, with all edits that begin before next_step: compared
    // on resume with the history that the checkpoint has kept
    struct hash128 stream_hash;
    uint32_t vocabulary, end_of_text;
    uint64_t n_rows; // rows in one epoch of the split
    uint64_t n_tokens;
};

struct client;

/// Whether a datad of this user answers on socket now; does not wait for one. Can't fail.
bool client_answers(const char *socket);

/// Arrays of a batch, each [lane_rows * sequence]: "tokens" i32, "targets" i32 (next token; 0 where
/// masked), "mask" f32 (1 where the target counts), "positions" i32 (index within the document, in
/// this row), "document_start" i32 (row index where the position's document starts: attention sees
/// [document_start, position's row index]). Errors: ERR_GONE (nobody listens within the deadline),
/// ERR_DENIED (socket of another user), ERR_CONFIG (split empty, no such array).
enum err client_open(const struct client_options *o, struct arena *a,
                     struct client **out) MUST_CHECK;
void client_close(struct client *c);
const struct client_info *client_info(const struct client *c);
/// Local; does not block. Errors: ERR_INVARIANT when CLIENT_WINDOW requests are under way.
enum err client_request(struct client *c, uint64_t step, uint64_t lane) MUST_CHECK;
/// Waits for an earlier request. Errors: ERR_GONE past the deadline, ERR_DATA or ERR_CORRUPT from
/// datad with its line.
enum err client_wait(struct client *c, uint64_t step, uint64_t lane, struct batch *out) MUST_CHECK;
void client_release(struct client *c, struct batch *b);
/// The array of that name, or NULL.
const struct batch_array *batch_array(const struct batch *b, const char *name);
