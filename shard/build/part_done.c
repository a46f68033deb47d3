#include "shard/build/part_done.h"

#include <string.h>

#include "base/file.h"
#include "base/json_text.h"

enum { DONE_BYTES_LIMIT = 1 << 20 };

void part_counts_add(struct part_counts *to, const struct part_counts *other)
{
#define X(name) to->name += other->name;
    PART_COUNT_TABLE(X)
#undef X
}

enum err part_done_write(const struct part_done *done, const char *path)
{
    char hex[33];
    hash_hex(done->fingerprint, hex);
    json_t *root =
        json_pack("{s:s s:o}", "fingerprint", hex, "funnel", funnel_to_json(&done->funnel));
#define X(name) json_object_set_new(root, #name, json_integer((json_int_t)done->counts.name));
    PART_COUNT_TABLE(X)
#undef X
    struct arena scratch;
    arena_init(&scratch, "done part");
    char *text;
    enum err e = json_text(root, &scratch, &text);
    json_decref(root);
    if (e == OK) e = file_replace(path, text, strlen(text));
    arena_fini(&scratch);
    return e;
}

static bool get_hash(const json_t *root, struct hash128 *out)
{
    const char *hex = json_string_value(json_object_get(root, "fingerprint"));
    if (!hex || strlen(hex) != 32) return false;
    uint64_t halves[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, hex[i]);
        if (!digit) return false;
        halves[i / 16] = halves[i / 16] << 4 | (uint64_t)(digit - digits);
    }
    *out = (struct hash128){.hi = halves[0], .lo = halves[1]};
    return true;
}

static bool decode(const json_t *root, struct arena *a, struct part_done *out)
{
#define X(name)                                                       \
    if (!json_is_integer(json_object_get(root, #name))) return false; \
    out->counts.name = (uint64_t)json_integer_value(json_object_get(root, #name));
    PART_COUNT_TABLE(X)
#undef X
    return get_hash(root, &out->fingerprint) &&
           funnel_from_json(json_object_get(root, "funnel"), a, &out->funnel);
}

enum err part_done_read(const char *path, struct arena *a, struct part_done *out)
{
    struct span text;
    TRY(file_read(path, DONE_BYTES_LIMIT, a, &text));
    json_t *root = json_loadb((const char *)text.data, text.n_bytes, 0, NULL);
    const bool valid = root && decode(root, a, out);
    json_decref(root);
    return valid ? OK : fail(ERR_DATA, "%s: not the end of a part", path);
}
