#include "trainer/checkpoint/manifest.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_text.h"

enum { TAIL_BYTES = 16 }; // "crc32c XXXXXXXX\n"

// --- writing ---

// 64-bit values and floats are strings: JSON numbers of other programs lose bits.
static json_t *hex(uint64_t value)
{
    return json_sprintf("%016lx", value);
}

static json_t *tensors_json(const struct checkpoint_model *m)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < m->n_tensors; i++) {
        const struct checkpoint_tensor *t = &m->tensors[i];
        json_t *dims = json_array();
        for (int d = 0; d < t->n_dims; d++)
            json_array_append_new(dims, json_integer((json_int_t)t->dims[d]));
        json_array_append_new(list, json_pack("{s:s s:o s:b}", "name", t->name, "dims", dims,
                                              "moments", t->has_moments));
    }
    return list;
}

static json_t *parts_json(const struct manifest *m)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < m->n_parts; i++)
        json_array_append_new(list, json_pack("{s:s s:o s:I}", "name", m->parts[i].name, "id",
                                              hex(m->parts[i].id), "bytes",
                                              (json_int_t)m->parts[i].n_bytes));
    return list;
}

static json_t *manifest_json(const struct manifest *m)
{
    const struct checkpoint_state *s = &m->state;
    return json_pack(
        "{s:s s:i s:I s:o s:o s:o s:o s:o s:o s:s s:o s:o}", "format", "weft checkpoint", "version",
        1, "step", (json_int_t)s->step, "stream_hash_lo", hex(s->stream_hash.lo), "stream_hash_hi",
        hex(s->stream_hash.hi), "seed", hex(s->seed), "state_hash", hex(s->state_hash), "loss",
        json_sprintf("%a", s->loss), "validation_loss", json_sprintf("%a", s->validation_loss),
        "run_file", s->run_file == NULL ? "" : s->run_file, "tensors", tensors_json(&m->model),
        "parts", parts_json(m));
}

// Under a name of its own first: what fails before the rename has not committed, what fails after
// it has.
static enum err replace(const char *folder, const char *text, struct arena *a, bool *committed)
{
    char *path = arena_printf(a, "%s/manifest", folder);
    char *fresh = arena_printf(a, "%s.new", path);
    enum err err = file_replace(fresh, text, strlen(text));
    if (err == OK) err = file_rename(fresh, path);
    *committed = err == OK;
    if (err == OK) return file_fsync_folder(folder);
    unlink(fresh);
    return err;
}

enum err manifest_write(const char *folder, const struct manifest *m, bool *committed)
{
    *committed = false;
    struct arena a;
    arena_init(&a, "manifest");
    json_t *json = manifest_json(m);
    char *body = NULL;
    enum err err = json_text(json, &a, &body);
    json_decref(json);
    if (err == OK) {
        uint32_t sum = hash_crc32c(0, body, strlen(body));
        err = replace(folder, arena_printf(&a, "%scrc32c %08x\n", body, sum), &a, committed);
    } else {
        err = fail(ERR_DATA, "%s: the run file is not UTF-8 text", folder);
    }
    arena_fini(&a);
    return err;
}

// --- reading ---

struct reader {
    const char *path;
    struct arena *arena;
    const char *missing; // first key that is absent or of another type
};

static uint64_t take_hex(struct reader *r, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) {
        r->missing = key;
        return 0;
    }
    return strtoull(text, NULL, 16);
}

static uint64_t take_count(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        r->missing = key;
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

static const char *take_text(struct reader *r, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL) r->missing = key;
    return arena_strdup(r->arena, text);
}

static double take_float(struct reader *r, const json_t *object, const char *key)
{
    const char *text = take_text(r, object, key);
    char *end;
    double value = strtod(text, &end);
    if (*text == '\0' || *end != '\0') r->missing = key;
    return value;
}

static const json_t *take_list(struct reader *r, const json_t *object, const char *key)
{
    const json_t *list = json_object_get(object, key);
    if (!json_is_array(list)) r->missing = key;
    return list;
}

static struct checkpoint_tensor take_tensor(struct reader *r, const json_t *object)
{
    struct checkpoint_tensor t = {.name = take_text(r, object, "name"), .n_elems = 1};
    const json_t *dims = take_list(r, object, "dims");
    size_t n = json_array_size(dims);
    if (n < 1 || n > CHECKPOINT_DIMS) {
        r->missing = "dims";
        return t;
    }
    t.n_dims = (int)n;
    const json_t *moments = json_object_get(object, "moments");
    t.has_moments = json_is_true(moments);
    if (!json_is_boolean(moments)) r->missing = "moments";
    for (size_t d = 0; d < n; d++) {
        json_int_t dim = json_integer_value(json_array_get(dims, d));
        t.dims[d] = (uint64_t)dim;
        if (dim <= 0 || __builtin_mul_overflow(t.n_elems, (uint64_t)dim, &t.n_elems))
            r->missing = "dims";
    }
    return t;
}

static void take_tensors(struct reader *r, const json_t *root, struct checkpoint_model *out)
{
    const json_t *list = take_list(r, root, "tensors");
    out->n_tensors = json_array_size(list);
    struct checkpoint_tensor *tensors =
        ARENA_ARRAY(r->arena, struct checkpoint_tensor, out->n_tensors);
    for (size_t i = 0; i < out->n_tensors; i++)
        tensors[i] = take_tensor(r, json_array_get(list, i));
    out->tensors = tensors;
}

static void take_parts(struct reader *r, const json_t *root, struct manifest *out)
{
    const json_t *list = take_list(r, root, "parts");
    out->n_parts = json_array_size(list);
    struct manifest_part *parts = ARENA_ARRAY(r->arena, struct manifest_part, out->n_parts);
    for (size_t i = 0; i < out->n_parts; i++) {
        const json_t *object = json_array_get(list, i);
        parts[i] = (struct manifest_part){take_text(r, object, "name"), take_hex(r, object, "id"),
                                          take_count(r, object, "bytes")};
        if (parts[i].name[0] == '\0' || strchr(parts[i].name, '/') != NULL ||
            parts[i].name[0] == '.')
            r->missing = "name";
    }
    out->parts = parts;
}

static void take_state(struct reader *r, const json_t *root, struct checkpoint_state *out)
{
    *out = (struct checkpoint_state){
        .step = take_count(r, root, "step"),
        .stream_hash = {take_hex(r, root, "stream_hash_lo"), take_hex(r, root, "stream_hash_hi")},
        .seed = take_hex(r, root, "seed"),
        .state_hash = take_hex(r, root, "state_hash"),
        .loss = take_float(r, root, "loss"),
        .validation_loss = take_float(r, root, "validation_loss"),
        .run_file = take_text(r, root, "run_file"),
    };
}

// The body's length, once its checksum line is found right.
static enum err check_sum(const char *path, struct span text, size_t *body_bytes)
{
    if (text.n_bytes < TAIL_BYTES) return fail(ERR_CORRUPT, "%s: too short for a manifest", path);
    *body_bytes = text.n_bytes - TAIL_BYTES;
    char expected[TAIL_BYTES + 1];
    snprintf(expected, sizeof expected, "crc32c %08x\n", hash_crc32c(0, text.data, *body_bytes));
    if (memcmp(text.data + *body_bytes, expected, TAIL_BYTES) != 0)
        return fail(ERR_CORRUPT, "%s: checksum of the manifest differs", path);
    return OK;
}

static enum err decode(struct reader *r, const json_t *root, struct manifest *out)
{
    const char *format = take_text(r, root, "format");
    if (strcmp(format, "weft checkpoint") != 0 || take_count(r, root, "version") != 1)
        return fail(ERR_DATA, "%s: not a weft checkpoint of version 1", r->path);
    take_state(r, root, &out->state);
    take_tensors(r, root, &out->model);
    take_parts(r, root, out);
    return r->missing == NULL ? OK
                              : fail(ERR_DATA, "%s: '%s' is missing or wrong", r->path, r->missing);
}

enum err manifest_decode(struct span text, const char *path, struct arena *a, struct manifest *out)
{
    struct reader r = {.path = path, .arena = a};
    size_t body_bytes;
    TRY(check_sum(path, text, &body_bytes));
    json_t *root = json_loadb((const char *)text.data, body_bytes, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL) return fail(ERR_DATA, "%s: not JSON", path);
    struct manifest m = {0};
    enum err err = decode(&r, root, &m);
    json_decref(root);
    if (err == OK) *out = m;
    return err;
}

enum err manifest_read(const char *folder, struct arena *a, struct manifest *out)
{
    char *path = arena_printf(a, "%s/manifest", folder);
    struct span text;
    TRY(file_read(path, MANIFEST_LIMIT_BYTES, a, &text));
    return manifest_decode(text, path, a, out);
}
