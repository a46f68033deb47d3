// WARC and WET: the same documents from a plain file, a member a record and one member; chunked and
// compressed bodies; damage and lies lose the record that they are in, and no more.

#include "base/rng.h"
#include "shard/read/http_coding.h"
#include "tests/shard/read/packed.h"
#include "tests/shard/read/read_dump.h"

enum { N_RECORDS = 60 };

static const char *folder;

static void put_record(struct text *t, const char *type, const char *content_type, int id,
                       const char *block, size_t n_block)
{
    text_printf(t,
                "WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: http://a.b/%d\r\n"
                "WARC-Record-ID: <urn:uuid:%d>\r\nContent-Type: %s\r\ncontent-length: %zu\r\n\r\n",
                type, id, id, content_type, n_block);
    text_put(t, block, n_block);
    text_put(t, "\r\n\r\n", 4);
}

static struct text response(struct arena *a, int status, const char *head, const char *body,
                            size_t n_body)
{
    struct text t;
    text_begin(&t, a);
    text_printf(&t, "HTTP/1.1 %d X\r\n%s\r\n", status, head);
    text_put(&t, body, n_body);
    return t;
}

static void put_response(struct text *t, int id, int status, const char *head, const char *body,
                         size_t n_body)
{
    const struct text block = response(t->arena, status, head, body, n_body);
    put_record(t, "response", "application/http; msgtype=response", id, block.data, block.n_bytes);
}

static const char *put_file(struct arena *a, const char *name, const struct text *t)
{
    corpus_put(a, folder, name, t->data, t->n_bytes);
    return arena_printf(a, "%s/%s", folder, name);
}

static void check_dump(const char *path, const char *expected, uint64_t n_lost, struct arena *a)
{
    struct reader_loss loss;
    CHECK_TEXT(read_dump_file(path, a, &loss), expected);
    CHECK_EQ(loss.n_documents, n_lost);
    CHECK((loss.n_bytes > 0) == (n_lost > 0));
}

// What is a document, and how its body is unpacked.
static void test_kinds(struct arena *a)
{
    struct text t, gzip;
    text_begin(&t, a);
    text_begin(&gzip, a);
    packed_gzip(&gzip, "<p>three", 8);
    put_record(&t, "warcinfo", "application/warc-fields", 0, "a: b\r\n", 6);
    put_record(&t, "request", "application/http", 0, "GET / HTTP/1.1\r\n\r\n", 18);
    put_response(&t, 1, 200, "Content-Type: Text/HTML; charset=\"latin1\"\r\n", "<p>one", 6);
    put_response(&t, 2, 200, "content-type: text/html\r\nTransfer-Encoding: chunked\r\n",
                 "4;x=y\r\n<p>t\r\n002\r\nwo\r\n0\r\n\r\n", 27);
    put_response(&t, 3, 200, "Content-Type: text/html\r\nContent-Encoding: gzip\r\n", gzip.data,
                 gzip.n_bytes);
    put_response(&t, 4, 404, "Content-Type: text/html\r\n", "<p>not found", 12);
    put_response(&t, 5, 200, "Content-Type: image/png\r\n", "\x89PNG", 4);
    // What the head says was undone by the crawler.
    put_response(
        &t, 6, 200,
        "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n",
        "six", 3);
    put_response(&t, 7, 200, "Content-Type: text/html\r\nContent-Encoding: zstd\r\n", "<p>", 3);
    put_record(&t, "conversion", "text/plain", 8, "eight\n", 6);
    put_record(&t, "resource", "text/html; charset=utf-8", 9, "<p>nine", 7);
    char *bomb = arena_alloc(a, READER_HTML_LIMIT + 1, 1);
    text_begin(&gzip, a);
    packed_gzip(&gzip, bomb, READER_HTML_LIMIT + 1);
    put_response(&t, 10, 200, "Content-Type: text/html\r\nContent-Encoding: gzip\r\n", gzip.data,
                 gzip.n_bytes);
    put_record(&t, "conversion", "text/plain", 11, "eleven", 6);
    put_response(&t, 12, 200, "Content-Type: text/plain; charset=iso-8859-1\r\n", "caf\xe9", 4);
    text_begin(&gzip, a);
    packed_deflate(&gzip, "<p>thirteen", 11);
    put_response(&t, 13, 200, "Content-Type: text/html\r\nContent-Encoding: deflate\r\n", gzip.data,
                 gzip.n_bytes);
    put_response(&t, 14, 200, "Content-Type: text/html\r\nContent-Encoding: deflate\r\n", "\n<p>14",
                 6);
    struct reader_loss loss;
    CHECK_TEXT(read_dump_file(put_file(a, "kinds.warc", &t), a, &loss),
               "urn:uuid:1 (html latin1) [text+ <p>one]\n"
               "urn:uuid:2 (html ) [text+ <p>two]\n"
               "urn:uuid:3 (html ) [text+ <p>three]\n"
               "urn:uuid:6 [text+ six]\n"
               "urn:uuid:7 (html ) [text+ <p>]\n"
               "urn:uuid:8 [text+ eight\n]\n"
               "urn:uuid:9 (html utf-8) [text+ <p>nine]\n"
               "bad: kinds.warc#12: a body of more than 16777216 bytes when unpacked\n"
               "urn:uuid:11 [text+ eleven]\n"
               "urn:uuid:12 [text+ caf\xc3\xa9]\n"
               "urn:uuid:13 (html ) [text+ <p>thirteen]\n"
               "urn:uuid:14 (html ) [text+ \n<p>14]\n");
    CHECK_EQ(loss.n_documents, 0);
    CHECK_EQ(loss.n_other, 4);
}

static const char BROTLI_HEAD[] = "Content-Type: text/html\r\nContent-Encoding: br\r\n";

static struct text packed(struct arena *a, const char *data, size_t n)
{
    struct text t;
    text_begin(&t, a);
    packed_brotli(&t, data, n);
    return t;
}

static const char *piece_of(const char *data, size_t n, struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    read_dump_piece(&t, &(struct document_piece){DOCUMENT_TEXT, true, {(const uint8_t *)data, n}});
    return t.data;
}

// What there is of a stream that is cut short is kept; what is no stream is an error.
static void test_brotli_damage(const char *page, size_t n_page, struct arena *a)
{
    const struct text body = packed(a, page, n_page);
    const uint8_t *bytes = (const uint8_t *)body.data;
    struct span out;
    bool whole;
    for (size_t n = 0; n <= body.n_bytes; n += n < 50 ? 1 : 997) {
        CHECK_OK(http_coding_undo(HTTP_BROTLI, (struct span){bytes, n}, n_page, a, &out, &whole));
        CHECK(!whole && out.n_bytes < n_page && memcmp(out.data, page, out.n_bytes) == 0);
        CHECK(out.n_bytes > n / 2 || n < 10000);
    }
    CHECK_OK(
        http_coding_undo(HTTP_BROTLI, (struct span){bytes, body.n_bytes}, n_page, a, &out, &whole));
    CHECK(whole && out.n_bytes == n_page && memcmp(out.data, page, n_page) == 0);
    CHECK_ERR(http_coding_undo(HTTP_BROTLI, (struct span){bytes, body.n_bytes}, n_page - 1, a, &out,
                               &whole),
              ERR_DATA);
    CHECK_LINE(arena_printf(a, "a body of more than %zu bytes when unpacked", n_page - 1));
}

// Bodies of brotli: whole, in chunks, empty, damaged, too large; text that says it is brotli.
static void test_brotli(struct arena *a)
{
    enum { N_PAGE = 40000 };
    struct text t, body, chunks;
    char *page = arena_alloc(a, N_PAGE, 1), *bomb = arena_alloc(a, READER_HTML_LIMIT + 1, 1);
    for (size_t i = 0; i < N_PAGE; i++)
        page[i] = "etaoin shrdlu\n"[rng_u64(1, 2, i) % 14];
    memset(bomb, 'a', READER_HTML_LIMIT + 1);
    text_begin(&t, a);
    body = packed(a, "<p>one", 6);
    put_response(&t, 1, 200, BROTLI_HEAD, body.data, body.n_bytes);
    text_begin(&chunks, a);
    text_printf(&chunks, "3\r\n");
    text_put(&chunks, body.data, 3);
    text_printf(&chunks, "\r\n%zx\r\n", body.n_bytes - 3);
    text_put(&chunks, body.data + 3, body.n_bytes - 3);
    text_printf(&chunks, "\r\n0\r\n\r\n");
    put_response(
        &t, 2, 200,
        "Transfer-Encoding: chunked\r\nContent-Type: text/html\r\nContent-Encoding: BR\r\n",
        chunks.data, chunks.n_bytes);
    body = packed(a, "", 0);
    put_response(&t, 3, 200, BROTLI_HEAD, body.data, body.n_bytes);
    put_response(&t, 4, 200, BROTLI_HEAD, "<p>undone", 9);
    put_response(&t, 5, 200, BROTLI_HEAD, page, N_PAGE);
    body = packed(a, bomb, READER_HTML_LIMIT + 1);
    CHECK(body.n_bytes < 100);
    put_response(&t, 6, 200, BROTLI_HEAD, body.data, body.n_bytes);
    body = packed(a, page, N_PAGE);
    put_response(&t, 7, 200, BROTLI_HEAD, body.data, body.n_bytes);
    memset(body.data + 5000, 0xff, 2000);
    put_response(&t, 8, 200, BROTLI_HEAD, body.data, body.n_bytes);
    put_record(&t, "conversion", "text/plain", 9, "nine", 4);
    struct reader_loss loss;
    const char *piece = piece_of(page, N_PAGE, a);
    CHECK_TEXT(read_dump_file(put_file(a, "brotli.warc", &t), a, &loss),
               arena_printf(a,
                            "urn:uuid:1 (html ) [text+ <p>one]\n"
                            "urn:uuid:2 (html ) [text+ <p>one]\n"
                            "urn:uuid:3 (html ) \n"
                            "urn:uuid:4 (html ) [text+ <p>undone]\n"
                            "urn:uuid:5 (html ) %s\n"
                            "bad: brotli.warc#6: a body of more than 16777216 bytes when unpacked\n"
                            "urn:uuid:7 (html ) %s\n"
                            "bad: brotli.warc#8: a damaged compressed body: BLOCK_LENGTH_2\n"
                            "urn:uuid:9 [text+ nine]\n",
                            piece, piece));
    test_brotli_damage(page, N_PAGE, a);
}

// Bodies of zstd: a frame, two, none though the head says so, cut, damaged, a bomb, a window of
// more than 8 MiB.
static void test_zstd(struct arena *a)
{
    static const char head[] = "Content-Type: text/html\r\nContent-Encoding: zstd\r\n";
    char *bomb = arena_alloc(a, READER_HTML_LIMIT + 1, 1);
    memset(bomb, 'a', READER_HTML_LIMIT + 1);
    struct text t, body, wide;
    text_begin(&t, a);
    text_begin(&body, a);
    packed_zstd(&body, "<p>one", 6);
    put_response(&t, 1, 200, head, body.data, body.n_bytes);
    packed_zstd(&body, " and two", 8);
    put_response(&t, 2, 200, head, body.data, body.n_bytes);
    put_response(&t, 3, 200, head, "<p>undone", 9);
    put_response(&t, 4, 200, head, body.data, body.n_bytes - 3);
    body.data[12] ^= 1;
    put_response(&t, 5, 200, head, body.data, body.n_bytes);
    text_begin(&body, a);
    packed_zstd(&body, bomb, READER_HTML_LIMIT + 1);
    put_response(&t, 6, 200, head, body.data, body.n_bytes);
    text_begin(&wide, a); // a frame of 16 MiB's window, an empty last block
    text_put(&wide, "\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00", 9);
    put_response(&t, 7, 200, head, wide.data, wide.n_bytes);
    put_record(&t, "conversion", "text/plain", 8, "eight", 5);
    struct reader_loss loss;
    CHECK_TEXT(read_dump_file(put_file(a, "zstd.warc", &t), a, &loss),
               "urn:uuid:1 (html ) [text+ <p>one]\n"
               "urn:uuid:2 (html ) [text+ <p>one and two]\n"
               "urn:uuid:3 (html ) [text+ <p>undone]\n"
               "urn:uuid:4 (html ) [text+ <p>one and two]\n"
               "bad: zstd.warc#5: a damaged compressed body: Restored data doesn't match checksum\n"
               "bad: zstd.warc#6: a body of more than 16777216 bytes when unpacked\n"
               "bad: zstd.warc#7: a damaged compressed body: Frame requires too much memory for "
               "decoding\n"
               "urn:uuid:8 [text+ eight]\n");
}

struct corpus {
    struct text records[N_RECORDS];
    const char *lines[N_RECORDS];
};

static void make_corpus(struct corpus *c, uint64_t seed, struct arena *a)
{
    const uint64_t key = rng_key(seed, "warc");
    for (int i = 0; i < N_RECORDS; i++) {
        struct text body;
        text_begin(&body, a);
        const size_t n = rng_u64(key, (uint64_t)i, 0) % (i % 10 == 9 ? 200000 : 3000);
        for (size_t k = 0; k < n; k++)
            text_put(&body, &"etaoin shrdlu\n"[rng_u64(key, (uint64_t)i, k + 1) % 14], 1);
        text_begin(&c->records[i], a);
        put_response(&c->records[i], i, 200, "Content-Type: text/plain\r\n", body.data,
                     body.n_bytes);
        struct document_piece piece = {
            DOCUMENT_TEXT, true, {(const uint8_t *)body.data, body.n_bytes}};
        struct text line;
        text_begin(&line, a);
        text_printf(&line, "urn:uuid:%d ", i);
        if (body.n_bytes) read_dump_piece(&line, &piece);
        text_put(&line, "\n", 1);
        c->lines[i] = line.data;
    }
}

// The records without those whose bit in lost is set.
static const char *lines_of(const struct corpus *c, uint64_t lost, struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    for (int i = 0; i < N_RECORDS; i++) {
        if (!(lost >> i & 1)) text_put(&t, c->lines[i], strlen(c->lines[i]));
    }
    return t.data;
}

static void test_containers(const struct corpus *c, struct arena *a)
{
    struct text plain, members, one, frames;
    text_begin(&plain, a);
    text_begin(&members, a);
    text_begin(&one, a);
    text_begin(&frames, a);
    for (int i = 0; i < N_RECORDS; i++) {
        const struct text *record = &c->records[i];
        text_put(&plain, record->data, record->n_bytes);
        packed_gzip(&members, record->data, record->n_bytes);
        packed_zstd(&frames, record->data, record->n_bytes);
    }
    packed_gzip(&one, plain.data, plain.n_bytes);
    const char *expected = lines_of(c, 0, a);
    check_dump(put_file(a, "plain.warc", &plain), expected, 0, a);
    check_dump(put_file(a, "members.warc.gz", &members), expected, 0, a);
    check_dump(put_file(a, "one.wet.gz", &one), expected, 0, a);
    check_dump(put_file(a, "frames.warc.zst", &frames), expected, 0, a);
    check_dump(put_file(a, "told-by-first-bytes", &members), expected, 0, a);
}

// A member of gzip or a frame of zstd with a flipped bit, or cut short, loses its record alone.
static void test_damaged_members(const struct corpus *c, uint64_t key,
                                 void (*pack)(struct text *, const char *, size_t),
                                 const char *name, struct arena *a)
{
    struct text t;
    uint64_t lost = 0, n_lost = 0;
    text_begin(&t, a);
    for (int i = 0; i < N_RECORDS; i++) {
        struct text member;
        text_begin(&member, a);
        pack(&member, c->records[i].data, c->records[i].n_bytes);
        const uint64_t r = rng_u64(key, 7, (uint64_t)i);
        if (r % 4 == 0 && i % 10 != 9) {
            // Half of them by their last bytes, which only the checksum guards.
            const size_t at = r >> 8 & 1 ? member.n_bytes - 6 : member.n_bytes / 2;
            member.data[at] ^= (char)(1 << (r >> 16) % 8);
            if (r >> 24 & 1) member.n_bytes -= 3;
            lost |= (uint64_t)1 << i;
            n_lost++;
        }
        text_put(&t, member.data, member.n_bytes);
    }
    CHECK(n_lost > 5);
    struct reader_loss loss;
    const char *path = put_file(a, name, &t);
    CHECK_TEXT(read_dump_file(path, a, &loss), lines_of(c, lost, a));
    CHECK(loss.n_documents > 0 && loss.n_documents <= n_lost);
    CHECK_ERR(read_dump_error(path, a), ERR_DATA);
}

// Content-Length that is too long or too short, an absurd one, and bytes that are no record.
static void test_lies(const struct corpus *c, bool packed, const char *name, struct arena *a)
{
    static const char *const lies[] = {"content-length: 9", "content-length: 99999999999999",
                                       "content-length: x", "content-length: -",
                                       "content-length: 1099511627776;"};
    enum { N_LIES = sizeof lies / sizeof lies[0] };
    struct text t;
    uint64_t lost = 0;
    text_begin(&t, a);
    for (int i = 0; i < N_RECORDS; i++) {
        struct text record;
        text_begin(&record, a);
        const char *data = c->records[i].data, *length = strstr(data, "content-length: ");
        const size_t n_before = (size_t)(length - data), n_name = strlen("content-length: ");
        text_put(&record, data, n_before);
        if (i % 11 == 5) {
            text_printf(&record, "%s", lies[i / 11 % N_LIES]);
            text_put(&record, length + n_name, c->records[i].n_bytes - n_before - n_name);
            lost |= (uint64_t)1 << i;
        } else {
            text_put(&record, length, c->records[i].n_bytes - n_before);
        }
        if (i % 17 == 3) text_printf(&record, "no record at all\r\n\r\n");
        if (packed)
            packed_gzip(&t, record.data, record.n_bytes);
        else
            text_put(&t, record.data, record.n_bytes);
    }
    struct reader_loss loss;
    CHECK_TEXT(read_dump_file(put_file(a, name, &t), a, &loss), lines_of(c, lost, a));
    CHECK_EQ(loss.n_documents, __builtin_popcountll(lost) + 4);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    struct corpus c;
    arena_init(&a, "test");
    folder = corpus_folder(&a, "warc");
    test_kinds(&a);
    test_brotli(&a);
    test_zstd(&a);
    make_corpus(&c, seed, &a);
    test_containers(&c, &a);
    test_damaged_members(&c, rng_key(seed, "damage"), packed_gzip, "damaged.warc.gz", &a);
    test_damaged_members(&c, rng_key(seed, "damage"), packed_zstd, "damaged.warc.zst", &a);
    test_lies(&c, true, "lies.warc.gz", &a);
    test_lies(&c, false, "lies.warc", &a);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
