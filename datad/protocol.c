#include "datad/protocol.h"

#include <string.h>

#include "base/size.h"
#include "datad/field.h"

#define MAGIC UINT32_C(0x44544657) // "WFTD"

enum {
    FIELD_BYTES = 32 + 4 + 8 + 8,
    HELLO_BYTES = 4 + 7 * 8 + BATCH_NAMES_BYTES,
    WELCOME_BYTES = 2 * 16 + 2 * 4 + 6 * 8,
    REQUEST_BYTES = PROTOCOL_REQUEST_BYTES - PROTOCOL_HEADER_BYTES,
    REPORT_BYTES = 8,
    ERROR_BYTES = 4 + PROTOCOL_LINE_BYTES
};
_Static_assert(WELCOME_BYTES + BATCH_ARRAYS * FIELD_BYTES <= PROTOCOL_BODY_LIMIT, "body limit");

typedef void (*encode_fn)(const struct protocol_message *m, struct field_writer *w);
typedef enum err (*decode_fn)(struct field_reader *r, size_t n_bytes, struct protocol_message *m);

static void encode_hello(const struct protocol_message *m, struct field_writer *w)
{
    field_put(w, m->hello.stream.split, 4);
    field_put(w, m->hello.stream.T, 8);
    field_put(w, m->hello.stream.seed, 8);
    field_put(w, m->hello.shape.lane_rows, 8);
    field_put(w, m->hello.shape.step_lanes, 8);
    field_put(w, m->hello.shape.first_step, 8);
    field_put(w, m->hello.shape.first_row, 8);
    field_put(w, m->hello.n_rows, 8);
    field_put_text(w, m->hello.arrays, BATCH_NAMES_BYTES);
}

static enum err decode_hello(struct field_reader *r, size_t n_bytes, struct protocol_message *m)
{
    (void)n_bytes;
    const uint32_t split = field_get_u32(r);
    if (split >= SPLIT_N) return fail(ERR_DATA, "hello: split %u", split);
    m->hello.stream.split = (enum split)split;
    m->hello.stream.T = field_get(r, 8);
    m->hello.stream.seed = field_get(r, 8);
    m->hello.shape.T = m->hello.stream.T;
    m->hello.shape.lane_rows = field_get(r, 8);
    m->hello.shape.step_lanes = field_get(r, 8);
    m->hello.shape.first_step = field_get(r, 8);
    m->hello.shape.first_row = field_get(r, 8);
    m->hello.n_rows = field_get(r, 8);
    field_get_text(r, m->hello.arrays, BATCH_NAMES_BYTES);
    if (m->hello.arrays[BATCH_NAMES_BYTES - 1] == '\0') return OK;
    return fail(ERR_DATA, "hello: a list of arrays without an end");
}

static void put_hash(struct field_writer *w, struct hash128 h)
{
    field_put(w, h.lo, 8);
    field_put(w, h.hi, 8);
}

static struct hash128 get_hash(struct field_reader *r)
{
    const uint64_t lo = field_get(r, 8);
    return (struct hash128){.lo = lo, .hi = field_get(r, 8)};
}

static void encode_welcome(const struct protocol_message *m, struct field_writer *w)
{
    const struct protocol_welcome *p = &m->welcome;
    put_hash(w, p->stream.dataset_hash);
    put_hash(w, p->stream.stream_hash);
    field_put(w, p->stream.vocabulary, 4);
    field_put(w, p->stream.end_of_text, 4);
    field_put(w, p->stream.n_rows, 8);
    field_put(w, p->stream.n_tokens, 8);
    field_put(w, p->n_slots, 8);
    field_put(w, p->prefetch, 8);
    field_put(w, p->layout.slot_bytes, 8);
    field_put(w, p->layout.n_fields, 8);
    for (size_t i = 0; i < p->layout.n_fields; i++) {
        const struct batch_field *f = &p->layout.fields[i];
        field_put_text(w, f->name, sizeof f->name);
        field_put(w, f->dtype, 4);
        field_put(w, f->capacity, 8);
        field_put(w, f->offset, 8);
    }
}

/// A field of the layout lies inside the slot, behind the header, on its own cache lines.
static enum err decode_field(struct field_reader *r, uint64_t slot_bytes, struct batch_field *f)
{
    field_get_text(r, f->name, sizeof f->name);
    const uint32_t dtype = field_get_u32(r);
    f->capacity = field_get(r, 8);
    f->offset = field_get(r, 8);
    if (memchr(f->name, '\0', sizeof f->name) == NULL || dtype > BATCH_U8)
        return fail(ERR_DATA, "welcome: an array without a name or with dtype %u", dtype);
    f->dtype = (enum batch_dtype)dtype;
    size_t n_bytes, end;
    const bool fits = size_mul(f->capacity, batch_dtype_bytes(f->dtype), &n_bytes) &&
                      size_add(f->offset, n_bytes, &end) && end <= slot_bytes &&
                      f->offset >= BATCH_HEADER_BYTES && f->offset % BATCH_ALIGN_BYTES == 0;
    return fits ? OK : fail(ERR_DATA, "welcome: array %s is not inside its slot", f->name);
}

static enum err decode_welcome(struct field_reader *r, size_t n_bytes, struct protocol_message *m)
{
    struct protocol_welcome *p = &m->welcome;
    p->stream.dataset_hash = get_hash(r);
    p->stream.stream_hash = get_hash(r);
    p->stream.vocabulary = field_get_u32(r);
    p->stream.end_of_text = field_get_u32(r);
    p->stream.n_rows = field_get(r, 8);
    p->stream.n_tokens = field_get(r, 8);
    p->n_slots = field_get(r, 8);
    p->prefetch = field_get(r, 8);
    p->layout.slot_bytes = field_get(r, 8);
    p->layout.n_fields = field_get(r, 8);
    if (p->layout.n_fields > BATCH_ARRAYS ||
        n_bytes != WELCOME_BYTES + p->layout.n_fields * FIELD_BYTES)
        return fail(ERR_DATA, "welcome: %zu bytes do not hold its arrays", n_bytes);
    size_t all_bytes;
    if (p->n_slots != CLIENT_WINDOW || p->layout.slot_bytes % BATCH_ALIGN_BYTES != 0 ||
        p->layout.slot_bytes < BATCH_HEADER_BYTES ||
        !size_mul(p->n_slots, p->layout.slot_bytes, &all_bytes))
        return fail(ERR_DATA, "welcome: %llu slots of %llu bytes", (unsigned long long)p->n_slots,
                    (unsigned long long)p->layout.slot_bytes);
    for (size_t i = 0; i < p->layout.n_fields; i++)
        TRY(decode_field(r, p->layout.slot_bytes, &p->layout.fields[i]));
    return OK;
}

static void encode_request(const struct protocol_message *m, struct field_writer *w)
{
    field_put(w, m->request.step, 8);
    field_put(w, m->request.lane, 8);
    field_put(w, m->request.slot, 8);
    field_put(w, m->request.waited_ns, 8);
}

static enum err decode_request(struct field_reader *r, size_t n_bytes, struct protocol_message *m)
{
    (void)n_bytes;
    m->request.step = field_get(r, 8);
    m->request.lane = field_get(r, 8);
    m->request.slot = field_get(r, 8);
    m->request.waited_ns = field_get(r, 8);
    if (m->request.slot >= CLIENT_WINDOW || m->sequence == 0)
        return fail(ERR_DATA, "request: slot %llu, sequence %llu",
                    (unsigned long long)m->request.slot, (unsigned long long)m->sequence);
    return OK;
}

static void encode_error(const struct protocol_message *m, struct field_writer *w)
{
    field_put(w, m->error.err, 4);
    field_put_text(w, m->error.line, PROTOCOL_LINE_BYTES);
}

static enum err decode_error(struct field_reader *r, size_t n_bytes, struct protocol_message *m)
{
    (void)n_bytes;
    const uint32_t err = field_get_u32(r);
    if (err == OK || err >= ERR_N) return fail(ERR_DATA, "error message with code %u", err);
    m->error.err = (enum err)err;
    field_get_text(r, m->error.line, PROTOCOL_LINE_BYTES);
    m->error.line[PROTOCOL_LINE_BYTES - 1] = '\0';
    return OK;
}

static void encode_status(const struct protocol_message *m, struct field_writer *w)
{
    (void)m;
    (void)w;
}

static enum err decode_status(struct field_reader *r, size_t n_bytes, struct protocol_message *m)
{
    (void)r;
    (void)n_bytes;
    (void)m;
    return OK;
}

static void encode_report(const struct protocol_message *m, struct field_writer *w)
{
    field_put(w, m->report.n_bytes, 8);
}

static enum err decode_report(struct field_reader *r, size_t n_bytes, struct protocol_message *m)
{
    (void)n_bytes;
    m->report.n_bytes = field_get(r, 8);
    if (m->report.n_bytes <= PROTOCOL_REPORT_LIMIT) return OK;
    return fail(ERR_DATA, "report of %llu bytes", (unsigned long long)m->report.n_bytes);
}

static const struct message_row {
    unsigned states; // in which it may be received
    size_t min_bytes, max_bytes;
    encode_fn encode;
    decode_fn decode;
} message_table[] = {
    [PROTOCOL_HELLO] = {PROTOCOL_DATAD_NEW, HELLO_BYTES, HELLO_BYTES, encode_hello, decode_hello},
    [PROTOCOL_WELCOME] = {PROTOCOL_CLIENT_NEW, WELCOME_BYTES,
                          WELCOME_BYTES + BATCH_ARRAYS *FIELD_BYTES, encode_welcome,
                          decode_welcome},
    [PROTOCOL_REQUEST] = {PROTOCOL_DATAD_READY, REQUEST_BYTES, REQUEST_BYTES, encode_request,
                          decode_request},
    [PROTOCOL_ERROR] = {PROTOCOL_CLIENT_NEW | PROTOCOL_CLIENT_READY, ERROR_BYTES, ERROR_BYTES,
                        encode_error, decode_error},
    [PROTOCOL_STATUS] = {PROTOCOL_DATAD_NEW, 0, 0, encode_status, decode_status},
    [PROTOCOL_REPORT] = {PROTOCOL_CLIENT_NEW, REPORT_BYTES, REPORT_BYTES, encode_report,
                         decode_report},
};

size_t protocol_encode(const struct protocol_message *m, uint8_t out[PROTOCOL_FRAME_LIMIT])
{
    uint8_t *body = out + PROTOCOL_HEADER_BYTES;
    struct field_writer b = {body}, h = {out};
    message_table[m->type].encode(m, &b);
    const size_t n_bytes = (size_t)(b.at - body);
    ASSERT(n_bytes >= message_table[m->type].min_bytes &&
           n_bytes <= message_table[m->type].max_bytes);
    field_put(&h, MAGIC, 4);
    field_put(&h, PROTOCOL_VERSION, 2);
    field_put(&h, m->type, 2);
    field_put(&h, n_bytes, 4);
    field_put(&h, hash_crc32c(0, body, n_bytes), 4);
    field_put(&h, m->sequence, 8);
    field_put(&h, 0, 4);
    field_put(&h, hash_crc32c(0, out, (size_t)(h.at - out)), 4);
    return PROTOCOL_HEADER_BYTES + n_bytes;
}

struct header {
    const struct message_row *row;
    uint32_t n_bytes, body_crc;
};

static enum err decode_header(enum protocol_state state, const uint8_t *data, struct header *h,
                              struct protocol_message *m)
{
    struct field_reader r = {data};
    const uint32_t magic = field_get_u32(&r);
    const uint64_t version = field_get(&r, 2);
    const uint64_t type = field_get(&r, 2);
    h->n_bytes = field_get_u32(&r);
    h->body_crc = field_get_u32(&r);
    m->sequence = field_get(&r, 8);
    const uint32_t zero = field_get_u32(&r);
    if (magic != MAGIC) return fail(ERR_DATA, "not a datad frame (magic %08x)", magic);
    if (hash_crc32c(0, data, (size_t)(r.at - data)) != field_get_u32(&r) || zero != 0)
        return fail(ERR_DATA, "frame header is damaged");
    if (version != PROTOCOL_VERSION)
        return fail(ERR_DATA, "frame of protocol version %llu, this is %d",
                    (unsigned long long)version, PROTOCOL_VERSION);
    if (type >= sizeof message_table / sizeof message_table[0] ||
        !(message_table[type].states & state))
        return fail(ERR_DATA, "frame of type %llu is not allowed now", (unsigned long long)type);
    h->row = &message_table[type];
    m->type = (enum protocol_type)type;
    if (h->n_bytes < h->row->min_bytes || h->n_bytes > h->row->max_bytes)
        return fail(ERR_DATA, "frame of type %llu with a body of %u bytes",
                    (unsigned long long)type, h->n_bytes);
    return OK;
}

enum err protocol_decode(enum protocol_state state, const uint8_t *data, size_t n_bytes,
                         struct protocol_message *out, size_t *n_used)
{
    struct header h;
    struct protocol_message m = {0};
    *n_used = 0;
    if (n_bytes < PROTOCOL_HEADER_BYTES) return OK;
    TRY(decode_header(state, data, &h, &m));
    if (n_bytes - PROTOCOL_HEADER_BYTES < h.n_bytes) return OK;
    const uint8_t *body = data + PROTOCOL_HEADER_BYTES;
    if (hash_crc32c(0, body, h.n_bytes) != h.body_crc)
        return fail(ERR_DATA, "frame body is damaged");
    struct field_reader r = {body};
    TRY(h.row->decode(&r, h.n_bytes, &m));
    *out = m;
    *n_used = PROTOCOL_HEADER_BYTES + h.n_bytes;
    return OK;
}
