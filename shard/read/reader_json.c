// A .json file: one object, or a list of objects, each a document. Elements are found by brackets
// and strings alone and parsed in any thread, so the list may be longer than memory.

#include "base/size.h"
#include "shard/read/reader_kind.h"

struct json_state {
    bool inside; // the list
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum err malformed(struct reader *r, const char *what)
{
    r->ended = true; // where the next element would begin is unknown
    r->loss.n_bytes += unpack_rest(r->unpack) == UINT64_MAX ? 0 : unpack_rest(r->unpack);
    return fail(ERR_DATA, "%s: byte %llu: %s", r->file->path,
                (unsigned long long)unpack_offset(r->unpack), what);
}

// Takes a byte order mark at the start of the file.
static enum err skip_mark(struct reader *r)
{
    if (unpack_offset(r->unpack) > 0) return OK;
    while (unpack_window(r->unpack).n_bytes < 3 && !unpack_ended(r->unpack))
        TRY(reader_fill(r));
    const struct span window = unpack_window(r->unpack);
    unpack_take(r->unpack, window.n_bytes - reader_without_mark(window).n_bytes);
    return OK;
}

// Takes white space, and commas within the list. The window begins with what follows; false at the
// end of the file.
static enum err next_byte(struct reader *r, bool commas, bool *found, uint8_t *byte)
{
    for (;;) {
        const struct span window = unpack_window(r->unpack);
        size_t n = 0;
        while (n < window.n_bytes &&
               (is_space(window.data[n]) || (commas && window.data[n] == ',')))
            n++;
        *found = n < window.n_bytes;
        if (*found) *byte = window.data[n];
        unpack_take(r->unpack, n);
        if (*found || unpack_ended(r->unpack)) return OK;
        TRY(reader_fill(r));
    }
}

// How far an element goes that begins with a bracket: state over bytes seen so far.
struct scan {
    size_t n_seen, depth;
    bool string, escaped;
};

// True when the element ends within the window; then n_seen is its length.
static bool scan_on(struct scan *scan, struct span window)
{
    while (scan->n_seen < window.n_bytes) {
        const uint8_t c = window.data[scan->n_seen++];
        if (scan->escaped)
            scan->escaped = false;
        else if (scan->string) {
            scan->escaped = c == '\\';
            scan->string = c != '"';
        } else {
            scan->string = c == '"';
            scan->depth += c == '{' || c == '[';
            scan->depth -= c == '}' || c == ']';
            if (scan->depth == 0) return true;
        }
    }
    return false;
}

// Takes the element that the window begins with; one that is too long is gone past.
static enum err take_element(struct reader *r, struct arena *a, struct reader_record *out)
{
    struct scan scan = {0};
    const uint64_t first = unpack_offset(r->unpack);
    while (!scan_on(&scan, unpack_window(r->unpack))) {
        if (unpack_ended(r->unpack)) return malformed(r, "the file ends within an element");
        if (scan.n_seen > READER_DOCUMENT_LIMIT) {
            unpack_take(r->unpack, scan.n_seen);
            scan.n_seen = 0;
            TRY(reader_skip_check(r, unpack_offset(r->unpack) - first));
        }
        TRY(reader_fill(r));
    }
    r->number++;
    if (unpack_offset(r->unpack) == first)
        *out = reader_record_of(r, (struct span){unpack_window(r->unpack).data, scan.n_seen}, a);
    unpack_take(r->unpack, scan.n_seen);
    const uint64_t n = unpack_offset(r->unpack) - first;
    if (n == out->raw.n_bytes) return OK;
    r->loss.n_bytes += n;
    return fail(ERR_DATA, "%s: document %llu is longer than %d MiB", r->file->path,
                (unsigned long long)r->number, READER_DOCUMENT_LIMIT >> 20);
}

enum err reader_json_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    TRY(reader_unpack(r));
    if (!r->state) r->state = ARENA_NEW(&r->file_arena, struct json_state);
    struct json_state *state = r->state;
    *out = (struct reader_record){0};
    bool found;
    uint8_t byte;
    TRY(skip_mark(r));
    TRY(next_byte(r, state->inside, &found, &byte));
    if (found && !state->inside && r->number == 0 && byte == '[') {
        state->inside = true;
        unpack_take(r->unpack, 1);
        TRY(next_byte(r, true, &found, &byte));
    }
    if (found && state->inside && byte == ']') {
        state->inside = false;
        unpack_take(r->unpack, 1);
        TRY(next_byte(r, false, &found, &byte));
    }
    r->ended = !found;
    if (r->ended) return state->inside ? malformed(r, "the list does not end") : OK;
    if (byte != '{') return malformed(r, "neither an object nor a list of objects");
    return take_element(r, a, out);
}
