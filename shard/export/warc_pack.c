#include "shard/export/warc_pack.h"

#include <ctype.h>
#include <libdeflate.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "shard/read/reader.h"

enum { DEFLATE_LEVEL = 6 };

static const char SUFFIX[] = ".warc.gz";

struct packer {
    const struct warc_pack_options *options;
    struct arena run, page;
    struct libdeflate_compressor *compressor;
    const char *path, *partial; // of the open file
    int fd;                     // -1 between files
    uint64_t written_bytes;     // to the open file
    struct warc_pack_result result;
};

static enum err put_member(struct packer *p, struct span head, struct span block)
{
    struct text record;
    text_begin(&record, &p->page);
    text_put(&record, (const char *)head.data, head.n_bytes);
    text_put(&record, (const char *)block.data, block.n_bytes);
    text_put(&record, "\r\n\r\n", 4);
    const size_t limit = libdeflate_gzip_compress_bound(p->compressor, record.n_bytes);
    uint8_t *member = arena_alloc(&p->page, limit, 1);
    const size_t n =
        libdeflate_gzip_compress(p->compressor, record.data, record.n_bytes, member, limit);
    ASSERT(n > 0);
    p->written_bytes += n;
    return file_write(p->fd, p->partial, member, n);
}

static enum err put_info(struct packer *p)
{
    static const char info[] = "software: weft\r\nformat: WARC File Format 1.1\r\n";
    const char *head = arena_printf(&p->page,
                                    "WARC/1.1\r\nWARC-Type: warcinfo\r\n"
                                    "WARC-Date: 1970-01-01T00:00:00Z\r\n"
                                    "WARC-Record-ID: <urn:uuid:00000000-0000-8000-8000-%012llx>\r\n"
                                    "Content-Type: application/warc-fields\r\n"
                                    "Content-Length: %zu\r\n\r\n",
                                    (unsigned long long)p->result.n_files, sizeof info - 1);
    return put_member(p, (struct span){(const uint8_t *)head, strlen(head)},
                      (struct span){(const uint8_t *)info, sizeof info - 1});
}

// Files

static const char *file_path(struct packer *p)
{
    const char *out = p->options->out;
    if (p->options->file_bytes == 0) return out;
    return arena_printf(&p->run, "%.*s-%05llu%s", (int)(strlen(out) - strlen(SUFFIX)), out,
                        (unsigned long long)p->result.n_files, SUFFIX);
}

static enum err begin_file(struct packer *p)
{
    p->path = file_path(p);
    p->partial = arena_printf(&p->run, "%s.partial", p->path);
    p->written_bytes = 0;
    if (file_exists(p->path)) return fail(ERR_USAGE, "%s exists already", p->path);
    unlink(p->partial); // what a killed run left
    TRY(file_create(p->partial, &p->fd));
    return put_info(p);
}

static enum err end_file(struct packer *p)
{
    if (p->fd < 0) return OK;
    TRY(file_fsync(p->fd, p->partial));
    const int fd = p->fd;
    p->fd = -1;
    TRY(file_close(fd, p->partial));
    TRY(file_rename(p->partial, p->path));
    p->result.n_files++;
    p->result.file_bytes += p->written_bytes;
    return OK;
}

// Pages

// A name as an address: what is neither letter, digit nor one of "-._~/" is %XX.
static const char *url_of(struct packer *p, const char *source)
{
    struct text url;
    text_begin(&url, &p->page);
    text_printf(&url, "file:///");
    for (const char *at = source; *at; at++) {
        const unsigned char c = (unsigned char)*at;
        if (c < 128 && (isalnum(c) || strchr("-._~/", c)))
            text_put(&url, at, 1);
        else
            text_printf(&url, "%%%02X", c);
    }
    return url.data;
}

// A UUID of version 8 (of one's own making) from the hash of name and page.
static const char *id_of(struct packer *p, const char *source, struct span page)
{
    struct hash128 h = hash_xxh3_128(page.data, page.n_bytes);
    h.lo ^= hash_xxh3(source, strlen(source), h.hi);
    return arena_printf(&p->page, "%08x-%04x-8%03x-%04x-%012llx", (unsigned)(h.hi >> 32),
                        (unsigned)(h.hi >> 16) & 0xffff, (unsigned)h.hi & 0xfff,
                        0x8000 | ((unsigned)(h.lo >> 48) & 0x3fff),
                        (unsigned long long)(h.lo & 0xffffffffffff));
}

static enum err put_page(struct packer *p, const char *source, struct span page)
{
    struct text block;
    text_begin(&block, &p->page);
    text_printf(&block, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n",
                page.n_bytes);
    text_put(&block, (const char *)page.data, page.n_bytes);
    const char *head = arena_printf(&p->page,
                                    "WARC/1.1\r\nWARC-Type: response\r\n"
                                    "WARC-Target-URI: %s\r\n"
                                    "WARC-Date: 1970-01-01T00:00:00Z\r\n"
                                    "WARC-Record-ID: <urn:uuid:%s>\r\n"
                                    "Content-Type: application/http; msgtype=response\r\n"
                                    "Content-Length: %zu\r\n\r\n",
                                    url_of(p, source), id_of(p, source, page), block.n_bytes);
    return put_member(p, (struct span){(const uint8_t *)head, strlen(head)},
                      (struct span){(const uint8_t *)block.data, block.n_bytes});
}

static enum err pack_file(struct packer *p, const struct input_file *file)
{
    struct span page;
    if (file->kind != INPUT_HTML || file->compressed || file->n_bytes > READER_HTML_LIMIT) {
        p->result.n_skipped++;
        return OK;
    }
    TRY(file_read(file->path, READER_HTML_LIMIT, &p->page, &page));
    if (p->fd < 0) TRY(begin_file(p));
    TRY(put_page(p, file->source, page));
    p->result.n_pages++;
    p->result.page_bytes += page.n_bytes;
    const uint64_t limit = p->options->file_bytes;
    return limit && p->written_bytes >= limit ? end_file(p) : OK;
}

static enum err pack(struct packer *p)
{
    const size_t n = strlen(p->options->out), m = strlen(SUFFIX);
    if (n <= m || strcmp(p->options->out + n - m, SUFFIX) != 0)
        return fail(ERR_USAGE, "%s: the name of a packed file ends in %s", p->options->out, SUFFIX);
    struct inputs inputs;
    TRY(inputs_list(p->options->inputs, p->options->n_inputs, &p->run, &inputs));
    p->result.n_skipped = inputs.n_skipped;
    p->compressor = libdeflate_alloc_compressor(DEFLATE_LEVEL);
    if (!p->compressor) return fail(ERR_MEMORY, "gzip");
    for (size_t i = 0; i < inputs.n_files; i++) {
        TRY(pack_file(p, &inputs.files[i]));
        arena_reset(&p->page);
    }
    TRY(end_file(p));
    return p->result.n_pages ? OK : fail(ERR_DATA, "no HTML file in the input");
}

enum err warc_pack(const struct warc_pack_options *options, struct warc_pack_result *out)
{
    struct packer p = {.options = options, .fd = -1};
    arena_init(&p.run, "warc pack");
    arena_init(&p.page, "page");
    const enum err e = pack(&p);
    if (p.fd >= 0) {
        close(p.fd);
        unlink(p.partial);
    }
    if (p.compressor) libdeflate_free_compressor(p.compressor);
    if (e == OK) *out = p.result;
    arena_fini(&p.page);
    arena_fini(&p.run);
    return e;
}
