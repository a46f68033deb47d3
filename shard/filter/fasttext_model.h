#pragma once
// What a loaded fastText model consists of. Internal to fasttext*.c.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/tokenizer/span_table.h"

enum fasttext_loss { FASTTEXT_HS = 1, FASTTEXT_NS, FASTTEXT_SOFTMAX, FASTTEXT_OVA };

struct fasttext_matrix { // f32 [n_rows, n_columns] row-major, quantised ones expanded
    float *data;
    uint64_t n_rows, n_columns;
};

struct fasttext_node { // of the Huffman tree; leaves are labels
    uint32_t left, right;
    int64_t count;
};

struct fasttext {
    uint32_t dim, word_ngrams, bucket, min_n, max_n, n_words, n_labels;
    enum fasttext_loss loss;
    struct span_table words; // word -> its row
    const char **labels;
    int64_t *label_counts;
    bool pruned;
    uint32_t *bucket_row;   // [bucket]: row behind the words', when pruned
    uint64_t *bucket_known; // bit set over buckets, when pruned
    struct fasttext_matrix input, output;
    struct fasttext_node *tree; // [2 n_labels - 1] when loss is FASTTEXT_HS
};
