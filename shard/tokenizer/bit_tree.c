#include "shard/tokenizer/bit_tree.h"

#include <string.h>

#include "base/grow.h"
#include "base/size.h"

unsigned bit_tree_levels(size_t limit)
{
    unsigned n_levels = 1;
    for (size_t n = size_ceil_div(limit, BIT_TREE_WORD); n > 1; n = size_ceil_div(n, BIT_TREE_WORD))
        n_levels++;
    return n_levels;
}

enum err bit_tree_resize(struct bit_tree *t, size_t limit, unsigned n_levels)
{
    ASSERT(n_levels <= BIT_TREE_LEVELS && bit_tree_levels(limit) <= n_levels);
    size_t n_words = 0, first_words[BIT_TREE_LEVELS], n = size_max(limit, 1);
    for (unsigned k = 0; k < n_levels; k++) {
        n = size_ceil_div(n, BIT_TREE_WORD);
        first_words[k] = n_words;
        n_words += n;
    }
    TRY(grow_array(&t->words, &t->capacity, n_words, sizeof *t->words));
    if (n_words > t->n_words) {
        memset(t->words + t->n_words, 0, (n_words - t->n_words) * sizeof *t->words);
        t->n_words = n_words;
    }
    memcpy(t->first_words, first_words, n_levels * sizeof *first_words);
    t->n_levels = n_levels;
    return OK;
}

void bit_tree_close(struct bit_tree *t)
{
    grow_free(t->words);
    *t = (struct bit_tree){0};
}
