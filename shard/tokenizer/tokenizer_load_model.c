// A SentencePiece .model: a protobuf message of pieces, of how it was trained and of how text is
// normalised. The library that encodes with it (sentencepiece.h) trusts it: a model type that it
// does not know, a double array that points beyond its end, or more nested entries than it has room
// for make it read memory that is not its own. So the message is walked here first, and what the
// library would not survive is refused:
//
// I1 the message is well-formed; pieces are UTF-8 without NUL, scores are finite, kinds are known;
// I2 of user-defined pieces, at most NESTED_PIECES are prefixes of each other;
// I3 each state of the character map's double array is inside it and has at most NESTED_RULES ends
//    on its way, which is at most RULE_DEPTH bytes long (so there is no circle); each end is the
//    start of a NUL-terminated UTF-8 string.
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "base/grow.h"
#include "base/little.h"
#include "shard/tokenizer/sentencepiece.h"
#include "shard/tokenizer/tokenizer_model.h"

enum {
    NESTED_PIECES = 64,
    NESTED_RULES = 32,
    RULE_DEPTH = 64,
    VISITS_A_STATE = 16, // on average
    CHARSMAP_LIMIT_BYTES = 1 << 24,
    USER_PIECE_LIMIT_BYTES = 256,
    RULE_LIMIT_BYTES = 256,
    TYPE_UNIGRAM = 1,
    TYPE_BPE = 2,
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_32 = 5,
};

enum piece_kind { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };

struct piece {
    struct span text;
    enum piece_kind kind;
};

struct model {
    const char *name;
    struct piece *pieces;
    size_t n_pieces;
    uint64_t type;
    bool suffix, prefix, fallback;
    struct span charsmap, end, unknown; // unknown: what stands for it in decoded text
};

struct field {
    uint64_t number;
    unsigned wire;
    uint64_t value;    // VARINT, 32, 64
    struct span bytes; // BYTES
};

static bool varint(struct span *rest, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 10 && i < rest->n_bytes; i++) {
        value |= (uint64_t)(rest->data[i] & 0x7F) << 7 * i;
        if (rest->data[i] >= 0x80) continue;
        *rest = (struct span){rest->data + i + 1, rest->n_bytes - i - 1};
        *out = value;
        return true;
    }
    return false;
}

static struct span take(struct span *rest, size_t n)
{
    struct span taken = {rest->data, n};
    *rest = (struct span){rest->data + n, rest->n_bytes - n};
    return taken;
}

// The next field of a message; false when it is damaged.
static bool field_next(struct span *rest, struct field *f)
{
    uint64_t tag, n;
    *f = (struct field){0};
    if (!varint(rest, &tag)) return false;
    f->number = tag >> 3;
    f->wire = tag & 7;
    if (f->number == 0 || f->number >= 1 << 29) return false;
    if (f->wire == WIRE_VARINT) return varint(rest, &f->value);
    if (f->wire == WIRE_BYTES) {
        if (!varint(rest, &n) || n > rest->n_bytes) return false;
        f->bytes = take(rest, n);
        return true;
    }
    n = f->wire == WIRE_32 ? 4 : 8;
    if ((f->wire != WIRE_32 && f->wire != WIRE_64) || n > rest->n_bytes) return false;
    struct span bytes = take(rest, n);
    f->value = n == 4 ? little_get_u32(bytes.data) : little_get_u64(bytes.data);
    return true;
}

static enum err damaged(const struct model *m)
{
    return fail(ERR_DATA, "%s: damaged: not a SentencePiece model", m->name);
}

static bool is_utf8(struct span text)
{
    for (size_t at = 0; at < text.n_bytes;) {
        utf8proc_int32_t code;
        size_t n_left = text.n_bytes - at;
        utf8proc_ssize_t n =
            utf8proc_iterate(text.data + at, n_left > 4 ? 4 : (utf8proc_ssize_t)n_left, &code);
        if (n < 1) return false;
        at += (size_t)n;
    }
    return true;
}

static enum err read_piece(struct model *m, struct span message)
{
    struct piece piece = {.kind = NORMAL};
    float score = 0;
    for (struct field f; message.n_bytes > 0;) {
        if (!field_next(&message, &f)) return damaged(m);
        if (f.number == 1 && f.wire == WIRE_BYTES) piece.text = f.bytes;
        if (f.number == 2 && f.wire == WIRE_32)
            memcpy(&score, &(uint32_t){(uint32_t)f.value}, sizeof score);
        if (f.number == 3 && f.wire == WIRE_VARINT) {
            if (f.value < NORMAL || f.value > BYTE)
                return fail(ERR_DATA, "%s: piece %zu is of the unknown kind %" PRIu64, m->name,
                            m->n_pieces, f.value);
            piece.kind = (enum piece_kind)f.value;
        }
    }
    bool good = piece.text.n_bytes > 0 && piece.text.n_bytes <= TOKENIZER_TOKEN_LIMIT_BYTES &&
                memchr(piece.text.data, 0, piece.text.n_bytes) == NULL && is_utf8(piece.text);
    if (!good || !isfinite(score))
        return fail(ERR_DATA, "%s: piece %zu has no proper %s", m->name, m->n_pieces,
                    good ? "score" : "text");
    m->pieces[m->n_pieces++] = piece;
    return OK;
}

static enum err read_trainer(struct model *m, struct span message)
{
    for (struct field f; message.n_bytes > 0;) {
        if (!field_next(&message, &f)) return damaged(m);
        if (f.number == 3 && f.wire == WIRE_VARINT) m->type = f.value;
        if (f.number == 24 && f.wire == WIRE_VARINT) m->suffix = f.value != 0;
        if (f.number == 35 && f.wire == WIRE_VARINT) m->fallback = f.value != 0;
        if (f.number == 44 && f.wire == WIRE_BYTES) m->unknown = f.bytes;
        if (f.number == 47 && f.wire == WIRE_BYTES) m->end = f.bytes;
    }
    return OK;
}

static enum err read_normalizer(struct model *m, struct span message)
{
    for (struct field f; message.n_bytes > 0;) {
        if (!field_next(&message, &f)) return damaged(m);
        if (f.number == 2 && f.wire == WIRE_BYTES) m->charsmap = f.bytes;
        if (f.number == 3 && f.wire == WIRE_VARINT) m->prefix = f.value != 0;
    }
    return OK;
}

// A message of messages of strings, or one that is not used: only its form matters.
static enum err check_form(struct model *m, struct span message, unsigned depth)
{
    for (struct field f; message.n_bytes > 0;) {
        if (!field_next(&message, &f)) return damaged(m);
        if (depth > 0 && f.wire == WIRE_BYTES) TRY(check_form(m, f.bytes, depth - 1));
    }
    return OK;
}

static enum err count_pieces(struct model *m, struct span message)
{
    for (struct field f; message.n_bytes > 0;) {
        if (!field_next(&message, &f)) return damaged(m);
        m->n_pieces += f.number == 1 && f.wire == WIRE_BYTES;
    }
    if (m->n_pieces > 0 && m->n_pieces <= TOKENIZER_ID_LIMIT) return OK;
    return fail(ERR_DATA, "%s: %zu pieces; from 1 to %d are read", m->name, m->n_pieces,
                TOKENIZER_ID_LIMIT);
}

static enum err read_model(struct model *m, struct span message, struct arena *scratch)
{
    enum { PIECE = 1, TRAINER, NORMALIZER, SELF_TEST, DENORMALIZER };
    TRY(count_pieces(m, message));
    m->pieces = ARENA_ARRAY(scratch, struct piece, m->n_pieces);
    m->n_pieces = 0;
    for (struct field f; message.n_bytes > 0;) {
        if (!field_next(&message, &f)) return damaged(m);
        if (f.wire != WIRE_BYTES) continue;
        if (f.number == PIECE) TRY(read_piece(m, f.bytes));
        if (f.number == TRAINER) TRY(read_trainer(m, f.bytes));
        if (f.number == NORMALIZER) TRY(read_normalizer(m, f.bytes));
        if (f.number == SELF_TEST) TRY(check_form(m, f.bytes, 1));
        if (f.number == DENORMALIZER)
            return fail(ERR_DATA, "%s: has a denormalizer, which is not supported", m->name);
    }
    if (m->type != TYPE_UNIGRAM && m->type != TYPE_BPE)
        return fail(ERR_DATA, "%s: model type %" PRIu64 " is not supported; unigram and BPE are",
                    m->name, m->type);
    if (m->suffix)
        return fail(ERR_DATA, "%s: treat_whitespace_as_suffix is not supported", m->name);
    return OK;
}

// I2.
static enum err check_user_pieces(const struct model *m, struct arena *scratch)
{
    struct span_table table;
    struct span_entry *entry;
    TRY(span_table_open(&table, scratch));
    enum err e = OK;
    for (size_t i = 0; i < m->n_pieces && e == OK; i++)
        if (m->pieces[i].kind == USER_DEFINED) {
            e = span_table_insert(&table, m->pieces[i].text, &entry);
            if (e == OK && m->pieces[i].text.n_bytes > USER_PIECE_LIMIT_BYTES)
                e = fail(ERR_DATA, "%s: user-defined piece %zu has %zu bytes; at most %d", m->name,
                         i, m->pieces[i].text.n_bytes, USER_PIECE_LIMIT_BYTES);
        }
    for (size_t i = 0; i < table.n_entries && e == OK; i++) {
        const struct span text = table.entries[i].bytes;
        size_t n_prefixes = 0;
        for (size_t n = 1; n <= text.n_bytes; n++)
            n_prefixes += span_table_find(&table, (struct span){text.data, n}) != NULL;
        if (n_prefixes > NESTED_PIECES)
            e = fail(ERR_DATA, "%s: more than %d user-defined pieces begin each other", m->name,
                     NESTED_PIECES);
    }
    span_table_close(&table);
    return e;
}

// The character map: u32 bytes of the double array, its units, and the strings.
struct charsmap {
    const struct model *model;
    struct span units, strings;
    size_t n_units;
};

// States are shared between ways, and come back to when a longer way to them is found.
struct state {
    uint8_t n_ends, depth; // the most on a way to it, itself included
    bool waits;            // is in the list
};

struct charsmap_walk {
    struct state *states; // one a unit
    uint32_t *list;       // states to visit
    size_t n_list;
    uint64_t n_visits;
};

static uint32_t unit_at(const struct charsmap *c, size_t at)
{
    return little_get_u32(c->units.data + 4 * at);
}

static uint32_t children_of(uint32_t unit, uint32_t at)
{
    return at ^ (unit >> 10) << ((unit & 1u << 9) >> 6);
}

static enum err broken_map(const struct charsmap *c)
{
    return fail(ERR_DATA, "%s: damaged: its character map points nowhere", c->model->name);
}

// An end of the double array: a string of at most RULE_LIMIT_BYTES.
static enum err check_end(const struct charsmap *c, uint32_t at)
{
    size_t first = unit_at(c, at) & 0x7FFFFFFF;
    if (first >= c->strings.n_bytes) return broken_map(c);
    size_t n_left = c->strings.n_bytes - first;
    const uint8_t *text = c->strings.data + first;
    const uint8_t *end = memchr(text, 0, n_left > RULE_LIMIT_BYTES ? RULE_LIMIT_BYTES : n_left);
    if (end == NULL || !is_utf8((struct span){text, (size_t)(end - text)})) return broken_map(c);
    return OK;
}

static enum err visit(const struct charsmap *c, struct charsmap_walk *w, uint32_t at)
{
    uint32_t unit = unit_at(c, at), children = children_of(unit, at);
    if ((children | 0xFF) >= c->n_units) return broken_map(c);
    bool has_end = at != 0 && (unit >> 8 & 1) != 0;
    if (has_end) TRY(check_end(c, children));
    unsigned n_ends = w->states[at].n_ends + has_end, depth = w->states[at].depth + 1u;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t child = children ^ byte;
        if ((unit_at(c, child) & 0x800000FF) != byte || child == 0) continue;
        if (n_ends >= NESTED_RULES || depth > RULE_DEPTH) return broken_map(c);
        struct state *s = &w->states[child];
        if (s->depth >= depth && s->n_ends >= n_ends) continue;
        if (s->depth < depth) s->depth = (uint8_t)depth;
        if (s->n_ends < n_ends) s->n_ends = (uint8_t)n_ends;
        if (!s->waits) w->list[w->n_list++] = child;
        s->waits = true;
    }
    return OK;
}

// I3.
static enum err check_charsmap(const struct model *m, struct arena *scratch)
{
    struct charsmap c = {.model = m};
    struct span map = m->charsmap;
    if (map.n_bytes == 0) return OK;
    if (map.n_bytes > CHARSMAP_LIMIT_BYTES)
        return fail(ERR_DATA, "%s: a character map of %zu bytes; at most %d", m->name, map.n_bytes,
                    CHARSMAP_LIMIT_BYTES);
    size_t n_bytes = map.n_bytes < 8 ? 0 : little_get_u32(map.data);
    if (n_bytes == 0 || n_bytes % 4 != 0 || n_bytes >= map.n_bytes - 4) return broken_map(&c);
    c.units = (struct span){map.data + 4, n_bytes};
    c.strings = (struct span){map.data + 4 + n_bytes, map.n_bytes - 4 - n_bytes};
    c.n_units = n_bytes / 4;
    struct charsmap_walk w = {.states = ARENA_ARRAY(scratch, struct state, c.n_units),
                              .list = ARENA_ARRAY(scratch, uint32_t, c.n_units),
                              .n_list = 1}; // the root, unit 0
    while (w.n_list > 0) {
        uint32_t at = w.list[--w.n_list];
        w.states[at].waits = false;
        if (++w.n_visits > VISITS_A_STATE * (uint64_t)c.n_units) return broken_map(&c);
        TRY(visit(&c, &w, at));
    }
    return OK;
}

static enum err token_of(const struct model *m, size_t id, struct arena *a,
                         struct tokenizer_token *out)
{
    const struct piece *piece = &m->pieces[id];
    if (piece->kind == BYTE) {
        int byte = tokenizer_byte_of(piece->text);
        if (byte < 0) return fail(ERR_DATA, "%s: piece %zu is no byte", m->name, id);
        uint8_t *data = ARENA_NEW(a, uint8_t);
        *data = (uint8_t)byte;
        *out = (struct tokenizer_token){{data, 1}, TOKENIZER_BYTE};
        return OK;
    }
    bool special = piece->kind == CONTROL || piece->kind == UNKNOWN;
    *out = (struct tokenizer_token){
        tokenizer_spaces(piece->kind == UNKNOWN ? m->unknown : piece->text, a),
        special ? TOKENIZER_SPECIAL : TOKENIZER_TEXT};
    return OK;
}

static uint32_t end_of(const struct model *m)
{
    for (size_t id = 0; id < m->n_pieces; id++) {
        const struct piece *piece = &m->pieces[id];
        if (piece->kind == CONTROL && piece->text.n_bytes == m->end.n_bytes &&
            memcmp(piece->text.data, m->end.data, m->end.n_bytes) == 0)
            return (uint32_t)id;
    }
    return UINT32_MAX;
}

static enum err tokenizer_build(const struct model *m, struct span bytes, struct arena *a,
                                struct tokenizer **out)
{
    struct tokenizer *t = ARENA_NEW(a, struct tokenizer);
    t->n_ids = (uint32_t)m->n_pieces;
    t->tokens = ARENA_ARRAY(a, struct tokenizer_token, m->n_pieces);
    for (size_t id = 0; id < m->n_pieces; id++)
        TRY(token_of(m, id, a, &t->tokens[id]));
    t->end_of_text = end_of(m);
    t->model_prefix = m->prefix;
    uint8_t *copy = ARENA_ARRAY(a, uint8_t, bytes.n_bytes);
    memcpy(copy, bytes.data, bytes.n_bytes);
    t->model = (struct span){copy, bytes.n_bytes};
    t->hash = hash_xxh3_128(copy, bytes.n_bytes);
    *out = t;
    return OK;
}

enum err tokenizer_load_model(struct span bytes, const char *name, struct arena *a,
                              struct tokenizer **out)
{
    static const char end[] = "</s>", unknown[] = " \xE2\x81\x87 ";
    struct model m = {.name = name,
                      .type = TYPE_UNIGRAM,
                      .prefix = true,
                      .end = {(const uint8_t *)end, sizeof end - 1},
                      .unknown = {(const uint8_t *)unknown, sizeof unknown - 1}};
    struct arena scratch;
    struct sentencepiece_model *library = NULL;
    arena_init(&scratch, "SentencePiece model");
    enum err e = read_model(&m, bytes, &scratch);
    if (e == OK) e = check_user_pieces(&m, &scratch);
    if (e == OK) e = check_charsmap(&m, &scratch);
    if (e == OK) e = sentencepiece_open(bytes, name, &library);
    if (e == OK) e = tokenizer_build(&m, bytes, a, out);
    sentencepiece_close(library);
    arena_fini(&scratch);
    return e;
}
