#include "shard/read/tar_entry.h"

#include <string.h>

#include "base/size.h"

// Where the fields of a header stand.
enum {
    NAME = 0,
    NAME_BYTES = 100,
    SIZE = 124,
    SIZE_BYTES = 12,
    CHECKSUM = 148,
    CHECKSUM_BYTES = 8,
    TYPE = 156,
    MAGIC = 257,
    PREFIX = 345,
    PREFIX_BYTES = 155
};

// What extended headers say of the entry behind them.
struct extension {
    struct span name;
    uint64_t n_content;
    bool has_name, has_size, sparse;
};

static bool octal(const uint8_t *field, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0, digits = 0;
    while (i < n && field[i] == ' ')
        i++;
    for (; i < n && field[i] >= '0' && field[i] <= '7'; i++, digits++) {
        if (value >> 60) return false;
        value = value << 3 | (uint64_t)(field[i] - '0');
    }
    *out = value;
    return digits > 0 && (i == n || field[i] == ' ' || field[i] == '\0');
}

// Octal, or (GNU) 96 bits behind a first byte of 0x80.
static bool number(const uint8_t *field, size_t n, uint64_t *out)
{
    if (field[0] != 0x80) return octal(field, n, out);
    uint64_t value = 0;
    for (size_t i = 1; i < n; i++) {
        if (value >> 55) return false;
        value = value << 8 | field[i];
    }
    *out = value;
    return true;
}

static bool checksum_holds(const uint8_t *block)
{
    uint64_t sum = 0, stored;
    for (size_t i = 0; i < TAR_ENTRY_BLOCK; i++)
        sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_BYTES ? ' ' : block[i];
    return octal(block + CHECKSUM, CHECKSUM_BYTES, &stored) && stored == sum;
}

static bool all_zero(const uint8_t *block)
{
    for (size_t i = 0; i < TAR_ENTRY_BLOCK; i++) {
        if (block[i]) return false;
    }
    return true;
}

static struct span up_to_nul(const uint8_t *data, size_t limit)
{
    return (struct span){data, strnlen((const char *)data, limit)};
}

// The name in a header: ustar has a folder apart, which GNU uses for other things.
static struct span header_name(const uint8_t *block, struct arena *a)
{
    const struct span name = up_to_nul(block + NAME, NAME_BYTES);
    const struct span prefix = up_to_nul(block + PREFIX, PREFIX_BYTES);
    if (memcmp(block + MAGIC, "ustar", 6) != 0 || prefix.n_bytes == 0) return name;
    const char *joined =
        arena_printf(a, "%.*s/%.*s", (int)prefix.n_bytes, (const char *)prefix.data,
                     (int)name.n_bytes, (const char *)name.data);
    return (struct span){(const uint8_t *)joined, strlen(joined)};
}

static bool starts(struct span s, const char *text)
{
    return s.n_bytes >= strlen(text) && memcmp(s.data, text, strlen(text)) == 0;
}

static bool decimal(struct span digits, uint64_t *out)
{
    uint64_t value = 0;
    if (digits.n_bytes == 0 || digits.n_bytes > 18) return false;
    for (size_t i = 0; i < digits.n_bytes; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return false;
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
    }
    *out = value;
    return true;
}

static bool take_pax_record(struct span record, struct extension *extension)
{
    const uint8_t *equals = memchr(record.data, '=', record.n_bytes);
    if (!equals) return false;
    const size_t n_key = (size_t)(equals - record.data);
    const struct span value = {equals + 1, record.n_bytes - n_key - 1};
    if (starts(record, "GNU.sparse.")) extension->sparse = true;
    if (starts(record, "path=")) {
        extension->name = value;
        extension->has_name = true;
    }
    if (!starts(record, "size=")) return true;
    extension->has_size = true;
    return decimal(value, &extension->n_content);
}

// Records "length key=value\n", the length counting itself.
static bool take_pax(struct span body, struct extension *extension)
{
    while (body.n_bytes) {
        const uint8_t *blank = memchr(body.data, ' ', body.n_bytes);
        uint64_t n;
        if (!blank || !decimal((struct span){body.data, (size_t)(blank - body.data)}, &n))
            return false;
        const size_t n_prefix = (size_t)(blank - body.data) + 1;
        if (n < n_prefix + 2 || n > body.n_bytes || body.data[n - 1] != '\n') return false;
        if (!take_pax_record((struct span){body.data + n_prefix, (size_t)n - n_prefix - 1},
                             extension))
            return false;
        body = (struct span){body.data + n, body.n_bytes - (size_t)n};
    }
    return true;
}

static bool take_extension(uint8_t type, struct span body, struct extension *extension)
{
    if (type == 'x') return take_pax(body, extension);
    if (type != 'L') return true; // g: of all entries behind it, K: of a link
    extension->name = up_to_nul(body.data, body.n_bytes);
    extension->has_name = true;
    return true;
}

static enum tar_entry_kind kind_of(uint8_t type, bool sparse)
{
    if (sparse || type == 'S') return TAR_ENTRY_SPARSE;
    return type == '0' || type == '\0' || type == '7' ? TAR_ENTRY_FILE : TAR_ENTRY_OTHER;
}

static enum tar_entry_result more(uint64_t n, struct tar_entry *out)
{
    *out = (struct tar_entry){.n_bytes = n};
    return TAR_ENTRY_SHORT;
}

// The header that the content belongs to, n_head bytes behind the entry's begin.
static enum tar_entry_result end_entry(const uint8_t *block, uint64_t n_head, uint64_t n_content,
                                       const struct extension *extension, struct arena *a,
                                       struct tar_entry *out)
{
    const uint8_t type = block[TYPE];
    const bool bodiless = type >= '1' && type <= '6';
    if (extension->has_size) n_content = extension->n_content;
    if (bodiless) n_content = 0;
    *out = (struct tar_entry){.kind = kind_of(type, extension->sparse),
                              .name = extension->has_name ? extension->name : header_name(block, a),
                              .n_head = n_head + TAR_ENTRY_BLOCK,
                              .n_content = n_content};
    out->n_bytes =
        out->n_head + (n_content + TAR_ENTRY_BLOCK - 1) / TAR_ENTRY_BLOCK * TAR_ENTRY_BLOCK;
    return TAR_ENTRY_OK;
}

enum tar_entry_result tar_entry_parse(struct span bytes, struct arena *a, struct tar_entry *out)
{
    struct extension extension = {0};
    for (uint64_t at = 0; at <= TAR_ENTRY_EXTENSION_LIMIT;) {
        if (bytes.n_bytes < at + TAR_ENTRY_BLOCK) return more(at + TAR_ENTRY_BLOCK, out);
        const uint8_t *block = bytes.data + at;
        if (all_zero(block)) {
            *out = (struct tar_entry){.kind = TAR_ENTRY_END, .n_bytes = at + TAR_ENTRY_BLOCK};
            return TAR_ENTRY_OK;
        }
        uint64_t n_content;
        if (!checksum_holds(block) || !number(block + SIZE, SIZE_BYTES, &n_content))
            return TAR_ENTRY_BAD;
        const uint8_t type = block[TYPE];
        if (type != 'x' && type != 'g' && type != 'L' && type != 'K')
            return end_entry(block, at, n_content, &extension, a, out);
        if (n_content > TAR_ENTRY_EXTENSION_LIMIT) return TAR_ENTRY_BAD;
        const uint64_t body = at + TAR_ENTRY_BLOCK;
        const uint64_t end = body + size_align((size_t)n_content, TAR_ENTRY_BLOCK);
        if (bytes.n_bytes < end) return more(end, out);
        if (!take_extension(type, (struct span){bytes.data + body, (size_t)n_content}, &extension))
            return TAR_ENTRY_BAD;
        at = end;
    }
    return TAR_ENTRY_BAD;
}
