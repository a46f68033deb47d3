#include "shard/dataset/dataset.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/little.h"
#include "base/size.h"
#include "shard/dataset/dataset_index.h"
#include "shard/format/shard.h"

enum {
    TOKENIZER_BYTES_LIMIT = 256 << 20,
    BIN_TOKENS_LIMIT = 1 << 28 // checked before anybody makes room for a bin
};

#define NO_COLUMN UINT32_MAX

// A shard with the columns of datasets found.
struct member {
    struct shard *shard;
    uint32_t tokens, lengths, ids, sources, text_bytes;
    uint32_t loss_run_counts, loss_runs; // NO_COLUMN: all tokens count for the loss
    uint64_t n_documents, n_tokens, n_bins;
};

struct bin {
    struct dataset_bin bin;
    uint64_t first_token, first_loss_run; // within the shard
};

struct dataset {
    struct dataset_info info;
    struct member *members;
    struct bin *bins;
    size_t n_opened; // members to close
};

static unsigned long long wide(uint64_t v)
{
    return (unsigned long long)v;
}

// Opening

static enum err find_columns(struct member *m)
{
    TRY(shard_column(m->shard, "tokens", &m->tokens));
    TRY(shard_column(m->shard, "lengths", &m->lengths));
    TRY(shard_column(m->shard, "ids", &m->ids));
    TRY(shard_column(m->shard, "sources", &m->sources));
    TRY(shard_column(m->shard, "text_bytes", &m->text_bytes));
    const struct layout_column *columns = shard_layout(m->shard)->columns;
    m->n_tokens = columns[m->tokens].n_elems;
    m->n_documents = columns[m->lengths].n_elems;
    if (columns[m->ids].n_elems != m->n_documents ||
        columns[m->sources].n_elems != m->n_documents ||
        columns[m->text_bytes].n_elems != m->n_documents)
        return fail(ERR_DATA, "%s: its document columns differ in length", shard_name(m->shard));
    return OK;
}

// Loss runs are there for all documents of a shard, or not at all.
static enum err find_loss(struct member *m)
{
    const struct layout *l = shard_layout(m->shard);
    m->loss_run_counts = m->loss_runs = NO_COLUMN;
    if (layout_find(l, "loss_run_counts") == l->n_columns) return OK;
    TRY(shard_column(m->shard, "loss_run_counts", &m->loss_run_counts));
    TRY(shard_column(m->shard, "loss_runs", &m->loss_runs));
    if (l->columns[m->loss_run_counts].n_elems == m->n_documents) return OK;
    return fail(ERR_DATA, "%s: column loss_run_counts is not one number a document",
                shard_name(m->shard));
}

static enum err read_one(const struct shard *s, const char *name, uint64_t *out, uint64_t n)
{
    uint32_t column;
    TRY(shard_column(s, name, &column));
    if (shard_layout(s)->columns[column].n_elems != n)
        return fail(ERR_DATA, "%s: column %s has %llu elements, expected %llu", shard_name(s), name,
                    wide(shard_layout(s)->columns[column].n_elems), wide(n));
    return shard_read_u64(s, column, 0, n, out);
}

// The shard speaks of the same ids as the index.
static enum err check_vocabulary(const struct shard *s, const struct dataset_index *index)
{
    uint64_t vocabulary, end_of_text, hash[2];
    TRY(read_one(s, "vocabulary", &vocabulary, 1));
    TRY(read_one(s, "end_of_text", &end_of_text, 1));
    TRY(read_one(s, "tokenizer_hash", hash, 2));
    char hex[33];
    hash_hex((struct hash128){.lo = hash[0], .hi = hash[1]}, hex);
    if (vocabulary != index->vocabulary || end_of_text != index->end_of_text ||
        strcmp(hex, index->tokenizer_hash) != 0)
        return fail(ERR_DATA, "%s: made with another tokenizer than dataset.json says",
                    shard_name(s));
    return OK;
}

static enum err open_member(const char *folder, const struct dataset_index *index, size_t i,
                            struct arena *a, struct member *m)
{
    const struct dataset_index_shard *entry = &index->shards[i];
    TRY(shard_open(arena_printf(a, "%s/%s", folder, entry->file), a, &m->shard));
    enum err e = find_columns(m);
    if (e == OK) e = find_loss(m);
    m->n_bins = entry->n_bins;
    const struct layout *l = shard_layout(m->shard);
    char id[33];
    hash_hex(l->file_id, id);
    if (e == OK && (strcmp(id, entry->id) != 0 || l->file_bytes != entry->n_bytes ||
                    m->n_documents != entry->n_documents || m->n_tokens != entry->n_tokens))
        e = fail(ERR_CORRUPT, "%s: not the shard that dataset.json names (id %s, expected %s)",
                 shard_name(m->shard), id, entry->id);
    if (e == OK) e = check_vocabulary(m->shard, index);
    if (e != OK) {
        shard_close(m->shard);
        m->shard = NULL;
    }
    return e;
}

// Fills bins[n_bins] from the shard's bin columns, which must cover its documents and tokens.
static enum err read_bins(const struct member *m, uint64_t shard_idx, struct arena *a,
                          struct bin *bins)
{
    uint64_t *documents = ARENA_ARRAY(a, uint64_t, m->n_bins);
    uint64_t *tokens = ARENA_ARRAY(a, uint64_t, m->n_bins);
    TRY(read_one(m->shard, "bin_documents", documents, m->n_bins));
    TRY(read_one(m->shard, "bin_tokens", tokens, m->n_bins));
    uint64_t first_document = 0, first_token = 0;
    for (uint64_t b = 0; b < m->n_bins; b++) {
        if (documents[b] == 0 || documents[b] > m->n_documents - first_document ||
            tokens[b] < documents[b] || tokens[b] > m->n_tokens - first_token ||
            tokens[b] > BIN_TOKENS_LIMIT)
            return fail(ERR_DATA, "%s: bin %llu is not within the shard", shard_name(m->shard),
                        wide(b));
        bins[b].bin = (struct dataset_bin){.shard = shard_idx,
                                           .first_document = first_document,
                                           .n_documents = documents[b],
                                           .n_tokens = tokens[b]};
        bins[b].first_token = first_token;
        first_document += documents[b];
        first_token += tokens[b];
    }
    if (first_document != m->n_documents || first_token != m->n_tokens)
        return fail(ERR_DATA, "%s: its bins do not cover it", shard_name(m->shard));
    return OK;
}

// Where each bin's loss runs begin: what the counts of the bins before add up to.
static enum err find_loss_runs(const struct member *m, struct bin *bins)
{
    if (m->loss_run_counts == NO_COLUMN) return OK;
    struct arena scratch;
    arena_init(&scratch, "loss runs");
    enum err e = OK;
    uint64_t first = 0;
    for (uint64_t b = 0; e == OK && b < m->n_bins; b++) {
        const struct dataset_bin *bin = &bins[b].bin;
        uint32_t *counts = ARENA_ARRAY(&scratch, uint32_t, bin->n_documents);
        e = shard_read_u32(m->shard, m->loss_run_counts, bin->first_document, bin->n_documents,
                           counts);
        bins[b].first_loss_run = first;
        for (uint64_t i = 0; i < bin->n_documents; i++)
            first += counts[i];
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    if (e == OK && first != shard_layout(m->shard)->columns[m->loss_runs].n_elems)
        e = fail(ERR_DATA, "%s: %llu loss runs are counted, column loss_runs has %llu",
                 shard_name(m->shard), wide(first),
                 wide(shard_layout(m->shard)->columns[m->loss_runs].n_elems));
    return e;
}

static enum err read_all_bins(struct dataset *d, struct arena *a)
{
    struct dataset_info *info = &d->info;
    d->bins = ARENA_ARRAY(a, struct bin, info->n_bins);
    uint64_t first = 0;
    for (uint64_t i = 0; i < info->n_shards; i++) {
        TRY(read_bins(&d->members[i], i, a, &d->bins[first]));
        TRY(find_loss_runs(&d->members[i], &d->bins[first]));
        first += d->members[i].n_bins;
    }
    uint64_t first_document = 0;
    for (uint64_t b = 0; b < info->n_bins; b++) {
        struct dataset_bin *bin = &d->bins[b].bin;
        bin->first_of_all = first_document;
        first_document += bin->n_documents;
        info->max_bin_tokens = size_max(info->max_bin_tokens, bin->n_tokens);
        info->max_bin_documents = size_max(info->max_bin_documents, bin->n_documents);
    }
    return OK;
}

// XXH3-128 of the shards' content ids, one after another.
static struct hash128 hash_members(const struct dataset *d, struct arena *a)
{
    uint8_t *ids = arena_alloc(a, 16 * d->info.n_shards, 8);
    for (uint64_t i = 0; i < d->info.n_shards; i++) {
        const struct hash128 id = shard_layout(d->members[i].shard)->file_id;
        little_put_u64(ids + 16 * i, id.lo);
        little_put_u64(ids + 16 * i + 8, id.hi);
    }
    return hash_xxh3_128(ids, 16 * d->info.n_shards);
}

static enum err check_tokenizer(const char *folder, const struct dataset_index *index,
                                struct arena *a, struct dataset_info *info)
{
    if (!index->tokenizer_file[0]) return OK;
    const int n = snprintf(info->tokenizer_file, sizeof info->tokenizer_file, "%s/%s", folder,
                           index->tokenizer_file);
    if (n < 0 || (size_t)n >= sizeof info->tokenizer_file)
        return fail(ERR_DATA, "%s: this path is too long (limit %zu with the tokenizer's name)",
                    folder, sizeof info->tokenizer_file - 1);
    struct span bytes;
    TRY(file_read(info->tokenizer_file, TOKENIZER_BYTES_LIMIT, a, &bytes));
    const char *hash = dataset_index_hex(hash_xxh3_128(bytes.data, bytes.n_bytes), a);
    if (strcmp(hash, index->tokenizer_file_hash) != 0)
        return fail(ERR_CORRUPT, "%s: not the file that dataset.json names (hash %s, expected %s)",
                    info->tokenizer_file, hash, index->tokenizer_file_hash);
    return OK;
}

// scratch holds what only opening needs.
static enum err open_parts(const char *path, struct arena *a, struct arena *scratch,
                           struct dataset *d)
{
    struct dataset_index index;
    TRY(dataset_index_read(path, scratch, &index));
    d->info = (struct dataset_info){.n_shards = index.n_shards,
                                    .n_bins = index.n_bins,
                                    .n_documents = index.n_documents,
                                    .n_tokens = index.n_tokens,
                                    .vocabulary = index.vocabulary,
                                    .end_of_text = index.end_of_text};
    TRY(check_tokenizer(path, &index, scratch, &d->info));
    d->members = ARENA_ARRAY(a, struct member, index.n_shards);
    for (size_t i = 0; i < index.n_shards; i++, d->n_opened++)
        TRY(open_member(path, &index, i, a, &d->members[i]));
    uint64_t hash[2] = {0, 0};
    if (index.n_shards) TRY(read_one(d->members[0].shard, "tokenizer_hash", hash, 2));
    d->info.tokenizer_hash = (struct hash128){.lo = hash[0], .hi = hash[1]};
    d->info.hash = hash_members(d, scratch);
    return read_all_bins(d, a);
}

enum err dataset_open(const char *path, struct arena *a, struct dataset **out)
{
    struct dataset *d = ARENA_NEW(a, struct dataset);
    struct arena scratch;
    arena_init(&scratch, "dataset open");
    const enum err e = open_parts(path, a, &scratch, d);
    arena_fini(&scratch);
    if (e != OK) {
        dataset_close(d);
        return e;
    }
    *out = d;
    return OK;
}

void dataset_close(struct dataset *d)
{
    if (!d) return;
    for (size_t i = 0; i < d->n_opened; i++)
        shard_close(d->members[i].shard);
    d->n_opened = 0;
}

const struct dataset_info *dataset_info(const struct dataset *d)
{
    return &d->info;
}

struct dataset_bin dataset_bin(const struct dataset *d, uint64_t bin)
{
    ASSERT(bin < d->info.n_bins);
    return d->bins[bin].bin;
}

const struct shard *dataset_shard(const struct dataset *d, uint64_t shard)
{
    ASSERT(shard < d->info.n_shards);
    return d->members[shard].shard;
}

// Reading

enum err dataset_read_lengths(const struct dataset *d, uint64_t bin, uint32_t *lengths)
{
    ASSERT(bin < d->info.n_bins);
    const struct dataset_bin *b = &d->bins[bin].bin;
    const struct member *m = &d->members[b->shard];
    TRY(shard_read_u32(m->shard, m->lengths, b->first_document, b->n_documents, lengths));
    uint64_t n_tokens = 0;
    for (uint64_t i = 0; i < b->n_documents; i++)
        n_tokens += lengths[i];
    if (n_tokens != b->n_tokens)
        return fail(ERR_DATA, "%s: bin %llu: its documents have %llu tokens, the bin %llu",
                    shard_name(m->shard), wide(bin), wide(n_tokens), wide(b->n_tokens));
    return OK;
}

enum err dataset_read_tokens(const struct dataset *d, uint64_t bin, uint32_t *tokens)
{
    ASSERT(bin < d->info.n_bins);
    const struct dataset_bin *b = &d->bins[bin].bin;
    const struct member *m = &d->members[b->shard];
    TRY(shard_read_u32(m->shard, m->tokens, d->bins[bin].first_token, b->n_tokens, tokens));
    const uint64_t bad = dataset_find_bad_token(tokens, b->n_tokens, d->info.vocabulary);
    if (bad == b->n_tokens) return OK;
    return fail(ERR_DATA, "%s: bin %llu: token %u, the vocabulary has %u", shard_name(m->shard),
                wide(bin), tokens[bad], d->info.vocabulary);
}

// Whether one of tokens [STRIDE] is not below vocabulary, which is below 2^31: then a difference
// or the token itself has its highest bit set. A fixed length, so that it becomes vector code.
enum { STRIDE = 32 };

static bool any_bad(const uint32_t *tokens, uint32_t vocabulary)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < STRIDE; i++)
        bits |= (vocabulary - 1 - tokens[i]) | tokens[i];
    return bits >> 31 != 0;
}

uint64_t dataset_find_bad_token(const uint32_t *tokens, uint64_t n, uint32_t vocabulary)
{
    uint64_t i = 0;
    if (vocabulary >> 31 == 0)
        while (i + STRIDE <= n && !any_bad(tokens + i, vocabulary))
            i += STRIDE;
    while (i < n && tokens[i] < vocabulary)
        i++;
    return i;
}

bool dataset_has_loss(const struct dataset *d)
{
    for (uint64_t i = 0; i < d->info.n_shards; i++)
        if (d->members[i].loss_run_counts != NO_COLUMN) return true;
    return false;
}

static void set_bits(uint64_t *bits, uint64_t first, uint64_t last)
{
    for (uint64_t at = first; at < last;) {
        const uint64_t width = size_min(64 - at % 64, last - at);
        const uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
        bits[at / 64] |= mask << at % 64;
        at += width;
    }
}

// The runs of one document, which starts at token first: no loss, loss, no loss, ...
static enum err set_runs(const struct member *m, const uint32_t *runs, uint32_t n_runs,
                         struct range tokens, uint64_t *bits)
{
    uint64_t at = tokens.first;
    for (uint32_t i = 0; i < n_runs; i++) {
        if (runs[i] > tokens.last - at)
            return fail(ERR_DATA, "%s: the loss runs of a document are longer than it",
                        shard_name(m->shard));
        if (i % 2 == 1) set_bits(bits, at, at + runs[i]);
        at += runs[i];
    }
    if (n_runs == 0) set_bits(bits, tokens.first, tokens.last);
    return OK;
}

static enum err read_runs(const struct dataset *d, uint64_t bin, const uint32_t *lengths,
                          struct arena *a, uint64_t *bits)
{
    const struct dataset_bin *b = &d->bins[bin].bin;
    const struct member *m = &d->members[b->shard];
    uint32_t *counts = ARENA_ARRAY(a, uint32_t, b->n_documents);
    TRY(shard_read_u32(m->shard, m->loss_run_counts, b->first_document, b->n_documents, counts));
    uint64_t n_runs = 0, first = 0;
    for (uint64_t i = 0; i < b->n_documents; i++)
        n_runs += counts[i];
    if (n_runs > shard_layout(m->shard)->columns[m->loss_runs].n_elems)
        return fail(ERR_DATA, "%s: more loss runs are counted than it has", shard_name(m->shard));
    uint32_t *runs = ARENA_ARRAY(a, uint32_t, n_runs);
    TRY(shard_read_u32(m->shard, m->loss_runs, d->bins[bin].first_loss_run, n_runs, runs));
    for (uint64_t i = 0; i < b->n_documents; first += lengths[i++]) {
        TRY(set_runs(m, runs, counts[i], (struct range){first, first + lengths[i]}, bits));
        runs += counts[i];
    }
    return OK;
}

enum err dataset_read_loss(const struct dataset *d, uint64_t bin, const uint32_t *lengths,
                           uint64_t *bits)
{
    ASSERT(bin < d->info.n_bins);
    const struct dataset_bin *b = &d->bins[bin].bin;
    if (d->members[b->shard].loss_run_counts == NO_COLUMN) {
        set_bits(bits, 0, b->n_tokens);
        return OK;
    }
    struct arena a;
    arena_init(&a, "loss of a bin");
    const enum err e = read_runs(d, bin, lengths, &a, bits);
    arena_fini(&a);
    return e;
}

enum err dataset_read_name(const struct dataset *d, uint64_t bin, uint64_t document,
                           struct arena *a, struct span *id, struct span *source)
{
    ASSERT(bin < d->info.n_bins && document < d->bins[bin].bin.n_documents);
    const struct dataset_bin *b = &d->bins[bin].bin;
    const struct member *m = &d->members[b->shard];
    const uint64_t in_shard = b->first_document + document;
    TRY(shard_read_blobs(m->shard, m->ids, in_shard, 1, a, id));
    return shard_read_blobs(m->shard, m->sources, in_shard, 1, a, source);
}

enum err dataset_read_document(const struct dataset *d, uint64_t document, struct arena *a,
                               struct dataset_document *out)
{
    uint64_t bin = 0, first = 0; // of the bin, over all shards
    while (bin < d->info.n_bins && document - first >= d->bins[bin].bin.n_documents)
        first += d->bins[bin++].bin.n_documents;
    if (bin == d->info.n_bins)
        return fail(ERR_DATA, "no document %llu: the dataset has %llu", wide(document),
                    wide(d->info.n_documents));
    const struct dataset_bin *b = &d->bins[bin].bin;
    const struct member *m = &d->members[b->shard];
    const uint64_t in_bin = document - first, in_shard = b->first_document + in_bin;
    uint32_t *lengths = ARENA_ARRAY(a, uint32_t, b->n_documents);
    TRY(dataset_read_lengths(d, bin, lengths));
    uint64_t first_token = d->bins[bin].first_token;
    for (uint64_t i = 0; i < in_bin; i++)
        first_token += lengths[i];
    struct dataset_document result = {.n_tokens = lengths[in_bin]};
    uint32_t *tokens = ARENA_ARRAY(a, uint32_t, result.n_tokens);
    TRY(shard_read_u32(m->shard, m->tokens, first_token, result.n_tokens, tokens));
    TRY(shard_read_blobs(m->shard, m->ids, in_shard, 1, a, &result.id));
    TRY(shard_read_blobs(m->shard, m->sources, in_shard, 1, a, &result.source));
    TRY(shard_read_u32(m->shard, m->text_bytes, in_shard, 1, &result.text_bytes));
    result.tokens = tokens;
    *out = result;
    return OK;
}
