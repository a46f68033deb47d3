// The file, little-endian:
//
//     magic "weftrows"   version u32   zero u32   key 2 x u64   n_bins u64
//     n_bins x (rows u32, documents u32, tokens u32)   crc32c u32 of all before
//
// The key hashes everything that the table follows from, so a stale file is never taken.

#include "datad/row_table.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/little.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/size.h"
#include "datad/bin_documents.h"

// Raised when packing changes what rows hold.
enum { PACKING_VERSION = 1 };
enum { TASK_BINS = 64, THREADS = 32 };
enum { FILE_VERSION = 1, HEAD_BYTES = 40, BIN_BYTES = 12, CRC_BYTES = 4 };
static const char magic[8] = {'w', 'e', 'f', 't', 'r', 'o', 'w', 's'};

static struct hash128 key_of(const struct row_table_options *o)
{
    const struct hash128 content = source_content(o->source);
    uint8_t data[40];
    little_put_u64(data, content.lo);
    little_put_u64(data + 8, content.hi);
    little_put_u64(data + 16, o->T);
    little_put_u64(data + 24, o->rule);
    little_put_u64(data + 32, PACKING_VERSION);
    return hash_xxh3_128(data, sizeof data);
}

static size_t file_bytes(uint64_t n_bins)
{
    return HEAD_BYTES + BIN_BYTES * n_bins + CRC_BYTES;
}

static void encode_head(uint8_t out[HEAD_BYTES], struct hash128 key, uint64_t n_bins)
{
    memcpy(out, magic, sizeof magic);
    little_put_u32(out + 8, FILE_VERSION);
    little_put_u32(out + 12, 0);
    little_put_u64(out + 16, key.lo);
    little_put_u64(out + 24, key.hi);
    little_put_u64(out + 32, n_bins);
}

struct span row_table_encode(struct hash128 key, const struct row_table_bin *bins, uint64_t n_bins,
                             struct arena *a)
{
    const size_t n_bytes = file_bytes(n_bins);
    uint8_t *data = ARENA_ARRAY(a, uint8_t, n_bytes);
    encode_head(data, key, n_bins);
    for (uint64_t i = 0; i < n_bins; i++) {
        uint8_t *at = data + HEAD_BYTES + BIN_BYTES * i;
        little_put_u32(at, bins[i].rows);
        little_put_u32(at + 4, bins[i].documents);
        little_put_u32(at + 8, bins[i].tokens);
    }
    little_put_u32(data + n_bytes - CRC_BYTES, hash_crc32c(0, data, n_bytes - CRC_BYTES));
    return (struct span){data, n_bytes};
}

enum err row_table_decode(struct span data, struct hash128 key, struct row_table_bin *bins,
                          uint64_t n_bins)
{
    uint8_t head[HEAD_BYTES];
    encode_head(head, key, n_bins);
    if (data.n_bytes != file_bytes(n_bins) || memcmp(data.data, head, sizeof head) != 0)
        return fail(ERR_CORRUPT, "not a table of %llu bins by this packing",
                    (unsigned long long)n_bins);
    const size_t n_summed = data.n_bytes - CRC_BYTES;
    if (little_get_u32(data.data + n_summed) != hash_crc32c(0, data.data, n_summed))
        return fail(ERR_CORRUPT, "checksum mismatch");
    for (uint64_t i = 0; i < n_bins; i++) {
        const uint8_t *at = data.data + HEAD_BYTES + BIN_BYTES * i;
        bins[i] = (struct row_table_bin){little_get_u32(at), little_get_u32(at + 4),
                                         little_get_u32(at + 8)};
    }
    return OK;
}

static void fill_from_index(const struct row_table_options *o, struct row_table_bin *bins)
{
    for (uint64_t i = 0; i < o->source->n_bins; i++) {
        const struct source_bin b = source_bin(o->source, i);
        bins[i] = (struct row_table_bin){.rows = (uint32_t)pack_rows(b.n_tokens, o->T),
                                         .documents = (uint32_t)b.n_documents,
                                         .tokens = (uint32_t)b.n_tokens};
    }
}

static enum err fill_bin(const struct row_table_options *o, uint64_t bin, struct arena *scratch,
                         struct row_table_bin *out)
{
    struct pack_bin documents;
    const struct source_bin b = source_bin(o->source, bin);
    TRY(bin_documents_read(o->source, bin, scratch, &documents));
    documents.loss = NULL;
    const struct pack_size size = {b.n_documents, b.n_tokens, b.n_pictures};
    const size_t limit = pack_limit(&size, o->T);
    uint32_t *elements = ARENA_ARRAY(scratch, uint32_t, limit);
    pack_build(&documents, o->T, o->rule, scratch, elements);
    const struct pack_plan plan = pack_view(elements);
    *out = (struct row_table_bin){plan.n_rows, plan.n_documents, plan.n_tokens};
    return OK;
}

// Bins are packed by all cores: whoever waits for this stream has nothing else to do.
struct filling {
    const struct row_table_options *options;
    struct row_table_bin *bins;
    atomic_bool failed;
};

static enum err fill_bins(const struct filling *f, struct range bins)
{
    struct arena scratch;
    enum err e = OK;
    arena_init(&scratch, "rows of a bin");
    for (uint64_t i = bins.first; e == OK && i < bins.last; i++) {
        e = fill_bin(f->options, i, &scratch, &f->bins[i]);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    return e;
}

static void fill_some(void *context, size_t task, size_t thread)
{
    struct filling *f = context;
    (void)thread;
    const uint64_t first = task * TASK_BINS;
    const struct range bins = {first, size_min(first + TASK_BINS, f->options->source->n_bins)};
    if (!atomic_load(&f->failed) && fill_bins(f, bins) != OK) atomic_store(&f->failed, true);
}

/// Threads that are worth starting for so many tasks.
static size_t thread_count(size_t n_tasks)
{
    const long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
    return size_max(1, size_min(n_tasks, size_min(n_cores > 0 ? (size_t)n_cores : 1, THREADS)));
}

static enum err fill_by_reading(const struct row_table_options *o, struct row_table_bin *bins,
                                struct arena *scratch)
{
    struct filling f = {.options = o, .bins = bins};
    const size_t n_tasks = size_ceil_div(o->source->n_bins, TASK_BINS);
    struct pool *pool;
    TRY(pool_open(scratch, thread_count(n_tasks), &pool));
    pool_run(pool, n_tasks, fill_some, &f);
    pool_close(pool);
    if (!atomic_load(&f.failed)) return OK;
    return fill_bins(&f, (struct range){0, o->source->n_bins}); // says it in this thread
}

/// A table that passes its checksum may still not be of this program's making.
static enum err check_bins(const struct row_table_options *o, const struct row_table_bin *bins)
{
    for (uint64_t i = 0; i < o->source->n_bins; i++) {
        const struct source_bin b = source_bin(o->source, i);
        const struct row_table_bin *t = &bins[i];
        const struct pack_size size = {b.n_documents, b.n_tokens, b.n_pictures};
        if (t->documents > b.n_documents || t->tokens > b.n_tokens ||
            (uint64_t)t->rows * o->T < t->tokens || t->rows > pack_rows_limit(&size, o->T))
            return fail(ERR_CORRUPT, "bin %llu: %u rows of %u tokens", (unsigned long long)i,
                        t->rows, t->tokens);
    }
    return OK;
}

static enum err read_file(const struct row_table_options *o, const char *path, struct hash128 key,
                          struct row_table_bin *bins, struct arena *scratch)
{
    const uint64_t n_bins = o->source->n_bins;
    struct span data;
    TRY(file_read(path, file_bytes(n_bins), scratch, &data));
    TRY(row_table_decode(data, key, bins, n_bins));
    return check_bins(o, bins);
}

static enum err write_file(const char *folder, const char *path, struct span data)
{
    TRY(file_make_folders(folder));
    return file_replace(path, data.data, data.n_bytes);
}

static enum err make_and_keep(const struct row_table_options *o, const char *path,
                              struct hash128 key, struct row_table_bin *bins, struct arena *scratch)
{
    const uint64_t n_bins = o->source->n_bins;
    log_line("datad: source %s: packing %llu bins for rows of %llu tokens", o->source->name,
             (unsigned long long)n_bins, (unsigned long long)o->T);
    TRY(fill_by_reading(o, bins, scratch));
    if (path == NULL) return OK;
    const struct span data = row_table_encode(key, bins, n_bins, scratch);
    if (write_file(o->folder, path, data) != OK)
        log_line("datad: the next start packs again: %s", err_line());
    return OK;
}

static enum err find_or_make(const struct row_table_options *o, struct row_table_bin *bins,
                             struct arena *scratch)
{
    if (o->folder == NULL || o->folder[0] == '\0')
        return make_and_keep(o, NULL, (struct hash128){0}, bins, scratch);
    const struct hash128 key = key_of(o);
    char hex[33];
    hash_hex(key, hex);
    const char *path = arena_printf(scratch, "%s/rows-%s.table", o->folder, hex);
    if (file_exists(path)) {
        if (read_file(o, path, key, bins, scratch) == OK) return OK;
        log_line("datad: %s is made anew: %s", path, err_line());
    }
    return make_and_keep(o, path, key, bins, scratch);
}

enum err row_table_open(const struct row_table_options *o, struct arena *a,
                        struct row_table_bin **out)
{
    struct row_table_bin *bins = ARENA_ARRAY(a, struct row_table_bin, o->source->n_bins);
    // T tokens of pictures one after another are never too many where no limit is given.
    const bool all_fit = o->source->row_pictures == 0;
    if (o->rule == PACK_CONCAT && o->source->read_keep == NULL && all_fit) {
        fill_from_index(o, bins);
    } else {
        struct arena scratch;
        arena_init(&scratch, "row table");
        const enum err e = find_or_make(o, bins, &scratch);
        arena_fini(&scratch);
        TRY(e);
    }
    *out = bins;
    return OK;
}
