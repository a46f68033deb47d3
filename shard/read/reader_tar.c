// WebDataset: a tar of samples. Members whose names agree up to the first dot of the last word are
// one sample and stand together; what follows the dot says what a member is. Images come first,
// then the text: of .txt, .text or .caption, else of .json, which may also be any shape of document
// (shard/read/json_shape.c) whose images are members of the sample.
//
// A record is the sample's stretch of the archive, so a member's bytes are looked at in the thread
// that makes the document. Of a sample with a damaged, sparse or too long member nothing is kept.
// Where no head of an entry is found, block after block is tried, and the sample found first is
// left out: its begin may be what was lost.

#include <ctype.h>
#include <string.h>

#include "base/size.h"
#include "shard/read/image_file.h"
#include "shard/read/json_shape.h"
#include "shard/read/reader_jsonl.h"
#include "shard/read/reader_kind.h"
#include "shard/read/tar_entry.h"

enum { KEY_LIMIT_BYTES = 4096, SUFFIX_LIMIT_BYTES = 64, MEMBERS_LIMIT = 1024 };

struct key {
    char text[KEY_LIMIT_BYTES];
    size_t n_bytes;
};

struct tar_state {
    struct key sample, left_out;
    bool leaving_out; // entries of left_out are gone past
    bool any_key;     // whatever key comes first is left out
    bool lost;        // the window begins somewhere in the archive
};

static const char MAGIC[] = "ustar";
enum { MAGIC_AT = 257, MAGIC_BYTES = sizeof MAGIC - 1 };

bool reader_tar_sniff(struct span head)
{
    return head.n_bytes >= TAR_ENTRY_BLOCK && memcmp(head.data + MAGIC_AT, MAGIC, MAGIC_BYTES) == 0;
}

// Where the suffix begins, behind the first dot of the last word; 0 = not a member of a sample.
static size_t suffix_at(struct span name)
{
    size_t word = name.n_bytes;
    while (word > 0 && name.data[word - 1] != '/')
        word--;
    const size_t n = name.n_bytes - word;
    const uint8_t *last = name.data + word;
    if (n >= 4 && memcmp(last, "__", 2) == 0 && memcmp(last + n - 2, "__", 2) == 0) return 0;
    const uint8_t *dot = n ? memchr(last, '.', n) : NULL;
    return dot && dot > last ? (size_t)(dot - name.data) + 1 : 0;
}

static bool is_member(const struct tar_entry *entry)
{
    const bool file = entry->kind == TAR_ENTRY_FILE || entry->kind == TAR_ENTRY_SPARSE;
    return file && suffix_at(entry->name) > 1 && suffix_at(entry->name) <= KEY_LIMIT_BYTES;
}

static bool same_key(const struct key *key, const struct tar_entry *entry)
{
    const size_t n = suffix_at(entry->name) - 1;
    return key->n_bytes == n && memcmp(key->text, entry->name.data, n) == 0;
}

static void set_key(struct key *key, const struct tar_entry *entry)
{
    key->n_bytes = suffix_at(entry->name) - 1;
    memcpy(key->text, entry->name.data, key->n_bytes);
}

static enum err damaged(struct reader *r, uint64_t first, const char *what)
{
    r->loss.n_bytes += unpack_offset(r->unpack) - first;
    return fail(ERR_DATA, "%s: tar entry at byte %llu: %s", r->file->path,
                (unsigned long long)first, what);
}

static enum err fill(struct reader *r)
{
    struct tar_state *state = r->state;
    const enum err e = reader_fill(r);
    state->lost = e == ERR_DATA;
    return e;
}

// An entry that claims more is not believed.
static uint64_t most_bytes(const struct reader *r)
{
    const uint64_t rest = unpack_rest(r->unpack);
    return unpack_packed(r->unpack) ? size_min(rest, READER_SKIP_LIMIT) : rest;
}

// Goes past n bytes, further than the window reaches.
static enum err skip(struct reader *r, uint64_t n)
{
    struct tar_state *state = r->state;
    const uint64_t first = unpack_offset(r->unpack);
    for (;;) {
        const size_t n_taken = size_min(n, unpack_window(r->unpack).n_bytes);
        unpack_take(r->unpack, n_taken);
        n -= n_taken;
        if (n == 0) return OK;
        if (unpack_ended(r->unpack)) return damaged(r, first, "longer than the file");
        state->lost = true; // unless all goes well
        TRY(reader_skip_check(r, unpack_offset(r->unpack) - first));
        TRY(fill(r));
    }
}

// The entry at offset at of the window, filled as far as its heads; kind TAR_ENTRY_END also at the
// end of the file. *sound false: no entry begins there.
static enum err entry_at(struct reader *r, size_t at, struct tar_entry *out, bool *sound)
{
    for (;;) {
        const struct span window = unpack_window(r->unpack);
        const bool ended = unpack_ended(r->unpack);
        enum tar_entry_result result = TAR_ENTRY_SHORT;
        arena_reset(&r->scratch);
        if (window.n_bytes >= at)
            result = tar_entry_parse((struct span){window.data + at, window.n_bytes - at},
                                     &r->scratch, out);
        *sound = result == TAR_ENTRY_OK;
        if (result == TAR_ENTRY_BAD || *sound) return OK;
        if (ended) {
            // The padding of the last entry may be missing, but nothing else.
            *sound = window.n_bytes <= at && at - window.n_bytes < TAR_ENTRY_BLOCK;
            *out = (struct tar_entry){.kind = TAR_ENTRY_END};
            return OK;
        }
        TRY(fill(r));
    }
}

// On to the next head of an entry, at least a byte from here, at any offset.
static enum err seek_entry(struct reader *r)
{
    struct tar_state *state = r->state;
    state->any_key = true;
    state->lost = false;
    unpack_take(r->unpack, size_min(1, unpack_window(r->unpack).n_bytes));
    for (;;) {
        const struct span window = unpack_window(r->unpack);
        const size_t n_before = size_min(MAGIC_AT, window.n_bytes);
        const uint8_t *hit =
            memmem(window.data + n_before, window.n_bytes - n_before, MAGIC, MAGIC_BYTES);
        if (hit) {
            struct tar_entry entry;
            bool sound;
            unpack_take(r->unpack, (size_t)(hit - window.data) - MAGIC_AT);
            TRY(entry_at(r, 0, &entry, &sound));
            if (sound && entry.kind != TAR_ENTRY_END) return OK;
            unpack_take(r->unpack, size_min(1, unpack_window(r->unpack).n_bytes));
            continue;
        }
        if (unpack_ended(r->unpack)) {
            unpack_take_all(r->unpack);
            return OK;
        }
        unpack_take(r->unpack, window.n_bytes - size_min(MAGIC_AT + MAGIC_BYTES, window.n_bytes));
        TRY(fill(r));
    }
}

static enum err seek_behind(struct reader *r, size_t at, const char *what)
{
    const uint64_t first = unpack_offset(r->unpack);
    unpack_take(r->unpack, size_min(at, unpack_window(r->unpack).n_bytes));
    TRY(seek_entry(r));
    return damaged(r, first, what);
}

// Whether the entry belongs to a sample that is left out.
static bool left_out(struct tar_state *state, const struct tar_entry *entry)
{
    if (state->any_key) {
        state->any_key = false;
        state->leaving_out = true;
        set_key(&state->left_out, entry);
    }
    state->leaving_out = state->leaving_out && same_key(&state->left_out, entry);
    return state->leaving_out;
}

// Goes past the entry that the window begins with, at offset at, and leaves its sample out.
static enum err leave_out(struct reader *r, size_t at, const struct tar_entry *entry,
                          const char *what)
{
    struct tar_state *state = r->state;
    const uint64_t first = unpack_offset(r->unpack);
    set_key(&state->left_out, entry);
    state->leaving_out = true;
    TRY(skip(r, at + entry->n_bytes));
    return damaged(r, first, what);
}

struct sample {
    size_t n_bytes;  // of the window
    size_t n_needed; // of them; behind them is padding
    size_t n_members;
    bool whole;
};

// Looks at the entry behind the sample so far: it is the sample's, or ends it, or is gone past.
static enum err take_entry(struct reader *r, struct sample *sample)
{
    struct tar_state *state = r->state;
    const size_t at = sample->n_bytes;
    struct tar_entry entry;
    bool sound;
    TRY(entry_at(r, at, &entry, &sound));
    if (!sound) return seek_behind(r, at, "no head of an entry");
    const bool member = is_member(&entry);
    const bool begun = sample->n_members, long_sample = entry.n_bytes > READER_DOCUMENT_LIMIT - at;
    r->ended = !begun && entry.kind == TAR_ENTRY_END && entry.n_bytes == 0;
    sample->whole = begun && (entry.kind == TAR_ENTRY_END || (!member && long_sample) ||
                              (member && !same_key(&state->sample, &entry)));
    if (r->ended || sample->whole) return OK;
    if (at + entry.n_head + entry.n_content > most_bytes(r))
        return seek_behind(r, at, "longer than the file can be");
    if (!begun && (!member || left_out(state, &entry))) return skip(r, entry.n_bytes);
    if (entry.kind == TAR_ENTRY_SPARSE)
        return leave_out(r, at, &entry, "a sparse file, which is not read");
    if (long_sample) return leave_out(r, at, &entry, "a sample longer than the limit");
    if (member && !begun) set_key(&state->sample, &entry);
    sample->n_members += member;
    sample->n_needed = at + (size_t)(entry.n_head + entry.n_content);
    sample->n_bytes += (size_t)entry.n_bytes;
    return OK;
}

enum err reader_tar_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    TRY(reader_unpack(r));
    if (!r->state) r->state = ARENA_NEW(&r->file_arena, struct tar_state);
    struct tar_state *state = r->state;
    if (state->lost) TRY(seek_entry(r));
    struct sample sample = {0};
    while (!sample.whole && !r->ended)
        TRY(take_entry(r, &sample));
    if (r->ended) return OK;
    r->number++;
    const uint64_t first = unpack_offset(r->unpack);
    const struct span window = unpack_window(r->unpack);
    const size_t n = size_min(sample.n_bytes, window.n_bytes);
    if (n < sample.n_needed) {
        unpack_take(r->unpack, n);
        return damaged(r, first, "longer than the file");
    }
    *out = reader_record_of(r, (struct span){window.data, n}, a);
    unpack_take(r->unpack, n);
    return OK;
}

// A document

struct member {
    struct span suffix, bytes; // suffix in lower case
};

struct members {
    struct arena *arena;
    struct member *items;
    size_t n_items, capacity;
};

static const char *const IMAGES[] = {"jpg", "jpeg", "png", "webp"};
static const char *const UNREAD[] = {"gif", "bmp", "tif", "tiff", "avif", "heic", "jp2", "jxl"};
static const char *const TEXTS[] = {"txt", "text", "caption"};

static bool suffix_is(struct span suffix, const char *text)
{
    return suffix.n_bytes == strlen(text) && memcmp(suffix.data, text, suffix.n_bytes) == 0;
}

// Whether "jpg" of "left.jpg" is one of the kinds.
static bool ends_in(struct span suffix, const char *const *kinds, size_t n_kinds)
{
    const uint8_t *dot = memrchr(suffix.data, '.', suffix.n_bytes);
    const size_t first = dot ? (size_t)(dot - suffix.data) + 1 : 0;
    const struct span last = {suffix.data + first, suffix.n_bytes - first};
    for (size_t i = 0; i < n_kinds; i++) {
        if (suffix_is(last, kinds[i])) return true;
    }
    return false;
}

static bool is_image(struct span suffix)
{
    return ends_in(suffix, IMAGES, sizeof IMAGES / sizeof IMAGES[0]);
}

static enum err add_member(struct members *members, const struct tar_entry *entry,
                           struct span content)
{
    const size_t first = suffix_at(entry->name), n = entry->name.n_bytes - first;
    if (members->n_items == MEMBERS_LIMIT)
        return fail(ERR_DATA, "a sample of more than %d members", MEMBERS_LIMIT);
    if (n > SUFFIX_LIMIT_BYTES) return fail(ERR_DATA, "a name that goes on for %zu bytes", n);
    char *suffix = arena_strndup(members->arena, (const char *)entry->name.data + first, n);
    for (size_t i = 0; i < n; i++)
        suffix[i] = (char)tolower((unsigned char)suffix[i]);
    for (size_t i = 0; i < members->n_items; i++) {
        if (suffix_is(members->items[i].suffix, suffix))
            return fail(ERR_DATA, "two members .%s", suffix);
    }
    members->items = ARENA_GROW(members->arena, struct member, members->items, members->n_items + 1,
                                &members->capacity);
    members->items[members->n_items++] = (struct member){{(const uint8_t *)suffix, n}, content};
    return OK;
}

// The members of a sample, and its key.
static enum err list_members(struct span sample, struct members *out, struct span *key)
{
    for (size_t at = 0; at < sample.n_bytes;) {
        struct tar_entry entry;
        const struct span rest = {sample.data + at, sample.n_bytes - at};
        if (tar_entry_parse(rest, out->arena, &entry) != TAR_ENTRY_OK || entry.n_bytes == 0 ||
            entry.n_head + entry.n_content > rest.n_bytes)
            return fail(ERR_DATA, "a damaged sample");
        at += (size_t)size_min(entry.n_bytes, rest.n_bytes);
        if (!is_member(&entry)) continue;
        *key = (struct span){entry.name.data, suffix_at(entry.name) - 1};
        TRY(add_member(out, &entry,
                       (struct span){rest.data + entry.n_head, (size_t)entry.n_content}));
    }
    return OK;
}

static const struct member *find(const struct members *members, const char *suffix)
{
    for (size_t i = 0; i < members->n_items; i++) {
        if (suffix_is(members->items[i].suffix, suffix)) return &members->items[i];
    }
    return NULL;
}

static enum err add_images(const struct members *members, struct piece_list *pieces)
{
    for (size_t i = 0; i < members->n_items; i++) {
        const struct member *member = &members->items[i];
        if (ends_in(member->suffix, UNREAD, sizeof UNREAD / sizeof UNREAD[0]))
            return fail(ERR_DATA, ".%.*s is an image of a kind that is not read",
                        (int)member->suffix.n_bytes, (const char *)member->suffix.data);
        if (!is_image(member->suffix)) continue;
        if (!image_file_known(member->bytes) || member->bytes.n_bytes > IMAGE_FILE_LIMIT)
            return fail(ERR_DATA, ".%.*s is neither JPEG nor PNG nor WebP of at most %d MiB",
                        (int)member->suffix.n_bytes, (const char *)member->suffix.data,
                        IMAGE_FILE_LIMIT >> 20);
        piece_list_add(pieces, DOCUMENT_IMAGE, false, member->bytes);
    }
    return OK;
}

// The image of a JSON member's "path": a member called so, or whose suffix that is.
static enum err find_image(void *context, struct span name, struct span *out)
{
    const struct members *members = context;
    for (size_t i = 0; i < members->n_items; i++) {
        const struct member *member = &members->items[i];
        const size_t n = member->suffix.n_bytes;
        const bool ends = name.n_bytes >= n && is_image(member->suffix) &&
                          memcmp(name.data + name.n_bytes - n, member->suffix.data, n) == 0 &&
                          (name.n_bytes == n || name.data[name.n_bytes - n - 1] == '.');
        if (!ends || !image_file_known(member->bytes)) continue;
        *out = member->bytes;
        return OK;
    }
    return fail(ERR_DATA, "no image '%.*s' in the sample", (int)size_min(name.n_bytes, 100),
                (const char *)name.data);
}

static enum err take_members(const struct reader_record *record, struct members *members,
                             struct document *out)
{
    struct piece_list pieces = {.arena = members->arena};
    const struct member *text = NULL, *json = find(members, "json");
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0] && !text; i++)
        text = find(members, TEXTS[i]);
    TRY(add_images(members, &pieces));
    const struct json_source source = {
        .record = record, .pieces = &pieces, .find_image = find_image, .context = members};
    if (json && !text) return reader_jsonl_sample(json->bytes, &source, out);
    if (text) piece_list_add(&pieces, DOCUMENT_TEXT, true, text->bytes);
    piece_list_end(&pieces, out);
    return OK;
}

enum err reader_tar_document(const struct reader_record *record, struct arena *a,
                             struct document *out)
{
    struct members members = {.arena = a};
    struct span key = {0};
    enum err e = list_members(record->raw, &members, &key);
    if (e == OK) e = take_members(record, &members, out);
    if (e != OK) return reader_fail_at(record, e);
    out->id = key;
    return OK;
}
