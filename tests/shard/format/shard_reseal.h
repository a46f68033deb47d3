#pragma once
// Makes the checksums of damaged shard bytes agree again, as an attacker would, so that tests reach
// what lies behind them.

#include "base/little.h"
#include "shard/format/layout.h"

/// Sums of directory and footer over what they now hold. n_bytes >= 128.
static inline void reseal_directory(uint8_t *bytes, size_t n_bytes)
{
    uint8_t *footer = bytes + n_bytes - LAYOUT_FOOTER_BYTES;
    struct layout l = {.file_bytes = n_bytes};
    l.file_id.lo = little_get_u64(bytes + 16);
    l.file_id.hi = little_get_u64(bytes + 24);
    l.directory_offset = little_get_u64(footer);
    l.directory_bytes = little_get_u32(footer + 8);
    l.n_columns = little_get_u32(footer + 40);
    if (l.directory_offset <= n_bytes && l.directory_bytes <= n_bytes - l.directory_offset)
        l.directory_crc = layout_directory_crc(
            l.file_id, (struct span){bytes + l.directory_offset, l.directory_bytes});
    layout_encode_footer(&l, footer);
}

/// Sums of everything: header, directory, footer and, when the directory can be read, frames.
static inline void reseal_all(uint8_t *bytes, size_t n_bytes, struct arena *a)
{
    struct layout l = {.file_bytes = n_bytes};
    l.file_id.lo = little_get_u64(bytes + 16);
    l.file_id.hi = little_get_u64(bytes + 24);
    layout_encode_header(&l, bytes);
    reseal_directory(bytes, n_bytes);
    if (layout_decode_footer(bytes + n_bytes - LAYOUT_FOOTER_BYTES, &l) != OK) return;
    const struct span directory = {bytes + l.directory_offset, l.directory_bytes};
    if (layout_decode_directory(directory, a, &l) != OK) return;
    for (uint32_t c = 0; c < l.n_columns; c++) {
        for (uint32_t i = 0; i < l.columns[c].n_frames; i++) {
            struct frame *f = &l.columns[c].frames[i];
            const struct frame_place place = {l.file_id, c, i};
            f->crc = frame_crc(&place, f, bytes + f->offset);
        }
    }
    layout_encode_directory(&l, bytes + l.directory_offset);
    reseal_directory(bytes, n_bytes);
}
