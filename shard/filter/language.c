#include "shard/filter/language.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "shard/filter/cld2.h"
#include "shard/filter/fasttext.h"

struct language {
    struct fasttext *model; // NULL = CLD2
};

enum err language_open(const char *model, struct arena *a, struct language **out)
{
    struct language *l = ARENA_NEW(a, struct language);
    if (model) TRY(fasttext_open(model, a, &l->model));
    *out = l;
    return OK;
}

static void set_label(struct language_label *out, const char *code, float score)
{
    const size_t n = size_min(strlen(code), sizeof out->code - 1);
    memset(out->code, 0, sizeof out->code);
    memcpy(out->code, code, n);
    out->score = score;
}

static void best_label(const struct fasttext *f, struct span text, struct arena *a,
                       struct language_label *out)
{
    const uint32_t n = fasttext_n_labels(f);
    float *probabilities = ARENA_ARRAY(a, float, n);
    fasttext_predict(f, text, a, probabilities);
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (probabilities[i] > probabilities[best]) best = i;
    const bool known = probabilities[best] > 0;
    set_label(out, known ? fasttext_label(f, best) : "un", probabilities[best]);
}

/// CLD2 stops at bytes that are not UTF-8; they become spaces, one after another, in a copy.
static struct cld2_answer detect_repaired(struct span text, struct cld2_answer answer,
                                          struct arena *a)
{
    enum { REPAIRS_LIMIT = 64 }; // each reads the text again
    char *copy = arena_strndup(a, (const char *)text.data, text.n_bytes);
    for (int i = 0; i < REPAIRS_LIMIT && answer.n_valid < text.n_bytes; i++) {
        copy[answer.n_valid] = ' ';
        answer = cld2_detect(copy, text.n_bytes);
    }
    return answer;
}

void language_detect(const struct language *l, struct span text, struct arena *a,
                     struct language_label *out)
{
    if (l->model) {
        best_label(l->model, text, a, out);
        return;
    }
    text.n_bytes = size_min(text.n_bytes, INT_MAX);
    struct cld2_answer answer = cld2_detect((const char *)text.data, text.n_bytes);
    if (answer.n_valid < text.n_bytes) answer = detect_repaired(text, answer, a);
    const float share = (float)answer.percent / 100;
    set_label(out, answer.code, answer.reliable ? share : share / 2);
}
