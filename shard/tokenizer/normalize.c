// Text is cut into segments that normalise by themselves: an ASCII character is never changed and
// never joins what stands before it, so a segment is at most one ASCII character and the
// others after it; a long one is cut before a character that joins nothing before it either.
#include "shard/tokenizer/normalize.h"

#include <string.h>
#include <utf8proc.h>

#include "base/grow.h"

enum { SEGMENT_BYTES = 2048, TEXT_LIMIT_BYTES = 1 << 30, HANGUL_T_BASE = 0x11A7 };

static const struct {
    const char *name;
    utf8proc_option_t options;
} forms[NORMALIZE_N_FORMS] = {
    [NORMALIZE_NONE] = {"none", 0},
    [NORMALIZE_NFC] = {"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
    [NORMALIZE_NFD] = {"NFD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
    [NORMALIZE_NFKC] = {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
    [NORMALIZE_NFKD] = {"NFKD", UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT},
};

const char *normalize_name(enum normalize_form form)
{
    return forms[form].name;
}

static enum err put(struct normalize_buffer *b, const uint8_t *data, size_t n)
{
    TRY(grow_array(&b->bytes, &b->capacity, b->n_bytes + n, 1));
    memcpy(b->bytes + b->n_bytes, data, n);
    b->n_bytes += n;
    return OK;
}

// Whether a character may begin a segment: no mark, and no vowel or final consonant of Hangul.
static bool stands_alone(int32_t code)
{
    utf8proc_category_t category = utf8proc_category(code);
    bool mark = category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
    return !mark && !(code >= 0x1160 && code < 0x1200) && !(code >= 0xD7B0 && code < 0xD800);
}

// Bytes of the segment of well-formed characters that text begins with; 0: a broken byte.
static size_t segment_end(struct span text)
{
    size_t at = text.data[0] < 0x80;
    while (at < text.n_bytes && text.data[at] >= 0x80) {
        utf8proc_int32_t code;
        size_t n_left = text.n_bytes - at;
        utf8proc_ssize_t n =
            utf8proc_iterate(text.data + at, n_left > 4 ? 4 : (utf8proc_ssize_t)n_left, &code);
        if (n < 1) return at;
        // Joins nothing, but utf8proc 2.8 drops it behind a syllable.
        if (code == HANGUL_T_BASE && at > 0) return at;
        if (at >= SEGMENT_BYTES || (at >= SEGMENT_BYTES / 16 && stands_alone(code))) return at;
        at += (size_t)n;
    }
    return at;
}

static enum err put_segment(struct normalize_buffer *b, enum normalize_form form, struct span text)
{
    utf8proc_int32_t codes[SEGMENT_BYTES * 8]; // at most 6 a byte: the 3 of U+FDFA give 18
    utf8proc_ssize_t n = utf8proc_decompose(text.data, (utf8proc_ssize_t)text.n_bytes, codes,
                                            sizeof codes / sizeof *codes, forms[form].options);
    if (n < 0 || (size_t)n > sizeof codes / sizeof *codes) return put(b, text.data, text.n_bytes);
    n = utf8proc_normalize_utf32(codes, n, forms[form].options);
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        uint8_t bytes[4];
        TRY(put(b, bytes, (size_t)utf8proc_encode_char(codes[i], bytes)));
    }
    return OK;
}

static enum err put_normal(struct normalize_buffer *b, enum normalize_form form, struct span text)
{
    for (size_t at = 0; at < text.n_bytes;) {
        size_t end = at;
        while (end < text.n_bytes && text.data[end] < 0x80)
            end++;
        end -= end > at && end < text.n_bytes; // the last one may join what follows
        TRY(put(b, text.data + at, end - at));
        at = end;
        if (at == text.n_bytes) break;
        size_t n = segment_end((struct span){text.data + at, text.n_bytes - at});
        if (n > 0)
            TRY(put_segment(b, form, (struct span){text.data + at, n}));
        else
            TRY(put(b, text.data + at, n = 1));
        at += n;
    }
    return OK;
}

// U+2581 to spaces, in place.
static void spaces_from_marks(struct normalize_buffer *b, size_t from)
{
    size_t n = from;
    for (size_t at = from; at < b->n_bytes;) {
        if (b->n_bytes - at >= 3 && memcmp(b->bytes + at, "\xE2\x96\x81", 3) == 0) {
            b->bytes[n++] = ' ';
            at += 3;
        } else {
            b->bytes[n++] = b->bytes[at++];
        }
    }
    b->n_bytes = n;
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.n_bytes; i++)
        if (text.data[i] >= 0x80) return false;
    return true;
}

enum err normalize_text(enum normalize_form form, enum normalize_prefix prefix, bool metaspace,
                        struct span text, struct normalize_buffer *b, struct span *out)
{
    *out = text;
    if (text.n_bytes == 0) return OK;
    if (form == NORMALIZE_NONE && prefix == NORMALIZE_NO_PREFIX && !metaspace) return OK;
    if (text.n_bytes > TEXT_LIMIT_BYTES)
        return fail(ERR_DATA, "a text of %zu bytes; at most %d are normalised", text.n_bytes,
                    TEXT_LIMIT_BYTES);
    bool ascii = is_ascii(text);
    if (ascii && prefix == NORMALIZE_NO_PREFIX) return OK;
    b->n_bytes = 0;
    TRY(put(b, (const uint8_t *)" ", 1));
    if (ascii || form == NORMALIZE_NONE)
        TRY(put(b, text.data, text.n_bytes));
    else
        TRY(put_normal(b, form, text));
    if (metaspace && !ascii) spaces_from_marks(b, 1);
    bool add = prefix == NORMALIZE_PREFIX ||
               (prefix == NORMALIZE_PREFIX_MISSING && b->n_bytes > 1 && b->bytes[1] != ' ');
    *out = (struct span){b->bytes + !add, b->n_bytes - !add};
    return OK;
}

void normalize_buffer_free(struct normalize_buffer *b)
{
    grow_free(b->bytes);
    *b = (struct normalize_buffer){0};
}
