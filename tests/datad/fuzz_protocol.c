// The decoder of frames on arbitrary bytes, in every state, with sums repaired so that the fields
// behind them are reached. What decodes must encode to the same bytes.
//
//     build/fuzz/fuzz_protocol -max_len=2081 CORPUS tests/data/corpus_protocol

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "datad/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void put_u32(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void repair_sums(uint8_t *frame, size_t n_bytes)
{
    if (n_bytes < PROTOCOL_HEADER_BYTES) return;
    const size_t n_body = n_bytes - PROTOCOL_HEADER_BYTES;
    put_u32(frame + 8, (uint32_t)n_body);
    put_u32(frame + 12, hash_crc32c(0, frame + PROTOCOL_HEADER_BYTES, n_body));
    put_u32(frame + 28, hash_crc32c(0, frame, 28));
}

static void decode(enum protocol_state state, const uint8_t *frame, size_t n_bytes)
{
    uint8_t again[PROTOCOL_FRAME_LIMIT];
    struct protocol_message m;
    size_t n_used;
    if (protocol_decode(state, frame, n_bytes, &m, &n_used) != OK || n_used == 0) return;
    if (n_used > n_bytes || protocol_encode(&m, again) != n_used) abort();
    if (m.type != PROTOCOL_ERROR && memcmp(frame, again, n_used) != 0)
        abort(); // its line is cut at the NUL
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    if (n_bytes < 1 || n_bytes - 1 > sizeof frame) return 0;
    const size_t n = n_bytes - 1;
    memcpy(frame, data + 1, n);
    if (data[0] & 1) repair_sums(frame, n);
    for (unsigned state = PROTOCOL_DATAD_NEW; state <= PROTOCOL_CLIENT_READY; state *= 2)
        decode(state, frame, n);
    return 0;
}
