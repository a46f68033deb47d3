#include "datad/batch.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/size.h"
#include "datad/field.h"

#define HEADER_MAGIC UINT32_C(0x62746677) // "wftb"

static const struct {
    const char *name;
    enum batch_dtype dtype;
} text_table[BATCH_TEXT_ARRAYS] = {
    [BATCH_TOKENS] = {"tokens", BATCH_I32},
    [BATCH_TARGETS] = {"targets", BATCH_I32},
    [BATCH_MASK] = {"mask", BATCH_F32},
    [BATCH_POSITIONS] = {"positions", BATCH_I32},
    [BATCH_DOCUMENT_START] = {"document_start", BATCH_I32},
};

size_t batch_dtype_bytes(enum batch_dtype dtype)
{
    switch (dtype) {
    case BATCH_I32:
        return sizeof(int32_t);
    case BATCH_F32:
        return sizeof(float);
    case BATCH_U8:
        return sizeof(uint8_t);
    }
    err_abort(__FILE__, __LINE__, "a dtype that is not in the enum");
}

enum err batch_check_shape(const struct batch_shape *shape)
{
    if (shape->T == 0 || shape->T > STREAM_T_LIMIT)
        return fail(ERR_CONFIG, "a sequence of %llu tokens: 1 to %d are possible",
                    (unsigned long long)shape->T, STREAM_T_LIMIT);
    if (shape->lane_rows == 0 || shape->lane_rows > BATCH_TOKENS_LIMIT / shape->T)
        return fail(ERR_CONFIG, "a lane of %llu rows of %llu tokens: 1 to %d tokens are possible",
                    (unsigned long long)shape->lane_rows, (unsigned long long)shape->T,
                    BATCH_TOKENS_LIMIT);
    if (shape->step_lanes == 0 || shape->step_lanes > BATCH_STEP_LANES_LIMIT)
        return fail(ERR_CONFIG, "a step of %llu lanes: 1 to %d are possible",
                    (unsigned long long)shape->step_lanes, BATCH_STEP_LANES_LIMIT);
    if (shape->first_row > BATCH_ROW_LIMIT)
        return fail(ERR_CONFIG, "first row %llu is beyond the stream",
                    (unsigned long long)shape->first_row);
    return OK;
}

/// Length of the first name of a list; *rest is what follows it.
static size_t first_name(const char *list, const char **rest)
{
    const size_t n = strcspn(list, ",");
    *rest = list + n + (list[n] == ',');
    return n;
}

static bool is_name(const char *at, size_t n, const char *name)
{
    return n == strlen(name) && memcmp(at, name, n) == 0;
}

bool batch_wants(const char *arrays, const char *name)
{
    bool wanted = *arrays == '\0';
    for (const char *at = arrays, *rest; *at != '\0' && !wanted; at = rest)
        wanted = is_name(at, first_name(at, &rest), name);
    return wanted;
}

static enum err check_name(const char *at, size_t n)
{
    struct arena a;
    const char *known = "";
    if (n == 0 || is_name(at, n, BATCH_IMAGES)) return OK;
    for (size_t i = 0; i < BATCH_TEXT_ARRAYS; i++)
        if (is_name(at, n, text_table[i].name)) return OK;
    arena_init(&a, "names of arrays");
    for (size_t i = 0; i < BATCH_TEXT_ARRAYS; i++)
        known = arena_printf(&a, "%s%s, ", known, text_table[i].name);
    const enum err e =
        fail(ERR_CONFIG, "no array '%.*s': there are %s" BATCH_IMAGES, (int)n, at, known);
    arena_fini(&a);
    return e;
}

static enum err check_names(const char *arrays)
{
    for (const char *at = arrays, *rest; *at != '\0'; at = rest)
        TRY(check_name(at, first_name(at, &rest)));
    return OK;
}

void batch_layout_add(struct batch_layout *layout, const char *name, enum batch_dtype dtype,
                      uint64_t capacity)
{
    ASSERT(layout->n_fields < BATCH_ARRAYS);
    struct batch_field *f = &layout->fields[layout->n_fields++];
    *f = (struct batch_field){.dtype = dtype, .capacity = capacity, .offset = layout->slot_bytes};
    snprintf(f->name, sizeof f->name, "%s", name);
    layout->slot_bytes =
        size_align(f->offset + capacity * batch_dtype_bytes(dtype), BATCH_ALIGN_BYTES);
}

enum err batch_layout_build(const struct batch_shape *shape, const char *arrays,
                            struct batch_layout *out)
{
    TRY(check_names(arrays));
    *out = (struct batch_layout){.slot_bytes = BATCH_HEADER_BYTES};
    for (size_t i = 0; i < BATCH_TEXT_ARRAYS; i++) {
        if (!batch_wants(arrays, text_table[i].name)) continue;
        out->text[i] = out->slot_bytes;
        batch_layout_add(out, text_table[i].name, text_table[i].dtype, shape->lane_rows * shape->T);
    }
    return OK;
}

uint64_t batch_rows_before(const struct batch_shape *shape, uint64_t step)
{
    const uint64_t step_rows = shape->step_lanes * shape->lane_rows;
    const uint64_t n_steps = step < shape->first_step ? 0 : step - shape->first_step;
    if (n_steps >= (BATCH_ROW_LIMIT - shape->first_row) / step_rows) return BATCH_ROW_LIMIT;
    return shape->first_row + n_steps * step_rows;
}

enum err batch_positions(const struct batch_shape *shape, uint64_t step, uint64_t lane,
                         struct range *lane_positions, struct range *step_positions)
{
    const uint64_t step_rows = shape->step_lanes * shape->lane_rows;
    if (lane >= shape->step_lanes)
        return fail(ERR_CONFIG, "lane %llu of a step of %llu lanes", (unsigned long long)lane,
                    (unsigned long long)shape->step_lanes);
    if (step < shape->first_step)
        return fail(ERR_CONFIG, "step %llu is before step %llu, where this client begins",
                    (unsigned long long)step, (unsigned long long)shape->first_step);
    const uint64_t begin = batch_rows_before(shape, step);
    if (begin >= BATCH_ROW_LIMIT - step_rows)
        return fail(ERR_CONFIG, "step %llu is beyond the stream", (unsigned long long)step);
    const uint64_t first = begin + lane * shape->lane_rows;
    *lane_positions = (struct range){first, first + shape->lane_rows};
    *step_positions = (struct range){begin, begin + step_rows};
    return OK;
}

struct pack_row batch_rows(const struct batch_layout *layout, uint8_t *slot)
{
    void *at[BATCH_TEXT_ARRAYS] = {NULL};
    for (size_t i = 0; i < BATCH_TEXT_ARRAYS; i++)
        if (layout->text[i] != 0) at[i] = slot + layout->text[i];
    return (struct pack_row){.tokens = at[BATCH_TOKENS],
                             .targets = at[BATCH_TARGETS],
                             .mask = at[BATCH_MASK],
                             .positions = at[BATCH_POSITIONS],
                             .document_start = at[BATCH_DOCUMENT_START]};
}

void batch_header_encode(const struct batch_header *h, uint8_t out[BATCH_HEADER_BYTES])
{
    memset(out, 0, BATCH_HEADER_BYTES);
    struct field_writer w = {out};
    field_put(&w, HEADER_MAGIC, 4);
    field_put(&w, h->err, 4);
    field_put(&w, h->step, 8);
    field_put(&w, h->lane, 8);
    field_put(&w, h->loss_tokens, 8);
    field_put(&w, h->step_loss_tokens, 8);
    field_put(&w, h->history.lo, 8);
    field_put(&w, h->history.hi, 8);
    for (size_t i = 0; i < BATCH_ARRAYS; i++)
        field_put(&w, h->counts[i], 8);
    field_put_text(&w, h->line, BATCH_LINE_BYTES);
    field_put(&w, hash_crc32c(0, out, (size_t)(w.at - out)), 4);
    ASSERT(w.at <= out + BATCH_HEADER_BYTES);
}

enum err batch_header_decode(const uint8_t data[BATCH_HEADER_BYTES], struct batch_header *out)
{
    struct field_reader r = {data};
    struct batch_header h = {0};
    const uint32_t magic = field_get_u32(&r);
    const uint32_t err = field_get_u32(&r);
    h.step = field_get(&r, 8);
    h.lane = field_get(&r, 8);
    h.loss_tokens = field_get(&r, 8);
    h.step_loss_tokens = field_get(&r, 8);
    h.history.lo = field_get(&r, 8);
    h.history.hi = field_get(&r, 8);
    for (size_t i = 0; i < BATCH_ARRAYS; i++)
        h.counts[i] = field_get(&r, 8);
    field_get_text(&r, h.line, BATCH_LINE_BYTES);
    const uint32_t crc = hash_crc32c(0, data, (size_t)(r.at - data));
    if (magic != HEADER_MAGIC || field_get_u32(&r) != crc || err >= ERR_N)
        return fail(ERR_CORRUPT, "header of a batch in shared memory is damaged");
    h.line[BATCH_LINE_BYTES - 1] = '\0';
    h.err = (enum err)err;
    *out = h;
    return OK;
}
