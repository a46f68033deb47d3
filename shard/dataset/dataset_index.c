#include "shard/dataset/dataset_index.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

// The last lines of the file: {  "crc32c": "xxxxxxxx"\n}\n  with a checksum of all before them.
static const char TAIL_FORMAT[] = "  \"crc32c\": \"%08x\"\n}\n";
enum { TAIL_BYTES = 25 };

const char *dataset_index_hex(struct hash128 h, struct arena *a)
{
    char text[33];
    hash_hex(h, text);
    return arena_strdup(a, text);
}

static void print_loss(const struct dataset_index_loss *lost, struct text *out)
{
    text_printf(out,
                "  \"left_out\": {\"files\": %llu, \"empty\": %llu, \"bad\": %llu, "
                "\"bad_bytes\": %llu, \"other\": %llu},\n",
                (unsigned long long)lost->n_files, (unsigned long long)lost->n_empty,
                (unsigned long long)lost->n_bad, (unsigned long long)lost->bad_bytes,
                (unsigned long long)lost->n_other);
}

static int put_piece(const char *piece, size_t n_bytes, void *out)
{
    text_put(out, piece, n_bytes);
    return 0;
}

// A line for each element of the array of that name.
static void print_lines(const json_t *funnel, const char *name, const char *end, struct text *out)
{
    const json_t *rows = json_object_get(funnel, name);
    text_printf(out, "    \"%s\": [", name);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        text_printf(out, "%s\n      ", i ? "," : "");
        json_dump_callback(json_array_get(rows, i), put_piece, out, 0);
    }
    text_printf(out, "\n    ]%s\n", end);
}

static void print_funnel(const struct funnel *f, struct text *out)
{
    json_t *funnel = funnel_to_json(f);
    text_printf(out, "  \"funnel\": {\n");
    print_lines(funnel, "stages", ",", out);
    print_lines(funnel, "line_rules", "", out);
    text_printf(out, "  },\n");
    json_decref(funnel);
}

static void print_index(const struct dataset_index *index, struct text *out)
{
    text_printf(out, "{\n  \"format\": \"weft dataset\",\n  \"version\": %d,\n",
                DATASET_INDEX_VERSION);
    text_printf(out, "  \"documents\": %llu,\n  \"tokens\": %llu,\n  \"bins\": %llu,\n",
                (unsigned long long)index->n_documents, (unsigned long long)index->n_tokens,
                (unsigned long long)index->n_bins);
    text_printf(out, "  \"vocabulary\": %u,\n  \"end_of_text\": %u,\n", index->vocabulary,
                index->end_of_text);
    text_printf(out, "  \"tokenizer_hash\": \"%s\",\n", index->tokenizer_hash);
    text_printf(out, "  \"tokenizer_file\": \"%s\",\n", index->tokenizer_file);
    text_printf(out, "  \"tokenizer_file_hash\": \"%s\",\n  \"shards\": [",
                index->tokenizer_file_hash);
    for (size_t i = 0; i < index->n_shards; i++) {
        const struct dataset_index_shard *s = &index->shards[i];
        text_printf(
            out,
            "%s\n    {\"file\": \"%s\", \"id\": \"%s\", \"bytes\": %llu, \"documents\": %llu, "
            "\"tokens\": %llu, \"bins\": %llu}",
            i ? "," : "", s->file, s->id, (unsigned long long)s->n_bytes,
            (unsigned long long)s->n_documents, (unsigned long long)s->n_tokens,
            (unsigned long long)s->n_bins);
    }
    text_printf(out, "\n  ],\n");
    print_loss(&index->lost, out);
    if (index->funnel.n_rows) print_funnel(&index->funnel, out);
}

enum err dataset_index_write(const struct dataset_index *index, const char *folder)
{
    struct arena scratch;
    arena_init(&scratch, "dataset index");
    struct text out;
    text_begin(&out, &scratch);
    print_index(index, &out);
    text_printf(&out, TAIL_FORMAT, hash_crc32c(0, out.data, out.n_bytes));
    const char *path = arena_printf(&scratch, "%s/dataset.json", folder);
    enum err e = file_replace(path, out.data, out.n_bytes);
    arena_fini(&scratch);
    return e;
}

static enum err check_tail(const char *path, struct span text)
{
    if (text.n_bytes < TAIL_BYTES)
        return fail(ERR_DATA, "%s: not a dataset index (%zu bytes)", path, text.n_bytes);
    const size_t n = text.n_bytes - TAIL_BYTES;
    char tail[TAIL_BYTES + 1];
    snprintf(tail, sizeof tail, TAIL_FORMAT, hash_crc32c(0, text.data, n));
    if (memcmp(tail, text.data + n, TAIL_BYTES) != 0)
        return fail(ERR_CORRUPT, "%s: the checksum on its last lines (offset %zu) does not match",
                    path, n);
    return OK;
}

static int get_u64(const json_t *object, const char *key, uint64_t limit, uint64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) return 0;
    *out = (uint64_t)json_integer_value(value);
    return *out <= limit;
}

static int get_text(const json_t *object, const char *key, struct arena *a, const char **out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return 0;
    *out = arena_strdup(a, json_string_value(value));
    return 1;
}

// A name of a file in this folder: no way out of it.
static int file_name_valid(const char *name)
{
    return name[0] && name[0] != '.' && !strchr(name, '/');
}

static int decode_shard(const json_t *object, struct arena *a, struct dataset_index_shard *out)
{
    return get_text(object, "file", a, &out->file) && file_name_valid(out->file) &&
           get_text(object, "id", a, &out->id) &&
           get_u64(object, "bytes", INT64_MAX, &out->n_bytes) &&
           get_u64(object, "documents", INT64_MAX, &out->n_documents) &&
           get_u64(object, "tokens", INT64_MAX, &out->n_tokens) &&
           get_u64(object, "bins", INT64_MAX, &out->n_bins);
}

static int decode_header(const json_t *root, struct arena *a, struct dataset_index *out)
{
    uint64_t version, vocabulary, end_of_text;
    const char *format;
    if (!get_text(root, "format", a, &format) || strcmp(format, "weft dataset") != 0) return 0;
    if (!get_u64(root, "version", DATASET_INDEX_VERSION, &version)) return 0;
    if (version != DATASET_INDEX_VERSION) return 0;
    if (!get_u64(root, "vocabulary", UINT32_MAX, &vocabulary)) return 0;
    if (!get_u64(root, "end_of_text", UINT32_MAX, &end_of_text)) return 0;
    if (end_of_text >= vocabulary) return 0;
    out->vocabulary = (uint32_t)vocabulary;
    out->end_of_text = (uint32_t)end_of_text;
    if (!get_text(root, "tokenizer_hash", a, &out->tokenizer_hash)) return 0;
    if (!get_text(root, "tokenizer_file", a, &out->tokenizer_file)) return 0;
    if (out->tokenizer_file[0] && !file_name_valid(out->tokenizer_file)) return 0;
    return get_text(root, "tokenizer_file_hash", a, &out->tokenizer_file_hash);
}

static int decode_totals(const json_t *root, const struct dataset_index *index)
{
    uint64_t n_documents, n_tokens, n_bins;
    return get_u64(root, "documents", INT64_MAX, &n_documents) &&
           get_u64(root, "tokens", INT64_MAX, &n_tokens) &&
           get_u64(root, "bins", INT64_MAX, &n_bins) && n_documents == index->n_documents &&
           n_tokens == index->n_tokens && n_bins == index->n_bins;
}

// What builds before these keys did not write may be absent.
static int decode_build(const json_t *root, struct arena *a, struct dataset_index *out)
{
    const json_t *lost = json_object_get(root, "left_out");
    const json_t *funnel = json_object_get(root, "funnel");
    if (lost && !(get_u64(lost, "files", INT64_MAX, &out->lost.n_files) &&
                  get_u64(lost, "empty", INT64_MAX, &out->lost.n_empty) &&
                  get_u64(lost, "bad", INT64_MAX, &out->lost.n_bad) &&
                  get_u64(lost, "bad_bytes", INT64_MAX, &out->lost.bad_bytes) &&
                  get_u64(lost, "other", INT64_MAX, &out->lost.n_other)))
        return 0;
    return !funnel || funnel_from_json(funnel, a, &out->funnel);
}

static int decode_index(const json_t *root, struct arena *a, struct dataset_index *out)
{
    const json_t *shards = json_object_get(root, "shards");
    if (!json_is_array(shards) || json_array_size(shards) > DATASET_INDEX_SHARDS_LIMIT) return 0;
    if (!decode_header(root, a, out) || !decode_build(root, a, out)) return 0;
    out->n_shards = json_array_size(shards);
    out->shards = ARENA_ARRAY(a, struct dataset_index_shard, out->n_shards);
    for (size_t i = 0; i < out->n_shards; i++) {
        struct dataset_index_shard *s = &out->shards[i];
        if (!decode_shard(json_array_get(shards, i), a, s)) return 0;
        if (__builtin_add_overflow(out->n_documents, s->n_documents, &out->n_documents) ||
            __builtin_add_overflow(out->n_tokens, s->n_tokens, &out->n_tokens) ||
            __builtin_add_overflow(out->n_bins, s->n_bins, &out->n_bins))
            return 0;
    }
    return decode_totals(root, out);
}

enum err dataset_index_decode(struct span text, const char *name, struct arena *a,
                              struct dataset_index *out)
{
    TRY(check_tail(name, text));
    json_error_t error;
    json_t *root =
        json_loadb((const char *)text.data, text.n_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root) return fail(ERR_DATA, "%s:%d: %s", name, error.line, error.text);
    struct dataset_index index = {0};
    const int valid = decode_index(root, a, &index);
    json_decref(root);
    if (!valid)
        return fail(ERR_DATA, "%s: not a dataset index of version %d", name, DATASET_INDEX_VERSION);
    *out = index;
    return OK;
}

enum err dataset_index_read(const char *folder, struct arena *a, struct dataset_index *out)
{
    const char *path = arena_printf(a, "%s/dataset.json", folder);
    struct span text;
    if (!file_exists(path))
        return fail(ERR_IO,
                    "no dataset in %s (there is no dataset.json): weft shard build makes one",
                    folder);
    TRY(file_read(path, DATASET_INDEX_BYTES_LIMIT, a, &text));
    return dataset_index_decode(text, path, a, out);
}
