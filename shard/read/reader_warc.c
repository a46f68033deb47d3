// WARC and WET: records one after another, each a head, Content-Length bytes and an empty line;
// compressed, usually a gzip member each. Responses with status 200 of type text/html or
// text/plain, resources of these types and conversions (WET) are documents (plain text as UTF-8);
// all other records are counted.
//
// A record is done with where its Content-Length says, but if a member begins before that with a
// record's head, the length was a lie and reading goes on there. Behind damage the next line that
// begins "WARC/" is looked for.

#include <string.h>

#include "base/size.h"
#include "shard/extract/charset.h"
#include "shard/read/header_fields.h"
#include "shard/read/http_response.h"
#include "shard/read/piece_list.h"
#include "shard/read/reader_kind.h"

enum {
    HEAD_LIMIT_BYTES = 64 << 10,
    BEHIND_BYTES = 16,    // of what follows a record, to tell whether it ends there
    PEEK_BYTES = 64 << 10 // of a block: an HTTP head, to tell what a long record is
};

static const char BEGIN[] = "WARC/";
enum { BEGIN_BYTES = sizeof BEGIN - 1 };

struct warc_head {
    size_t n_bytes;     // of the head
    uint64_t n_content; // what it claims of the block
    struct span type, content_type, url, id;
};

bool reader_warc_sniff(struct span head)
{
    return head.n_bytes >= BEGIN_BYTES && memcmp(head.data, BEGIN, BEGIN_BYTES) == 0;
}

static struct span without_brackets(struct span s)
{
    if (s.n_bytes >= 2 && s.data[0] == '<' && s.data[s.n_bytes - 1] == '>')
        return (struct span){s.data + 1, s.n_bytes - 2};
    return s;
}

static bool parse_head(struct span bytes, struct warc_head *out)
{
    struct span head = {bytes.data, header_fields_end(bytes)}, line;
    if (head.n_bytes == 0 || !reader_warc_sniff(head)) return false;
    const size_t n_head = head.n_bytes;
    header_fields_line(&head, &line);
    *out = (struct warc_head){
        .n_bytes = n_head,
        .type = header_fields_get(head, "WARC-Type"),
        .content_type = header_fields_get(head, "Content-Type"),
        .url = without_brackets(header_fields_get(head, "WARC-Target-URI")),
        .id = without_brackets(header_fields_get(head, "WARC-Record-ID")),
    };
    return header_fields_number(header_fields_get(head, "Content-Length"), &out->n_content);
}

static bool is_text(struct span media_type)
{
    return header_fields_equal(media_type, "text/html") ||
           header_fields_equal(media_type, "application/xhtml+xml") ||
           header_fields_equal(media_type, "text/plain");
}

// Whether the record is a document; block is all of its block or the first PEEK_BYTES.
static bool is_document(const struct warc_head *head, struct span block)
{
    const struct span media_type = header_fields_word(head->content_type);
    if (header_fields_equal(head->type, "conversion")) return is_text(media_type);
    if (header_fields_equal(head->type, "resource")) return is_text(media_type);
    if (!header_fields_equal(head->type, "response")) return false;
    struct http_response response;
    if (http_response_parse(block, &response) != OK) return false;
    return response.status == 200 && is_text(response.media_type);
}

// Finding records

// Fills until the window has n bytes or the file ends; *cut when a member that begins with a record
// began before that: then only what stands before it is the record's, *n_have bytes.
static enum err want(struct reader *r, size_t n, size_t *n_have, bool *cut)
{
    *cut = false;
    while ((*n_have = unpack_window(r->unpack).n_bytes) < n && !unpack_ended(r->unpack)) {
        TRY(reader_fill(r));
        const struct span window = unpack_window(r->unpack);
        const struct span added = {window.data + *n_have, window.n_bytes - *n_have};
        *cut = *n_have && unpack_member_began(r->unpack) && reader_warc_sniff(added);
        if (*cut) return OK;
    }
    return OK;
}

static enum err damaged(struct reader *r, uint64_t first, const char *what)
{
    r->loss.n_bytes += unpack_offset(r->unpack) - first;
    return fail(ERR_DATA, "%s: WARC record %llu at byte %llu: %s", r->file->path,
                (unsigned long long)r->number, (unsigned long long)first, what);
}

// Goes on to the next line that begins like a record, at least a byte from here.
static enum err seek_record(struct reader *r)
{
    unpack_take(r->unpack, size_min(1, unpack_window(r->unpack).n_bytes));
    for (;;) {
        const struct span window = unpack_window(r->unpack);
        const uint8_t *hit = memmem(window.data, window.n_bytes, "\nWARC/", BEGIN_BYTES + 1);
        if (hit) {
            unpack_take(r->unpack, (size_t)(hit + 1 - window.data));
            return OK;
        }
        if (unpack_ended(r->unpack)) {
            unpack_take_all(r->unpack);
            return OK;
        }
        unpack_take(r->unpack, window.n_bytes - size_min(BEGIN_BYTES, window.n_bytes));
        const size_t n_kept = unpack_window(r->unpack).n_bytes;
        TRY(reader_fill(r));
        const struct span filled = unpack_window(r->unpack);
        const struct span added = {filled.data + n_kept, filled.n_bytes - n_kept};
        if (!unpack_member_began(r->unpack) || !reader_warc_sniff(added)) continue;
        unpack_take(r->unpack, n_kept);
        return OK;
    }
}

// Goes past n bytes; *cut as in want.
static enum err skip(struct reader *r, uint64_t n, bool *cut)
{
    const uint64_t first = unpack_offset(r->unpack);
    *cut = false;
    for (;;) {
        const size_t n_window = unpack_window(r->unpack).n_bytes;
        const size_t n_taken = size_min(n, n_window);
        unpack_take(r->unpack, n_taken);
        n -= n_taken;
        if (n == 0) return OK;
        *cut = unpack_ended(r->unpack);
        if (*cut) return OK;
        TRY(reader_skip_check(r, unpack_offset(r->unpack) - first));
        TRY(reader_fill(r));
        *cut = unpack_member_began(r->unpack) && reader_warc_sniff(unpack_window(r->unpack));
        if (*cut) return OK;
    }
}

static bool is_line_end(uint8_t c)
{
    return c == '\r' || c == '\n';
}

// The line ends between records.
static enum err skip_line_ends(struct reader *r)
{
    for (;;) {
        const struct span window = unpack_window(r->unpack);
        size_t n = 0;
        while (n < window.n_bytes && is_line_end(window.data[n]))
            n++;
        unpack_take(r->unpack, n);
        if (n < window.n_bytes || unpack_ended(r->unpack)) return OK;
        TRY(reader_fill(r));
    }
}

// A head that says how long the record is; the window begins with it.
static enum err read_head(struct reader *r, struct warc_head *head)
{
    const uint64_t first = unpack_offset(r->unpack);
    size_t n_have;
    bool cut = false;
    TRY(want(r, BEGIN_BYTES, &n_have, &cut));
    for (;;) {
        const struct span window = unpack_window(r->unpack);
        const struct span most = {window.data,
                                  size_min(cut ? n_have : window.n_bytes, HEAD_LIMIT_BYTES)};
        if (!reader_warc_sniff(most)) break;
        if (header_fields_end(most)) {
            if (parse_head(most, head)) return OK;
            break;
        }
        if (cut || most.n_bytes == HEAD_LIMIT_BYTES || unpack_ended(r->unpack)) break;
        TRY(want(r, window.n_bytes + 1, &n_have, &cut));
    }
    TRY(seek_record(r));
    return damaged(r, first, "not the head of a record");
}

// A record that is too long, or no document and longer than what is in the window.
static enum err pass_long(struct reader *r, const struct warc_head *head, bool document)
{
    const uint64_t first = unpack_offset(r->unpack);
    bool cut;
    TRY(skip(r, head->n_bytes + head->n_content, &cut));
    if (cut) return damaged(r, first, "shorter than it says");
    if (document) return damaged(r, first, "longer than the limit");
    r->loss.n_other++;
    return OK;
}

// The record behind a head; *document false when it is another kind and was gone past. Whether a
// record of n bytes reaches into others: neither an empty line and a record follow it, nor the end
// of the file, and records begin within it.
static bool swallows(struct span window, size_t n)
{
    size_t at = n;
    while (at < window.n_bytes && at < n + 4 && is_line_end(window.data[at]))
        at++;
    if (window.n_bytes - at < BEGIN_BYTES) return false; // nothing to tell by
    if (at > n && memcmp(window.data + at, BEGIN, BEGIN_BYTES) == 0) return false;
    return memmem(window.data, n, "\r\n\r\nWARC/1.", 11);
}

// The head's spans move with the window, so it is parsed again behind each fill.
static enum err read_record(struct reader *r, struct warc_head *head, struct arena *a,
                            struct reader_record *out, bool *document)
{
    const uint64_t first = unpack_offset(r->unpack);
    *document = false;
    const uint64_t rest = unpack_rest(r->unpack);
    const uint64_t most = unpack_packed(r->unpack) ? size_min(rest, READER_SKIP_LIMIT) : rest;
    if (head->n_content > most) {
        TRY(seek_record(r));
        return damaged(r, first, "longer than the file can be");
    }
    const size_t n_peek = head->n_bytes + size_min(head->n_content, PEEK_BYTES);
    size_t n_have;
    bool cut;
    TRY(want(r, n_peek, &n_have, &cut));
    const bool sound = parse_head(unpack_window(r->unpack), head);
    ASSERT(sound);
    const struct span block = {unpack_window(r->unpack).data + head->n_bytes,
                               size_min(n_have, n_peek) - head->n_bytes};
    const bool wanted = is_document(head, block);
    if (!cut && (!wanted || head->n_content > READER_DOCUMENT_LIMIT))
        return pass_long(r, head, wanted);
    const size_t n_record = head->n_bytes + (size_t)size_min(head->n_content, SIZE_MAX / 2);
    // What follows may be damaged, and must not take this record with it.
    const size_t n_behind = unpack_packed(r->unpack) ? 0 : BEHIND_BYTES;
    if (!cut) TRY(want(r, n_record + n_behind, &n_have, &cut));
    if (n_have < n_record) {
        unpack_take(r->unpack, n_have);
        return damaged(r, first, "shorter than it says");
    }
    if (!cut && swallows(unpack_window(r->unpack), n_record)) {
        TRY(seek_record(r));
        return damaged(r, first, "longer than it is");
    }
    *document = true;
    *out = reader_record_of(r, (struct span){unpack_window(r->unpack).data, n_record}, a);
    unpack_take(r->unpack, n_record);
    return OK;
}

enum err reader_warc_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    TRY(reader_unpack(r));
    for (;;) {
        TRY(skip_line_ends(r));
        r->ended = unpack_window(r->unpack).n_bytes == 0;
        if (r->ended) return OK;
        r->number++;
        struct warc_head head;
        bool document;
        TRY(read_head(r, &head));
        TRY(read_record(r, &head, a, out, &document));
        if (document) return OK;
    }
}

// A document

static enum err take_block(const struct warc_head *head, struct span block, struct arena *a,
                           struct document *out, struct span *text)
{
    struct span media_type = header_fields_word(head->content_type);
    *text = block;
    out->charset = header_fields_parameter(head->content_type, "charset");
    if (header_fields_equal(head->type, "response")) {
        struct http_response response;
        TRY(http_response_parse(block, &response));
        TRY(http_response_body(&response, READER_HTML_LIMIT, a, text));
        media_type = response.media_type;
        out->charset = response.charset;
    }
    out->html = !header_fields_equal(media_type, "text/plain");
    return out->html ? OK : charset_decode(*text, out->charset, a, text);
}

enum err reader_warc_document(const struct reader_record *record, struct arena *a,
                              struct document *out)
{
    struct warc_head head;
    const bool sound = parse_head(record->raw, &head) && head.n_bytes <= record->raw.n_bytes;
    ASSERT(sound); // reader_warc_next parsed the same bytes
    out->id = head.id;
    out->url = head.url;
    const struct span block = {record->raw.data + head.n_bytes, record->raw.n_bytes - head.n_bytes};
    struct span text;
    const enum err e = take_block(&head, block, a, out, &text);
    if (e != OK) return reader_fail_at(record, e);
    if (out->html && text.n_bytes > READER_HTML_LIMIT)
        return reader_fail_at(record,
                              fail(ERR_DATA, "HTML of more than %d MiB", READER_HTML_LIMIT >> 20));
    struct piece_list list = {.arena = a};
    piece_list_add(&list, DOCUMENT_TEXT, true, text);
    piece_list_end(&list, out);
    return OK;
}
