#include "shard/format/content.h"

#include <string.h>

#include "base/little.h"

enum { COLUMN_RECORD_BYTES = 16, FRAME_RECORD_BYTES = 24 };

static uint8_t *put_column(const struct layout_column *column, const struct hash128 *hashes,
                           uint8_t *out)
{
    const size_t n_name = strlen(column->name);
    memset(out, 0, COLUMN_RECORD_BYTES);
    out[0] = column->type;
    out[2] = (uint8_t)n_name;
    little_put_u32(out + 4, column->n_frames);
    little_put_u64(out + 8, column->n_elems);
    memcpy(out + COLUMN_RECORD_BYTES, column->name, n_name);
    out += COLUMN_RECORD_BYTES + n_name;
    for (uint32_t i = 0; i < column->n_frames; i++, out += FRAME_RECORD_BYTES) {
        little_put_u32(out, column->frames[i].raw_bytes);
        little_put_u32(out + 4, column->frames[i].n_elems);
        little_put_u64(out + 8, hashes[i].lo);
        little_put_u64(out + 16, hashes[i].hi);
    }
    return out;
}

struct hash128 content_id(const struct layout *l, struct hash128 *const *frame_hashes,
                          struct arena *a)
{
    size_t n = 0;
    for (uint32_t c = 0; c < l->n_columns; c++) {
        n += COLUMN_RECORD_BYTES + strlen(l->columns[c].name);
        n += (size_t)FRAME_RECORD_BYTES * l->columns[c].n_frames;
    }
    uint8_t *table = arena_alloc(a, n, 8);
    uint8_t *end = table;
    for (uint32_t c = 0; c < l->n_columns; c++)
        end = put_column(&l->columns[c], frame_hashes[c], end);
    ASSERT((size_t)(end - table) == n);
    return hash_xxh3_128(table, n);
}
