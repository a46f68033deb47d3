// The steps of a tokenizer.json before merging. A Sequence is its steps; known are
//   normalizer: NFC NFD NFKC NFKD, Prepend and Replace of " " by U+2581 (Llama 2);
//   pre_tokenizer: Split by an expression that is a rule of ours (pretokenize.h), Digits one by
//   one, ByteLevel (GPT-2's rule or none), Metaspace.
// model.byte_fallback says that merging begins with characters, not bytes.
#include <string.h>

#include "shard/tokenizer/tokenizer_json.h"

enum { STEPS_LIMIT = 8 };
#define METASPACE "\xE2\x96\x81"

struct reading {
    const char *name;
    struct tokenizer_pipeline pipeline;
    bool byte_level;   // a ByteLevel pre-tokenizer was there
    bool spaces_given; // spaces become U+2581
};

static const char *type_of(const json_t *step)
{
    const char *type = json_string_value(json_object_get(step, "type"));
    return type == NULL ? "" : type;
}

static bool flag_of(const json_t *step, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(step, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static enum err add_rule(struct reading *r, enum pretokenize_rule rule)
{
    if (r->pipeline.n_rules == TOKENIZER_RULES_LIMIT)
        return fail(ERR_DATA, "%s: more than %d pre-tokenizers that cut text", r->name,
                    TOKENIZER_RULES_LIMIT);
    r->pipeline.rules[r->pipeline.n_rules++] = rule;
    return OK;
}

static bool is_space_to_mark(const json_t *step)
{
    return tokenizer_json_is(json_object_get(json_object_get(step, "pattern"), "String"), " ") &&
           tokenizer_json_is(json_object_get(step, "content"), METASPACE);
}

static enum err read_normalizer(struct reading *r, const json_t *step)
{
    const char *type = type_of(step);
    for (unsigned form = NORMALIZE_NFC; form < NORMALIZE_N_FORMS; form++) {
        if (strcmp(type, normalize_name((enum normalize_form)form)) != 0) continue;
        if (r->pipeline.form != NORMALIZE_NONE || r->spaces_given)
            return fail(ERR_DATA, "%s: normalizer %s after another is not supported", r->name,
                        type);
        r->pipeline.form = (enum normalize_form)form;
        return OK;
    }
    if (strcmp(type, "Prepend") == 0 && !r->spaces_given &&
        tokenizer_json_is(json_object_get(step, "prepend"), METASPACE)) {
        r->pipeline.prefix = NORMALIZE_PREFIX;
        return OK;
    }
    if (strcmp(type, "Replace") == 0 && is_space_to_mark(step)) {
        r->spaces_given = true;
        return OK;
    }
    return fail(ERR_DATA,
                "%s: normalizer %s is not supported; NFC, NFD, NFKC, NFKD, and Prepend and Replace "
                "as in Llama 2 are",
                r->name, type);
}

static enum err read_split(struct reading *r, const json_t *step)
{
    const char *regex =
        json_string_value(json_object_get(json_object_get(step, "pattern"), "Regex"));
    enum pretokenize_rule rule =
        regex == NULL ? PRETOKENIZE_N_RULES : pretokenize_rule_of_regex(regex);
    bool isolated = tokenizer_json_is(json_object_get(step, "behavior"), "Isolated") &&
                    !flag_of(step, "invert", false);
    // Removing what does not match, where all matches, is the same (an older way to write it).
    bool removed = tokenizer_json_is(json_object_get(step, "behavior"), "Removed") &&
                   flag_of(step, "invert", false) && rule < PRETOKENIZE_DIGITS;
    if (rule == PRETOKENIZE_N_RULES)
        return fail(ERR_DATA, "%s: pre_tokenizer Split by '%.200s' is not supported", r->name,
                    regex == NULL ? "a string" : regex);
    if (!isolated && !removed)
        return fail(ERR_DATA, "%s: pre_tokenizer Split that is not Isolated is not supported",
                    r->name);
    return add_rule(r, rule);
}

static enum err read_byte_level(struct reading *r, const json_t *step)
{
    r->byte_level = true;
    if (flag_of(step, "add_prefix_space", true)) {
        if (r->pipeline.n_rules > 0)
            return fail(ERR_DATA,
                        "%s: ByteLevel with add_prefix_space after a Split is not supported",
                        r->name);
        r->pipeline.prefix = NORMALIZE_PREFIX_MISSING;
    }
    return flag_of(step, "use_regex", true) ? add_rule(r, PRETOKENIZE_GPT2) : OK;
}

static enum err read_metaspace(struct reading *r, const json_t *step)
{
    const json_t *scheme = json_object_get(step, "prepend_scheme");
    bool add = scheme == NULL ? flag_of(step, "add_prefix_space", true)
                              : !tokenizer_json_is(scheme, "never");
    if (r->pipeline.n_rules > 0 || r->spaces_given ||
        !tokenizer_json_is(json_object_get(step, "replacement"), METASPACE))
        return fail(ERR_DATA,
                    "%s: Metaspace after another step, or with another character than "
                    "U+2581, is not supported",
                    r->name);
    r->spaces_given = true;
    if (add) r->pipeline.prefix = NORMALIZE_PREFIX_MISSING;
    return flag_of(step, "split", true) ? add_rule(r, PRETOKENIZE_METASPACE) : OK;
}

static enum err read_pre_tokenizer(struct reading *r, const json_t *step)
{
    const char *type = type_of(step);
    if (r->byte_level)
        return fail(ERR_DATA, "%s: pre_tokenizer %s after ByteLevel is not supported", r->name,
                    type);
    if (strcmp(type, "Split") == 0) return read_split(r, step);
    if (strcmp(type, "ByteLevel") == 0) return read_byte_level(r, step);
    if (strcmp(type, "Metaspace") == 0) return read_metaspace(r, step);
    if (strcmp(type, "Digits") == 0 && flag_of(step, "individual_digits", false))
        return add_rule(r, PRETOKENIZE_DIGITS);
    return fail(ERR_DATA,
                "%s: pre_tokenizer %s is not supported; ByteLevel, Split, Digits one by one and "
                "Metaspace are",
                r->name, type);
}

typedef enum err (*read_fn)(struct reading *r, const json_t *step);

// Each step of a Sequence, or the one that it is; none if it is null.
static enum err read_steps(struct reading *r, const json_t *step, const char *list, read_fn read)
{
    if (step == NULL || json_is_null(step)) return OK;
    if (strcmp(type_of(step), "Sequence") != 0) return read(r, step);
    const json_t *steps = json_object_get(step, list);
    if (json_array_size(steps) > STEPS_LIMIT)
        return fail(ERR_DATA, "%s: more than %d %s", r->name, STEPS_LIMIT, list);
    for (size_t i = 0; i < json_array_size(steps); i++)
        TRY(read(r, json_array_get(steps, i)));
    return OK;
}

enum err tokenizer_json_pipeline(const json_t *root, const char *name,
                                 struct tokenizer_pipeline *out)
{
    struct reading r = {.name = name};
    const json_t *model = json_object_get(root, "model");
    TRY(read_steps(&r, json_object_get(root, "normalizer"), "normalizers", read_normalizer));
    TRY(read_steps(&r, json_object_get(root, "pre_tokenizer"), "pretokenizers",
                   read_pre_tokenizer));
    r.pipeline.characters = flag_of(model, "byte_fallback", false);
    if (r.byte_level == r.pipeline.characters || r.spaces_given != r.pipeline.characters)
        return fail(ERR_DATA,
                    "%s: neither byte-level (pre_tokenizer ByteLevel) nor with byte_fallback and "
                    "U+2581 for spaces",
                    name);
    if (!r.pipeline.characters && r.pipeline.prefix == NORMALIZE_PREFIX)
        return fail(ERR_DATA,
                    "%s: normalizer Prepend with pre_tokenizer ByteLevel is not supported", name);
    if (r.pipeline.characters &&
        (r.pipeline.n_rules > 1 ||
         (r.pipeline.n_rules == 1 && r.pipeline.rules[0] != PRETOKENIZE_METASPACE)))
        return fail(ERR_DATA,
                    "%s: byte_fallback with a pre_tokenizer other than Metaspace is not "
                    "supported",
                    name);
    *out = r.pipeline;
    return OK;
}

void tokenizer_json_settle_rules(struct tokenizer_draft *d)
{
    if (!d->pipeline.characters || d->pipeline.n_rules > 0) return;
    for (size_t i = 0; i < d->bpe.n_merges; i++) {
        struct span bytes = d->tokens[d->bpe.merges[i].id].bytes;
        for (size_t k = 1; k < bytes.n_bytes; k++)
            if (bytes.data[k] == ' ' && bytes.data[k - 1] != ' ') return;
    }
    d->pipeline.rules[d->pipeline.n_rules++] = PRETOKENIZE_WORDS;
}

static json_t *normalizer_of(const struct tokenizer_pipeline *p)
{
    json_t *steps = json_array();
    if (p->form != NORMALIZE_NONE)
        json_array_append_new(steps, json_pack("{s:s}", "type", normalize_name(p->form)));
    if (p->characters && p->prefix == NORMALIZE_PREFIX)
        json_array_append_new(steps,
                              json_pack("{s:s, s:s}", "type", "Prepend", "prepend", METASPACE));
    bool metaspace = p->n_rules > 0 && p->rules[0] == PRETOKENIZE_METASPACE;
    if (p->characters && p->prefix != NORMALIZE_PREFIX_MISSING && !metaspace)
        json_array_append_new(steps, json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern",
                                               "String", " ", "content", METASPACE));
    if (json_array_size(steps) > 0)
        return json_pack("{s:s, s:o}", "type", "Sequence", "normalizers", steps);
    json_decref(steps);
    return json_null();
}

static json_t *metaspace_of(const struct tokenizer_pipeline *p)
{
    bool split = p->n_rules > 0 && p->rules[0] == PRETOKENIZE_METASPACE;
    if (p->prefix != NORMALIZE_PREFIX_MISSING && !split) return json_null();
    return json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", METASPACE,
                     "prepend_scheme", p->prefix == NORMALIZE_PREFIX_MISSING ? "first" : "never",
                     "split", (int)split);
}

static json_t *pre_tokenizer_of(const struct tokenizer_pipeline *p)
{
    if (p->characters) return metaspace_of(p);
    bool regex = p->n_rules > 0 && p->rules[p->n_rules - 1] == PRETOKENIZE_GPT2;
    json_t *steps = json_array();
    for (size_t i = 0; i + regex < p->n_rules; i++)
        json_array_append_new(steps, json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split",
                                               "pattern", "Regex", pretokenize_regex(p->rules[i]),
                                               "behavior", "Isolated", "invert", 0));
    json_t *bytes = json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space",
                              (int)(p->prefix != NORMALIZE_NO_PREFIX), "trim_offsets", 1,
                              "use_regex", (int)regex);
    if (json_array_size(steps) == 0) {
        json_decref(steps);
        return bytes;
    }
    json_array_append_new(steps, bytes);
    return json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", steps);
}

void tokenizer_json_pipeline_save(const struct tokenizer_pipeline *p, json_t **normalizer,
                                  json_t **pre_tokenizer)
{
    *normalizer = normalizer_of(p);
    *pre_tokenizer = pre_tokenizer_of(p);
}
