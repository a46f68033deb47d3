#include "shard/read/http_response.h"

#include <string.h>

#include "base/size.h"
#include "shard/read/header_fields.h"
#include "shard/read/http_coding.h"

enum { HEAD_LIMIT_BYTES = 64 << 10, LOOKED_AT_BYTES = 512 };

static enum err parse_status(struct span line, unsigned *out)
{
    static const char http[] = "HTTP/";
    const uint8_t *blank = line.n_bytes ? memchr(line.data, ' ', line.n_bytes) : NULL;
    if (line.n_bytes < sizeof http || memcmp(line.data, http, sizeof http - 1) != 0 || !blank)
        return fail(ERR_DATA, "not an HTTP response");
    const struct span rest = {blank + 1, line.n_bytes - (size_t)(blank + 1 - line.data)};
    uint64_t status;
    if (rest.n_bytes < 3 || !header_fields_number((struct span){rest.data, 3}, &status))
        return fail(ERR_DATA, "an HTTP response without a status");
    *out = (unsigned)status;
    return OK;
}

enum err http_response_parse(struct span block, struct http_response *out)
{
    const struct span most = {block.data, size_min(block.n_bytes, HEAD_LIMIT_BYTES)};
    const size_t n_head = header_fields_end(most);
    if (n_head == 0) return fail(ERR_DATA, "an HTTP response whose head does not end");
    struct span head = {block.data, n_head}, line;
    header_fields_line(&head, &line);
    struct http_response response = {.body = {block.data + n_head, block.n_bytes - n_head}};
    TRY(parse_status(line, &response.status));
    const struct span type = header_fields_get(head, "Content-Type");
    response.media_type = header_fields_word(type);
    response.charset = header_fields_parameter(type, "charset");
    response.encoding = header_fields_get(head, "Content-Encoding");
    response.chunked = header_fields_equal(
        header_fields_word(header_fields_get(head, "Transfer-Encoding")), "chunked");
    *out = response;
    return OK;
}

// The size in a chunk's first line.
static bool chunk_size(struct span line, size_t *out)
{
    size_t n = 0, digits = 0;
    for (; digits < line.n_bytes && digits < 16; digits++) {
        const uint8_t c = line.data[digits];
        if (c >= '0' && c <= '9')
            n = n << 4 | (size_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            n = n << 4 | (size_t)((c | 32) - 'a' + 10);
        else
            break;
    }
    const bool ended =
        digits == line.n_bytes || line.data[digits] == ';' || line.data[digits] == ' ';
    *out = n;
    return digits > 0 && ended;
}

// A body that breaks off within a chunk is kept as far as it goes: crawlers cut long ones.
static struct span without_chunks(struct span body, struct arena *a)
{
    uint8_t *joined = arena_alloc(a, body.n_bytes, 1);
    size_t n_joined = 0, n_chunk;
    struct span rest = body, line;
    while (header_fields_line(&rest, &line)) {
        if (!chunk_size(line, &n_chunk)) return n_joined ? (struct span){joined, n_joined} : body;
        if (n_chunk == 0) break;
        const size_t n = size_min(n_chunk, rest.n_bytes);
        memcpy(joined + n_joined, rest.data, n);
        n_joined += n;
        rest = (struct span){rest.data + n, rest.n_bytes - n};
        header_fields_line(&rest, &line); // the line end behind the chunk
    }
    return (struct span){joined, n_joined};
}

static bool is_gzip(struct span body)
{
    return body.n_bytes >= 3 && body.data[0] == 0x1f && body.data[1] == 0x8b && body.data[2] == 8;
}

static bool is_zstd(struct span body)
{
    return body.n_bytes >= 4 && memcmp(body.data, "\x28\xb5\x2f\xfd", 4) == 0;
}

static bool is_zlib(struct span body)
{
    return body.n_bytes >= 2 && (body.data[0] & 15) == 8 &&
           (body.data[0] << 8 | body.data[1]) % 31 == 0;
}

// Servers that say deflate send zlib's format or the bare stream in it; crawlers may have undone
// either and kept the word, so what is neither is taken for text.
static enum err undo_deflate(struct span body, size_t limit_bytes, struct arena *a,
                             struct span *out)
{
    bool whole;
    if (is_zlib(body)) return http_coding_undo(HTTP_ZLIB, body, limit_bytes, a, out, &whole);
    const enum err e = http_coding_undo(HTTP_DEFLATE, body, limit_bytes, a, out, &whole);
    if (e != OK || !whole) *out = body;
    return OK;
}

// Half a kilobyte of compressed bytes has control characters.
static bool looks_like_text(struct span body)
{
    for (size_t i = 0; i < size_min(body.n_bytes, LOOKED_AT_BYTES); i++) {
        const uint8_t c = body.data[i];
        if (c < ' ' && (c < '\t' || c > '\r')) return false;
    }
    return true;
}

// Nothing marks brotli but that it comes to an end. What does not, and has no control characters,
// was undone by the crawler, which kept the word.
static enum err undo_brotli(struct span body, size_t limit_bytes, struct arena *a, struct span *out)
{
    bool whole = false;
    const enum err e = http_coding_undo(HTTP_BROTLI, body, limit_bytes, a, out, &whole);
    if (whole || !looks_like_text(body)) return e;
    *out = body;
    return OK;
}

enum err http_response_body(const struct http_response *response, size_t limit_bytes,
                            struct arena *a, struct span *out)
{
    struct span body = response->body;
    if (body.n_bytes > limit_bytes)
        return fail(ERR_DATA, "a body of more than %zu bytes", limit_bytes);
    if (response->chunked) body = without_chunks(body, a);
    const struct span encoding = header_fields_word(response->encoding);
    bool whole; // a crawler may have cut it: what is there is kept
    if (is_gzip(body) && encoding.n_bytes)
        return http_coding_undo(HTTP_GZIP, body, limit_bytes, a, out, &whole);
    if (is_zstd(body) && encoding.n_bytes)
        return http_coding_undo(HTTP_ZSTD, body, limit_bytes, a, out, &whole);
    if (header_fields_equal(encoding, "deflate")) return undo_deflate(body, limit_bytes, a, out);
    if (header_fields_equal(encoding, "br")) return undo_brotli(body, limit_bytes, a, out);
    *out = body;
    return OK;
}
