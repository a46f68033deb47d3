// I1 A fill appends bytes of one member only, so that readers see where members begin.
// I2 The window is moved or grown in fills alone, never by taking.

#include "shard/read/unpack.h"

#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "base/size.h"
#include "shard/read/inputs.h"
#include "shard/read/unpack_source.h"

enum { RESYNC_LIMIT = 4096 }; // a file damaged more often is given up: searching costs time

static const struct unpack_codec *const CODECS[] = {&unpack_gzip, &unpack_zstd};

// The file

struct span unpack_source_bytes(const struct unpack_source *source)
{
    if (source->first == source->end) return (struct span){0};
    return (struct span){source->buffer + source->first, source->end - source->first};
}

uint64_t unpack_source_offset(const struct unpack_source *source)
{
    return source->n_read - (source->end - source->first);
}

// A file that became shorter is no damage to go past: there would be no end of it.
static enum err read_file(struct unpack_source *source, uint8_t *out, size_t n)
{
    const enum err e = file_pread(source->fd, source->path, out, n, source->n_read);
    return e == ERR_DATA ? fail(ERR_IO, "%s: became shorter while it was read", source->path) : e;
}

enum err unpack_source_want(struct unpack_source *source, size_t n)
{
    ASSERT(n <= UNPACK_SOURCE_LIMIT);
    const size_t kept = source->end - source->first;
    if (kept >= n || source->n_read == source->file_bytes) return OK;
    const size_t wanted = size_max(n, UNPACK_SOURCE_BYTES);
    TRY(grow_array(&source->buffer, &source->capacity, wanted, 1));
    if (kept) memmove(source->buffer, source->buffer + source->first, kept);
    source->first = 0;
    source->end = kept;
    const size_t n_more = size_min(wanted - kept, source->file_bytes - source->n_read);
    TRY(read_file(source, source->buffer + kept, n_more));
    source->end += n_more;
    source->n_read += n_more;
    return OK;
}

// The window

enum err unpack_reserve(struct unpack *s, size_t n)
{
    if (s->window && s->capacity - s->end >= n) return OK; // there is a window, even for nothing
    const size_t kept = s->end - s->first;
    if (s->first) memmove(s->window, s->window + s->first, kept);
    s->first = 0;
    s->end = kept;
    if (s->window && s->capacity - kept >= n && kept <= s->capacity / 2) return OK;
    return grow_array(&s->window, &s->capacity, size_max(1, size_max(kept + n, 2 * kept)), 1);
}

static enum err plain_fill(struct unpack *s)
{
    const size_t n = size_min(UNPACK_SOURCE_BYTES, s->source.file_bytes - s->source.n_read);
    const struct span first = unpack_source_bytes(&s->source); // what told that it is plain
    TRY(unpack_reserve(s, first.n_bytes + n));
    if (first.n_bytes) memcpy(s->window + s->end, first.data, first.n_bytes);
    s->source.first = s->source.end;
    s->end += first.n_bytes;
    TRY(read_file(&s->source, s->window + s->end, n));
    s->end += n;
    s->source.n_read += n;
    return OK;
}

static bool begins_with(struct span bytes, const struct unpack_codec *codec)
{
    const bool magic =
        bytes.n_bytes >= codec->n_magic && memcmp(bytes.data, codec->magic, codec->n_magic) == 0;
    return magic || (codec->begins && codec->begins(bytes));
}

static void choose_codec(struct unpack *s, struct span head)
{
    for (size_t i = 0; i < sizeof CODECS / sizeof CODECS[0]; i++) {
        if (begins_with(head, CODECS[i])) s->codec = CODECS[i];
    }
}

// What the file is, its head tells, for a plain piece may begin like something packed.
static enum err open_piece(struct unpack *s, const struct input_piece *piece)
{
    struct unpack_source *source = &s->source;
    uint8_t head[4];
    if (piece->end_byte > source->file_bytes)
        return fail(ERR_IO, "%s: shorter than when it was listed", source->path);
    if (piece->packed && source->file_bytes >= sizeof head) {
        TRY(read_file(source, head, sizeof head));
        choose_codec(s, (struct span){head, sizeof head});
    }
    source->n_read = piece->first_byte;
    source->file_bytes = piece->end_byte;
    s->taken_bytes = piece->packed ? piece->n_bytes_before : piece->first_byte;
    return s->codec ? s->codec->open(s) : OK;
}

static enum err open_source(struct unpack *s, const struct input_piece *piece)
{
    TRY(file_open_read(s->source.path, &s->source.fd));
    TRY(file_size(s->source.fd, s->source.path, &s->source.file_bytes));
    if (piece->end_byte) return open_piece(s, piece);
    TRY(unpack_source_want(&s->source, 4));
    choose_codec(s, unpack_source_bytes(&s->source));
    return s->codec ? s->codec->open(s) : OK;
}

enum err unpack_open(const char *path, struct unpack **out)
{
    return unpack_open_piece(path, &(struct input_piece){0}, out);
}

enum err unpack_open_piece(const char *path, const struct input_piece *piece, struct unpack **out)
{
    struct unpack *s = NULL;
    size_t capacity = 0;
    TRY(grow_array(&s, &capacity, 1, sizeof *s));
    *s = (struct unpack){.source = {.path = path, .fd = -1}};
    const enum err e = open_source(s, piece);
    if (e == OK)
        *out = s;
    else
        unpack_close(s);
    return e;
}

void unpack_close(struct unpack *s)
{
    if (!s) return;
    if (s->codec && s->state) s->codec->close(s);
    if (s->source.fd >= 0) {
        const enum err e = file_close(s->source.fd, s->source.path);
        (void)e; // nothing was written
    }
    grow_free(s->source.buffer);
    grow_free(s->window);
    grow_free(s);
}

struct span unpack_window(const struct unpack *s)
{
    if (s->first == s->end) return (struct span){(const uint8_t *)"", 0};
    return (struct span){s->window + s->first, s->end - s->first};
}

void unpack_take(struct unpack *s, size_t n)
{
    ASSERT(n <= s->end - s->first);
    s->first += n;
    s->taken_bytes += n;
}

void unpack_take_all(struct unpack *s)
{
    unpack_take(s, s->end - s->first);
}

enum err unpack_fill(struct unpack *s)
{
    s->member_began = false;
    return s->codec ? s->codec->fill(s) : plain_fill(s);
}

bool unpack_ended(const struct unpack *s)
{
    return !s->in_member && s->source.first == s->source.end &&
           s->source.n_read == s->source.file_bytes;
}

bool unpack_member_began(const struct unpack *s)
{
    return s->member_began;
}

uint64_t unpack_offset(const struct unpack *s)
{
    return s->taken_bytes;
}

uint64_t unpack_place(const struct unpack *s)
{
    return unpack_source_offset(&s->source);
}

uint64_t unpack_rest(const struct unpack *s)
{
    const uint64_t source = s->source.file_bytes - unpack_source_offset(&s->source);
    const uint64_t window = s->end - s->first;
    if (!s->codec) return window + source;
    const uint64_t largest_ratio = s->codec->largest_ratio;
    if (largest_ratio == 0 || source > UINT64_MAX / 2 / largest_ratio) return UINT64_MAX;
    return window + (source + UNPACK_SOURCE_LIMIT) * largest_ratio;
}

bool unpack_streamed(const struct unpack *s)
{
    return s->streamed;
}

bool unpack_packed(const struct unpack *s)
{
    return s->codec;
}

// The next place from here where a member may begin; the source stands there, or at its end.
static enum err find_member(struct unpack *s)
{
    const struct unpack_codec *codec = s->codec;
    for (;;) {
        TRY(unpack_source_want(&s->source, UNPACK_SOURCE_BYTES));
        const struct span bytes = unpack_source_bytes(&s->source);
        if (bytes.n_bytes < codec->n_magic) {
            s->source.first = s->source.end;
            return OK;
        }
        const uint8_t *hit = memmem(bytes.data, bytes.n_bytes, codec->magic, codec->n_magic);
        if (!hit) {
            s->source.first = s->source.end - (codec->n_magic - 1);
            continue;
        }
        s->source.first += (size_t)(hit - bytes.data);
        TRY(unpack_source_want(&s->source, UNPACK_STEP_BYTES));
        if (codec->plausible(s, unpack_source_bytes(&s->source))) return OK;
        s->source.first++;
    }
}

enum err unpack_resync(struct unpack *s, uint64_t *lost_bytes)
{
    unpack_take_all(s);
    *lost_bytes = 0;
    if (!s->codec) return OK;
    // Where decoding stopped may lie behind the next member's begin, so the search begins as far
    // back as the buffer still reaches, but behind the damaged member's first byte.
    const uint64_t in_buffer = s->source.n_read - s->source.end;
    const uint64_t from = s->member_offset + 1 > in_buffer ? s->member_offset + 1 : in_buffer;
    s->source.first = size_min((size_t)(from - in_buffer), s->source.end);
    s->in_member = false;
    if (++s->n_resyncs <= RESYNC_LIMIT)
        TRY(find_member(s));
    else {
        s->source.first = s->source.end;
        s->source.n_read = s->source.file_bytes;
    }
    *lost_bytes = unpack_source_offset(&s->source) - s->member_offset;
    return OK;
}
