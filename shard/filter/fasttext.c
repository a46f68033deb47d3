#include "shard/filter/fasttext.h"

#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "shard/filter/fasttext_model.h"

static const uint32_t FNV_BASIS = 2166136261U, FNV_PRIME = 16777619U;
static const uint64_t NGRAM_PRIME = 116049371U;
static const char END_OF_LINE[] = "</s>";

struct line {
    const struct fasttext *f;
    struct arena *a;
    float *hidden;
    uint64_t n_rows;
    int32_t *word_hashes; // for n-grams of words
    size_t n_words, capacity;
    uint8_t *padded; // the word between < and >
    size_t padded_capacity;
};

uint32_t fasttext_n_labels(const struct fasttext *f)
{
    return f->n_labels;
}

const char *fasttext_label(const struct fasttext *f, uint32_t label)
{
    ASSERT(label < f->n_labels);
    return f->labels[label];
}

// Models were trained with signed characters.
static uint32_t hash_byte(uint32_t h, uint8_t byte)
{
    return (h ^ (uint32_t)(int32_t)(int8_t)byte) * FNV_PRIME;
}

static uint32_t hash_bytes(struct span s)
{
    uint32_t h = FNV_BASIS;
    for (size_t i = 0; i < s.n_bytes; i++)
        h = hash_byte(h, s.data[i]);
    return h;
}

static void add_row(struct line *l, uint64_t row)
{
    const float *from = l->f->input.data + row * l->f->dim;
    for (uint32_t i = 0; i < l->f->dim; i++)
        l->hidden[i] += from[i];
    l->n_rows++;
}

static void add_bucket(struct line *l, uint64_t bucket)
{
    const struct fasttext *f = l->f;
    if (!f->pruned) {
        add_row(l, f->n_words + bucket);
        return;
    }
    if (f->bucket_known[bucket / 64] >> bucket % 64 & 1)
        add_row(l, f->n_words + f->bucket_row[bucket]);
}

static bool continues(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

static void add_ngrams_at(struct line *l, struct span word, size_t first)
{
    const struct fasttext *f = l->f;
    uint32_t h = FNV_BASIS;
    size_t at = first;
    for (uint32_t n = 1; at < word.n_bytes && n <= f->max_n; n++) {
        h = hash_byte(h, word.data[at++]);
        while (at < word.n_bytes && continues(word.data[at]))
            h = hash_byte(h, word.data[at++]);
        const bool border = n == 1 && (first == 0 || at == word.n_bytes);
        if (n >= f->min_n && !border) add_bucket(l, h % f->bucket);
    }
}

static struct span pad(struct line *l, struct span word)
{
    l->padded = ARENA_GROW(l->a, uint8_t, l->padded, word.n_bytes + 2, &l->padded_capacity);
    l->padded[0] = '<';
    memcpy(l->padded + 1, word.data, word.n_bytes);
    l->padded[word.n_bytes + 1] = '>';
    return (struct span){l->padded, word.n_bytes + 2};
}

static void add_word(struct line *l, struct span word, bool end_of_line)
{
    const struct fasttext *f = l->f;
    const struct span_entry *known = span_table_find(&f->words, word);
    if (known) add_row(l, known->value);
    if (f->word_ngrams > 1) {
        l->word_hashes = ARENA_GROW(l->a, int32_t, l->word_hashes, l->n_words + 1, &l->capacity);
        l->word_hashes[l->n_words++] = (int32_t)hash_bytes(word);
    }
    if (end_of_line || f->max_n == 0 || f->bucket == 0) return;
    const struct span padded = pad(l, word);
    for (size_t i = 0; i < padded.n_bytes; i++)
        if (!continues(padded.data[i])) add_ngrams_at(l, padded, i);
}

static void add_word_ngrams(struct line *l)
{
    const struct fasttext *f = l->f;
    if (f->bucket == 0) return;
    for (size_t i = 0; i < l->n_words; i++) {
        uint64_t h = (uint64_t)(int64_t)l->word_hashes[i];
        for (size_t j = i + 1; j < l->n_words && j < i + f->word_ngrams; j++) {
            h = h * NGRAM_PRIME + (uint64_t)(int64_t)l->word_hashes[j];
            add_bucket(l, h % f->bucket);
        }
    }
}

static bool separates(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0;
}

static void add_text(struct line *l, struct span text)
{
    for (size_t at = 0; at < text.n_bytes;) {
        const size_t first = at;
        while (at < text.n_bytes && !separates(text.data[at]))
            at++;
        if (at > first) add_word(l, (struct span){text.data + first, at - first}, false);
        at += at == first;
    }
    add_word(l, (struct span){(const uint8_t *)END_OF_LINE, sizeof END_OF_LINE - 1}, true);
    if (l->f->word_ngrams > 1) add_word_ngrams(l);
}

static float dot(const float *hidden, const struct fasttext *f, uint64_t row)
{
    const float *weights = f->output.data + row * f->dim;
    float sum = 0;
    for (uint32_t i = 0; i < f->dim; i++)
        sum += weights[i] * hidden[i];
    return sum;
}

static float sigmoid(float x)
{
    return (float)(1 / (1 + dmath_exp(-(double)x)));
}

/// Parents have higher numbers than their children, so one walk down gives every node its share;
/// the 1e-5 is what fastText adds inside its logarithms.
static void descend(const struct fasttext *f, const float *hidden, struct arena *a, float *out)
{
    const uint32_t n = f->n_labels, n_nodes = 2 * n - 1;
    double *shares = ARENA_ARRAY(a, double, n_nodes);
    shares[n_nodes - 1] = 1;
    for (uint32_t i = n_nodes; i-- > n;) {
        const double right = (double)sigmoid(dot(hidden, f, i - n));
        shares[f->tree[i].left] = shares[i] * (1 - right + 1e-5);
        shares[f->tree[i].right] = shares[i] * (right + 1e-5);
    }
    for (uint32_t i = 0; i < n; i++)
        out[i] = (float)shares[i];
}

static void softmax(const struct fasttext *f, const float *hidden, float *out)
{
    float most = -INFINITY;
    for (uint32_t i = 0; i < f->n_labels; i++) {
        out[i] = dot(hidden, f, i);
        most = out[i] > most ? out[i] : most;
    }
    double sum = 0;
    for (uint32_t i = 0; i < f->n_labels; i++) {
        out[i] = (float)dmath_exp((double)(out[i] - most));
        sum += (double)out[i];
    }
    for (uint32_t i = 0; i < f->n_labels; i++)
        out[i] = (float)((double)out[i] / sum);
}

void fasttext_predict(const struct fasttext *f, struct span text, struct arena *a,
                      float *probabilities)
{
    memset(probabilities, 0, f->n_labels * sizeof *probabilities);
    struct line l = {.f = f, .a = a, .hidden = ARENA_ARRAY(a, float, f->dim)};
    add_text(&l, text);
    if (l.n_rows == 0) return;
    const float scale = (float)(1.0 / (double)l.n_rows);
    for (uint32_t i = 0; i < f->dim; i++)
        l.hidden[i] *= scale;
    if (f->loss == FASTTEXT_HS) {
        descend(f, l.hidden, a, probabilities);
    } else if (f->loss == FASTTEXT_SOFTMAX) {
        softmax(f, l.hidden, probabilities);
    } else {
        for (uint32_t i = 0; i < f->n_labels; i++)
            probabilities[i] = sigmoid(dot(l.hidden, f, i));
    }
}
