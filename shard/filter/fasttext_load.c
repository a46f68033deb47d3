// The file, little-endian: magic, version, training arguments, dictionary (words, then labels, each
// with its count), pruned buckets, input matrix, output matrix. Either matrix may be quantised: a
// code of one byte for each sub-vector picks one of 256 centroids, another the row's length.
// Facts of the format: fastText's sources, args.cc, dictionary.cc, quantmatrix.cc.

#include <string.h>

#include "base/file.h"
#include "base/little.h"
#include "base/size.h"
#include "shard/filter/fasttext.h"
#include "shard/filter/fasttext_model.h"

enum {
    MAGIC = 793712314,
    SUPERVISED = 3,
    CENTROIDS = 256,
    DIM_LIMIT = 4096,
    LABEL_LIMIT = 1 << 20,
    BUCKET_LIMIT = 1 << 28,
    PRUNED_BUCKET_LIMIT = 1 << 24, // tables of them are allocated on the word of the file
    WORD_LIMIT = 1 << 16
};
static const uint64_t FILE_LIMIT = UINT64_C(16) << 30;
static const uint64_t NODE_COUNT = UINT64_C(1000000000000000);
static const char LABEL_PREFIX[] = "__label__";

struct cursor {
    const char *name;
    struct span left;
};

static enum err take(struct cursor *c, uint64_t n_bytes, const uint8_t **out)
{
    if (n_bytes > c->left.n_bytes)
        return fail(ERR_DATA, "%s: cut short (%llu bytes more were promised)", c->name,
                    (unsigned long long)(n_bytes - c->left.n_bytes));
    *out = c->left.data;
    c->left.data += n_bytes;
    c->left.n_bytes -= n_bytes;
    return OK;
}

static enum err take_u32(struct cursor *c, uint32_t *out)
{
    const uint8_t *p;
    TRY(take(c, 4, &p));
    *out = little_get_u32(p);
    return OK;
}

static enum err take_u64(struct cursor *c, uint64_t *out)
{
    const uint8_t *p;
    TRY(take(c, 8, &p));
    *out = little_get_u64(p);
    return OK;
}

static enum err take_flag(struct cursor *c, bool *out)
{
    const uint8_t *p;
    TRY(take(c, 1, &p));
    *out = p[0] != 0;
    return OK;
}

static enum err check(const struct cursor *c, bool good, const char *what, uint64_t value)
{
    if (good) return OK;
    return fail(ERR_DATA, "%s: %s %llu makes no sense", c->name, what, (unsigned long long)value);
}

static enum err load_arguments(struct cursor *c, struct fasttext *f)
{
    enum { DIM, WS, EPOCH, MIN_COUNT, NEG, NGRAMS, LOSS, MODEL, BUCKET, MIN_N, MAX_N, RATE, N };
    uint32_t v[N], magic = 0, version = 0;
    uint64_t t = 0;
    if (c->left.n_bytes >= 4) TRY(take_u32(c, &magic));
    if (magic != MAGIC) return fail(ERR_DATA, "%s: not a fastText model", c->name);
    TRY(take_u32(c, &version));
    TRY(check(c, version == 11 || version == 12, "version", version));
    for (size_t i = 0; i < N; i++)
        TRY(take_u32(c, &v[i]));
    TRY(take_u64(c, &t));
    TRY(check(c, v[DIM] >= 1 && v[DIM] <= DIM_LIMIT, "dimension", v[DIM]));
    TRY(check(c, v[LOSS] >= FASTTEXT_HS && v[LOSS] <= FASTTEXT_OVA, "loss", v[LOSS]));
    TRY(check(c, v[BUCKET] <= BUCKET_LIMIT, "number of buckets", v[BUCKET]));
    TRY(check(c, v[MAX_N] <= 64 && v[NGRAMS] <= 64, "n-gram length", v[MAX_N]));
    if (v[MODEL] != SUPERVISED)
        return fail(ERR_DATA, "%s: word vectors; a classifier is needed", c->name);
    f->dim = v[DIM];
    f->word_ngrams = v[NGRAMS];
    f->loss = (enum fasttext_loss)v[LOSS];
    f->bucket = v[BUCKET];
    f->min_n = v[MIN_N];
    f->max_n = version == 11 ? 0 : v[MAX_N]; // old classifiers have no character n-grams
    return OK;
}

static enum err take_word(struct cursor *c, struct span *out)
{
    const size_t limit = size_min(c->left.n_bytes, WORD_LIMIT);
    const uint8_t *end = limit ? memchr(c->left.data, 0, limit) : NULL;
    if (!end) return fail(ERR_DATA, "%s: a word without an end", c->name);
    *out = (struct span){c->left.data, (size_t)(end - c->left.data)};
    const uint8_t *skipped;
    return take(c, out->n_bytes + 1, &skipped);
}

static const char *label_text(struct span word, struct arena *a)
{
    const size_t n = sizeof LABEL_PREFIX - 1;
    const bool prefixed = word.n_bytes > n && memcmp(word.data, LABEL_PREFIX, n) == 0;
    const size_t skip = prefixed ? n : 0;
    return arena_strndup(a, (const char *)word.data + skip, word.n_bytes - skip);
}

static enum err load_entry(struct cursor *c, uint32_t idx, struct fasttext *f, struct arena *a)
{
    struct span word;
    uint64_t count;
    const uint8_t *type;
    TRY(take_word(c, &word));
    TRY(take_u64(c, &count));
    TRY(take(c, 1, &type));
    const bool is_label = idx >= f->n_words;
    TRY(check(c, *type == is_label && count <= NODE_COUNT, "entry", idx));
    if (is_label) {
        f->labels[idx - f->n_words] = label_text(word, a);
        f->label_counts[idx - f->n_words] = (int64_t)count;
        return OK;
    }
    struct span_entry *entry;
    TRY(span_table_insert(&f->words, word, &entry));
    entry->value = idx;
    return OK;
}

static enum err load_pruned(struct cursor *c, uint64_t n, struct fasttext *f, struct arena *a)
{
    f->pruned = true;
    TRY(check(c, n <= f->bucket && n <= c->left.n_bytes / 8, "number of kept n-grams", n));
    TRY(check(c, f->bucket <= PRUNED_BUCKET_LIMIT, "number of buckets", f->bucket));
    f->bucket_row = ARENA_ARRAY(a, uint32_t, f->bucket);
    f->bucket_known = ARENA_ARRAY(a, uint64_t, f->bucket / 64 + 1);
    for (uint64_t i = 0; i < n; i++) {
        uint32_t bucket, row;
        TRY(take_u32(c, &bucket));
        TRY(take_u32(c, &row));
        TRY(check(c, bucket < f->bucket && row < n, "kept n-gram", bucket));
        f->bucket_row[bucket] = row;
        f->bucket_known[bucket / 64] |= UINT64_C(1) << bucket % 64;
    }
    return OK;
}

/// After it: how many rows the input matrix has behind the words'.
static enum err load_dictionary(struct cursor *c, struct fasttext *f, uint64_t *n_ngram_rows,
                                struct arena *a)
{
    uint32_t size;
    uint64_t n_tokens, n_pruned;
    TRY(take_u32(c, &size));
    TRY(take_u32(c, &f->n_words));
    TRY(take_u32(c, &f->n_labels));
    TRY(take_u64(c, &n_tokens));
    TRY(take_u64(c, &n_pruned));
    TRY(check(
        c, size <= c->left.n_bytes / 10 && f->n_words <= size && f->n_labels == size - f->n_words,
        "number of words", size));
    TRY(check(c, f->n_labels >= 1 && f->n_labels <= LABEL_LIMIT, "number of labels", f->n_labels));
    f->labels = ARENA_ARRAY(a, const char *, f->n_labels);
    f->label_counts = ARENA_ARRAY(a, int64_t, f->n_labels);
    for (uint32_t i = 0; i < size; i++)
        TRY(load_entry(c, i, f, a));
    *n_ngram_rows = f->bucket;
    if ((int64_t)n_pruned < 0) return OK;
    *n_ngram_rows = n_pruned;
    return load_pruned(c, n_pruned, f, a);
}

static void get_floats(const uint8_t *bytes, uint64_t n, float *out)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t bits = little_get_u32(bytes + 4 * i);
        memcpy(&out[i], &bits, sizeof bits);
    }
}

static enum err take_shape(struct cursor *c, struct fasttext_matrix *m)
{
    TRY(take_u64(c, &m->n_rows));
    TRY(take_u64(c, &m->n_columns));
    TRY(check(c, m->n_rows <= UINT32_MAX, "number of rows", m->n_rows));
    return check(c, m->n_columns >= 1 && m->n_columns <= DIM_LIMIT, "row length", m->n_columns);
}

static enum err load_dense(struct cursor *c, struct fasttext_matrix *m, struct arena *a)
{
    const uint8_t *bytes;
    TRY(take_shape(c, m));
    TRY(take(c, m->n_rows * m->n_columns * 4, &bytes));
    m->data = ARENA_ARRAY(a, float, m->n_rows * m->n_columns);
    get_floats(bytes, m->n_rows * m->n_columns, m->data);
    return OK;
}

struct quantizer {
    uint32_t dim, n_parts, part, last_part; // dim = (n_parts - 1) * part + last_part
    const float *centroids;                 // [n_parts][CENTROIDS][part], the last of last_part
};

static enum err load_quantizer(struct cursor *c, uint64_t dim, struct quantizer *q, struct arena *a)
{
    const uint8_t *bytes;
    TRY(take_u32(c, &q->dim));
    TRY(take_u32(c, &q->n_parts));
    TRY(take_u32(c, &q->part));
    TRY(take_u32(c, &q->last_part));
    const bool whole = q->n_parts >= 1 && q->part >= 1 && q->last_part >= 1 &&
                       q->last_part <= q->part && q->n_parts <= dim && q->part <= dim;
    TRY(check(c, q->dim == dim && whole && (q->n_parts - 1) * q->part + q->last_part == dim,
              "quantizer of", q->dim));
    TRY(take(c, dim * CENTROIDS * 4, &bytes));
    float *centroids = ARENA_ARRAY(a, float, dim *CENTROIDS);
    get_floats(bytes, dim * CENTROIDS, centroids);
    q->centroids = centroids;
    return OK;
}

static void expand_row(const struct quantizer *q, const uint8_t *codes, float norm, float *row)
{
    for (uint32_t part = 0; part < q->n_parts; part++) {
        const bool last = part == q->n_parts - 1;
        const uint32_t width = last ? q->last_part : q->part;
        const float *centroid = q->centroids + (size_t)part * CENTROIDS * q->part;
        centroid += (size_t)codes[part] * width;
        for (uint32_t i = 0; i < width; i++)
            row[part * q->part + i] = norm * centroid[i];
    }
}

static enum err load_quantised(struct cursor *c, struct fasttext_matrix *m, struct arena *a)
{
    bool normed;
    uint32_t n_codes;
    const uint8_t *codes, *norms = NULL;
    struct quantizer rows, lengths = {0};
    TRY(take_flag(c, &normed));
    TRY(take_shape(c, m));
    TRY(take_u32(c, &n_codes));
    TRY(take(c, n_codes, &codes));
    TRY(load_quantizer(c, m->n_columns, &rows, a));
    TRY(check(c, (uint64_t)rows.n_parts * m->n_rows == n_codes, "number of codes", n_codes));
    if (normed) TRY(take(c, m->n_rows, &norms));
    if (normed) TRY(load_quantizer(c, 1, &lengths, a));
    m->data = ARENA_ARRAY(a, float, m->n_rows * m->n_columns);
    for (uint64_t i = 0; i < m->n_rows; i++)
        expand_row(&rows, codes + i * rows.n_parts, norms ? lengths.centroids[norms[i]] : 1.0F,
                   m->data + i * m->n_columns);
    return OK;
}

static enum err load_matrix(struct cursor *c, bool quantised, uint64_t n_rows, uint64_t n_columns,
                            struct fasttext_matrix *m, struct arena *a)
{
    TRY(quantised ? load_quantised(c, m, a) : load_dense(c, m, a));
    TRY(check(c, m->n_rows == n_rows, "number of rows", m->n_rows));
    return check(c, m->n_columns == n_columns, "row length", m->n_columns);
}

/// Joins the two rarest nodes until one is left; labels come sorted, the most frequent first. On
/// equal counts an inner node is taken before a leaf, as fastText does.
static void build_tree(struct fasttext *f, struct arena *a)
{
    const uint32_t n = f->n_labels, n_nodes = 2 * n - 1;
    f->tree = ARENA_ARRAY(a, struct fasttext_node, n_nodes);
    for (uint32_t i = 0; i < n_nodes; i++)
        f->tree[i].count = i < n ? f->label_counts[i] : (int64_t)NODE_COUNT;
    uint32_t leaves = n, node = n;
    for (uint32_t i = n; i < n_nodes; i++) {
        uint32_t pair[2];
        for (int k = 0; k < 2; k++) {
            const bool leaf = leaves > 0 && f->tree[leaves - 1].count < f->tree[node].count;
            pair[k] = leaf ? --leaves : node++;
        }
        f->tree[i].left = pair[0];
        f->tree[i].right = pair[1];
        f->tree[i].count = f->tree[pair[0]].count + f->tree[pair[1]].count;
    }
}

/// Counts must fall, or the tree's inner nodes would be taken before they are made.
static enum err check_counts(const struct cursor *c, const struct fasttext *f)
{
    for (uint32_t i = 1; i < f->n_labels; i++)
        TRY(check(c, f->label_counts[i] <= f->label_counts[i - 1], "order of label", i));
    return check(c, (uint64_t)f->label_counts[0] < NODE_COUNT / f->n_labels, "count of label", 0);
}

static enum err load(struct cursor *c, struct fasttext *f, struct arena *a)
{
    uint64_t n_ngram_rows = 0;
    bool quantised, output_quantised;
    TRY(load_arguments(c, f));
    TRY(load_dictionary(c, f, &n_ngram_rows, a));
    TRY(take_flag(c, &quantised));
    if (f->pruned && !quantised)
        return fail(ERR_DATA, "%s: pruned but not quantised: made by a fastText too old", c->name);
    TRY(load_matrix(c, quantised, f->n_words + n_ngram_rows, f->dim, &f->input, a));
    TRY(take_flag(c, &output_quantised));
    TRY(load_matrix(c, quantised && output_quantised, f->n_labels, f->dim, &f->output, a));
    if (f->loss != FASTTEXT_HS) return OK;
    TRY(check_counts(c, f));
    build_tree(f, a);
    return OK;
}

enum err fasttext_open_memory(struct span bytes, const char *name, struct arena *a,
                              struct fasttext **out)
{
    struct cursor c = {name, bytes};
    struct fasttext *f = ARENA_NEW(a, struct fasttext);
    TRY(span_table_open(&f->words, a));
    const enum err e = load(&c, f, a);
    struct span_table words = f->words;
    f->words = span_table_take(&words, a);
    if (e == OK) *out = f;
    return e;
}

enum err fasttext_open(const char *path, struct arena *a, struct fasttext **out)
{
    struct arena file;
    struct span bytes;
    arena_init(&file, "fastText model");
    enum err e = file_read(path, FILE_LIMIT, &file, &bytes);
    if (e == OK) e = fasttext_open_memory(bytes, path, a, out);
    arena_fini(&file);
    return e;
}
