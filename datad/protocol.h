#pragma once
// What datad and its clients say to each other over the socket; batches themselves go through
// shared memory.
//
//     client                          datad
//       HELLO split, T, lanes, seed,
//             names of arrays        ->
//                                    <- WELCOME hashes, layout of a batch, + two descriptors
//       REQUEST step, lane, slot     ->            (any number; answered in the slot's futex word)
//                                    <- ERROR code, line  (at any time; then datad closes)
//
// Instead of HELLO a client may ask STATUS; datad answers REPORT with one descriptor, of that many
// bytes of JSON (datad/report.h), and closes.
//
// A frame is a header of 32 bytes and a body, little-endian:
//
//     0 magic u32   4 version u16   6 type u16   8 length u32 of the body
//     12 crc32c u32 of the body   16 sequence u64   24 zero u32   28 crc32c u32 of bytes 0..28
//
// The decoder checks the header, that the receiver's state allows the type, and that the length
// fits the type, before it looks at the body.

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "datad/batch.h"
#include "datad/stream.h"

enum {
    PROTOCOL_VERSION = 3,
    PROTOCOL_HEADER_BYTES = 32,
    PROTOCOL_BODY_LIMIT = 2048,
    PROTOCOL_REQUEST_BYTES = PROTOCOL_HEADER_BYTES + 4 * 8, // of a whole frame
    PROTOCOL_FRAME_LIMIT = PROTOCOL_HEADER_BYTES + PROTOCOL_BODY_LIMIT,
    PROTOCOL_LINE_BYTES = 512,
    PROTOCOL_REPORT_LIMIT = 1 << 24
};

enum protocol_type {
    PROTOCOL_HELLO = 1,
    PROTOCOL_WELCOME = 2,
    PROTOCOL_REQUEST = 3,
    PROTOCOL_ERROR = 4,
    PROTOCOL_STATUS = 5,
    PROTOCOL_REPORT = 6
};

// Who receives, and whether HELLO and WELCOME have been exchanged.
enum protocol_state {
    PROTOCOL_DATAD_NEW = 1,
    PROTOCOL_DATAD_READY = 2,
    PROTOCOL_CLIENT_NEW = 4,
    PROTOCOL_CLIENT_READY = 8
};

struct protocol_hello {
    struct stream_request stream;
    struct batch_shape shape;       // its T is the stream's
    char arrays[BATCH_NAMES_BYTES]; // wanted; "" = all
    uint64_t n_rows;                // of the run that are behind: WELCOME's stream hash is of those
};

struct protocol_welcome {
    struct stream_info stream;
    uint64_t n_slots;  // slots in the rows descriptor, words in the other
    uint64_t prefetch; // requests to keep under way
    struct batch_layout layout;
};

struct protocol_request {
    uint64_t step, lane, slot;
    uint64_t waited_ns; // that the client has waited for batches since it was opened
};

struct protocol_report {
    uint64_t n_bytes;
};

struct protocol_error {
    enum err err;
    char line[PROTOCOL_LINE_BYTES];
};

struct protocol_message {
    enum protocol_type type;
    uint64_t sequence; // of a request, from 1; the slot's word becomes its low 32 bits
    union {
        struct protocol_hello hello;
        struct protocol_welcome welcome;
        struct protocol_request request;
        struct protocol_error error;
        struct protocol_report report;
    };
};

/// Writes the frame of m; returns its bytes. Can't fail.
size_t protocol_encode(const struct protocol_message *m, uint8_t out[PROTOCOL_FRAME_LIMIT]);
/// Decodes the frame at data's start: *n_used is its bytes, or 0 when n_bytes is only part of one
/// (not more than PROTOCOL_FRAME_LIMIT is ever needed). Errors: ERR_DATA for anything that is not a
/// frame that the state allows.
enum err protocol_decode(enum protocol_state state, const uint8_t *data, size_t n_bytes,
                         struct protocol_message *out, size_t *n_used) MUST_CHECK;
