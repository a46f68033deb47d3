#pragma once
// How a batch lies in its slot of shared memory, and how it is made: a header, then those of the
// named arrays of [lane_rows * T] that the client wants, each on its own cache lines. (step, lane)
// -> bytes is a pure function of the stream.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "datad/client.h"
#include "datad/stream.h"

enum {
    BATCH_HEADER_BYTES = 1024,
    BATCH_LINE_BYTES = 512,
    BATCH_NAMES_BYTES = 128, // of a list of arrays
    BATCH_ALIGN_BYTES = 64,
    BATCH_TOKENS_LIMIT = 1 << 24, // of one lane
    BATCH_STEP_LANES_LIMIT = 1 << 24
};
#define BATCH_IMAGES "tiles"                // in a list of arrays: all of datad/batch_images.h
#define BATCH_ROW_LIMIT (UINT64_C(1) << 60) // positions are below it

// What a lane and a step are, from first_step on, which begins at the run's row first_row.
struct batch_shape {
    uint64_t T, lane_rows, step_lanes;
    uint64_t first_step, first_row;
};

// The arrays of text, in the order in which they lie.
enum batch_text {
    BATCH_TOKENS,
    BATCH_TARGETS,
    BATCH_MASK,
    BATCH_POSITIONS,
    BATCH_DOCUMENT_START,
    BATCH_TEXT_ARRAYS
};

struct batch_field {
    char name[32];
    enum batch_dtype dtype;
    uint64_t capacity; // elements
    uint64_t offset;   // bytes from the slot's start
};

struct batch_layout {
    size_t n_fields;
    struct batch_field fields[BATCH_ARRAYS];
    uint64_t slot_bytes;
    uint64_t text[BATCH_TEXT_ARRAYS]; // datad's side: offsets; 0 = not wanted
};

// What the header says of a slot: the batch, or why there is none.
struct batch_header {
    uint64_t step, lane;
    uint64_t loss_tokens, step_loss_tokens;
    struct hash128 history; // stream_history to the step's end
    enum err err;
    char line[BATCH_LINE_BYTES];
    uint64_t counts[BATCH_ARRAYS];
};

/// Bytes of one element. Can't fail.
size_t batch_dtype_bytes(enum batch_dtype dtype);
/// Errors: ERR_CONFIG for a shape beyond the limits above.
enum err batch_check_shape(const struct batch_shape *shape) MUST_CHECK;
/// Whether a list of arrays, "tokens,mask", has name; one that is empty has all. Can't fail.
bool batch_wants(const char *arrays, const char *name);
/// The layout of text batches: those of tokens, targets, mask, positions and document_start that
/// arrays lists (less than BATCH_NAMES_BYTES); images add theirs (datad/batch_images.h). shape is
/// checked. Errors: ERR_CONFIG for a name that no array has.
enum err batch_layout_build(const struct batch_shape *shape, const char *arrays,
                            struct batch_layout *out) MUST_CHECK;
/// Adds an array of capacity elements behind the others. Can't fail.
void batch_layout_add(struct batch_layout *layout, const char *name, enum batch_dtype dtype,
                      uint64_t capacity);
/// Rows of the run before step, which is first_step or later; stays at BATCH_ROW_LIMIT beyond it.
/// Can't fail.
uint64_t batch_rows_before(const struct batch_shape *shape, uint64_t step);
/// Rows of (step, lane), as positions of the stream. Errors: ERR_CONFIG when there is no such lane
/// or position.
enum err batch_positions(const struct batch_shape *shape, uint64_t step, uint64_t lane,
                         struct range *lane_positions, struct range *step_positions) MUST_CHECK;
/// The slot's arrays from its first row on; NULL for those not wanted. Can't fail.
struct pack_row batch_rows(const struct batch_layout *layout, uint8_t *slot);
// What became of a batch, for those who count.
struct batch_outcome {
    enum err err;
    uint64_t n_tokens, loss_tokens;
    uint64_t n_lost_images; // black: their files could not be decoded
};
/// Fills slot [layout->slot_bytes] with the batch, or with the error's line: the client finds it in
/// the header. Thread-safe.
struct batch_outcome batch_assemble(struct stream *stream, const struct batch_shape *shape,
                                    const struct batch_layout *layout, uint64_t step, uint64_t lane,
                                    uint8_t *slot);

/// h as little-endian bytes with their crc32c. Can't fail.
void batch_header_encode(const struct batch_header *h, uint8_t out[BATCH_HEADER_BYTES]);
/// Errors: ERR_CORRUPT.
enum err batch_header_decode(const uint8_t data[BATCH_HEADER_BYTES],
                             struct batch_header *out) MUST_CHECK;
