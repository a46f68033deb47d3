#include "shard/dataset/dataset_filter.h"

#include <string.h>

#include "shard/dataset/expression.h"
#include "shard/format/shard.h"

#define DEFAULT_TEXT "verdict == \"kept\""
#define SCORE "score."

// What people call the columns that documents share.
static const struct {
    const char *name, *column;
} known[] = {
    {"language", "language"}, {"verdict", "verdict"},       {"url", "url"},       {"id", "ids"},
    {"source", "sources"},    {"text_bytes", "text_bytes"}, {"tokens", "lengths"}};
enum { N_KNOWN = sizeof known / sizeof known[0] };

struct dataset_filter {
    const struct dataset *dataset;
    struct expression *expression;
    struct hash128 hash;
    size_t n_columns;
    struct expression_column *columns;
    const char **names; // [n_columns]: in the shards
};

static enum expression_type type_of(uint8_t type)
{
    if (type == COLUMN_BLOB) return EXPRESSION_TEXT;
    return type == COLUMN_F32 ? EXPRESSION_F32 : EXPRESSION_NUMBER;
}

/// Whether all shards have name with this type.
static bool in_all(const struct dataset *d, const char *name, uint8_t type)
{
    for (uint64_t i = 0; i < dataset_info(d)->n_shards; i++) {
        const struct layout *l = shard_layout(dataset_shard(d, i));
        const uint32_t column = layout_find(l, name);
        if (column == l->n_columns || l->columns[column].type != type) return false;
    }
    return true;
}

static void add_column(struct dataset_filter *f, const struct layout *first, const char *name,
                       const char *column_name)
{
    const uint32_t column = layout_find(first, column_name);
    if (column == first->n_columns) return;
    const uint8_t type = first->columns[column].type;
    if (column_type_bytes(type) == COLUMN_UNKNOWN_BYTES || !in_all(f->dataset, column_name, type))
        return;
    f->columns[f->n_columns] = (struct expression_column){name, type_of(type)};
    f->names[f->n_columns++] = column_name;
}

static void find_columns(struct dataset_filter *f, struct arena *a)
{
    const struct layout *first = shard_layout(dataset_shard(f->dataset, 0));
    f->columns = ARENA_ARRAY(a, struct expression_column, N_KNOWN + first->n_columns);
    f->names = ARENA_ARRAY(a, const char *, N_KNOWN + first->n_columns);
    for (size_t i = 0; i < N_KNOWN; i++)
        add_column(f, first, known[i].name, known[i].column);
    for (uint32_t i = 0; i < first->n_columns; i++) {
        const char *name = first->columns[i].name;
        if (strncmp(name, SCORE, strlen(SCORE)) == 0) add_column(f, first, name, name);
    }
}

static bool has_column(const struct dataset_filter *f, const char *name)
{
    for (size_t i = 0; i < f->n_columns; i++)
        if (strcmp(f->columns[i].name, name) == 0) return true;
    return false;
}

enum err dataset_filter_open(const struct dataset *d, const char *text, struct arena *a,
                             struct dataset_filter **out)
{
    *out = NULL;
    if (dataset_info(d)->n_shards == 0) return OK;
    struct dataset_filter *f = ARENA_NEW(a, struct dataset_filter);
    f->dataset = d;
    find_columns(f, a);
    if (text[0] == '\0' && !has_column(f, "verdict")) return OK;
    if (text[0] == '\0') text = DEFAULT_TEXT;
    TRY(expression_parse(text, f->columns, f->n_columns, a, &f->expression));
    f->hash = hash_xxh3_128(text, strlen(text));
    *out = f;
    return OK;
}

struct hash128 dataset_filter_hash(const struct dataset_filter *f)
{
    return f->hash;
}

static enum err read_column(const struct dataset_filter *f, const struct dataset_bin *bin,
                            size_t idx, struct arena *a, struct expression_values *out)
{
    const struct shard *s = dataset_shard(f->dataset, bin->shard);
    uint32_t column;
    TRY(shard_column(s, f->names[idx], &column));
    if (f->columns[idx].type == EXPRESSION_TEXT) {
        struct span *texts = ARENA_ARRAY(a, struct span, bin->n_documents);
        TRY(shard_read_blobs(s, column, bin->first_document, bin->n_documents, a, texts));
        *out = (struct expression_values){.texts = texts};
    } else {
        double *numbers = ARENA_ARRAY(a, double, bin->n_documents);
        TRY(shard_read_f64(s, column, bin->first_document, bin->n_documents, numbers));
        *out = (struct expression_values){.numbers = numbers};
    }
    return OK;
}

static enum err evaluate(const struct dataset_filter *f, uint64_t bin, struct arena *a,
                         uint8_t *keep)
{
    const struct dataset_bin b = dataset_bin(f->dataset, bin);
    struct expression_values *values = ARENA_ARRAY(a, struct expression_values, f->n_columns);
    for (size_t i = 0; i < f->n_columns; i++)
        if (expression_uses(f->expression, i)) TRY(read_column(f, &b, i, a, &values[i]));
    expression_evaluate(f->expression, values, b.n_documents, a, keep);
    return OK;
}

enum err dataset_filter_read(const struct dataset_filter *f, uint64_t bin, uint8_t *keep)
{
    struct arena a;
    arena_init(&a, "filter of a bin");
    const enum err e = evaluate(f, bin, &a, keep);
    arena_fini(&a);
    return e;
}
