#pragma once
// Any bytes as a document: simplified, split into words, signed and cut into items.

#include "base/arena.h"
#include "shard/dedup/exact.h"
#include "shard/dedup/minhash.h"
#include "shard/dedup/simplify.h"
#include "shard/dedup/word_grams.h"
#include "shard/filter/words.h"

static struct arena devour_run, devour_scratch;
static const struct words *splitter;
static const struct minhash *by_words, *by_characters;

static void open_all(void)
{
    struct minhash_params params = {2, 2, MINHASH_WORDS, 2, MINHASH_SHA1_64, 1};
    arena_init(&devour_run, "fuzz");
    arena_init(&devour_scratch, "document");
    splitter = words_build(filter_characters_build(&devour_run), &devour_run);
    ASSERT(minhash_open(&params, &devour_run, &by_words) == OK);
    params = (struct minhash_params){2, 2, MINHASH_CHARACTERS, 3, MINHASH_XXH64_LOW32, 1};
    ASSERT(minhash_open(&params, &devour_run, &by_characters) == OK);
}

static void check_simple(struct span text)
{
    uint64_t signature[4];
    size_t n_words, n_given = 0;
    const struct span simple = simplify_text(text, &devour_scratch);
    ASSERT(simple.n_bytes == 0 ||
           (simple.data[0] != ' ' && simple.data[simple.n_bytes - 1] != ' '));
    for (size_t i = 0; i < simple.n_bytes; i++) {
        ASSERT(simple.data[i] >= ' ' && !(simple.data[i] >= 'A' && simple.data[i] <= 'Z'));
        n_given += simple.data[i] != ' ';
    }
    const struct span *words = word_grams_split(splitter, simple, &devour_scratch, &n_words);
    for (size_t i = 0; i < n_words; i++)
        n_given -= words[i].n_bytes;
    ASSERT(n_given == 0);
    const bool has = minhash_sign(by_words, simple, words, n_words, &devour_scratch, signature);
    ASSERT(has == (n_words >= 2));
    (void)minhash_sign(by_characters, simple, NULL, 0, &devour_scratch, signature);
}

static void check_items(struct exact_rule rule, struct span text)
{
    size_t n;
    const struct exact_item *items = exact_items(rule, text, &devour_scratch, &n);
    bool *dropped = ARENA_ARRAY(&devour_scratch, bool, n);
    for (size_t i = 0; i < n; i++) {
        ASSERT(items[i].bytes.first <= items[i].bytes.last && items[i].bytes.last <= text.n_bytes);
        ASSERT(i == 0 || items[i].bytes.first > items[i - 1].bytes.first);
        ASSERT(i == 0 || rule.unit == EXACT_SPAN || items[i].bytes.first > items[i - 1].bytes.last);
        dropped[i] = items[i].key & 1;
    }
    ASSERT(exact_remove(text, items, n, dropped, &devour_scratch).n_bytes <= text.n_bytes);
}

static void devour_document(const uint8_t *data, size_t n_bytes)
{
    if (splitter == NULL) open_all();
    arena_reset(&devour_scratch);
    const struct span text = {n_bytes > 0 ? data : NULL, n_bytes};
    check_simple(text);
    for (int unit = EXACT_DOCUMENT; unit <= EXACT_SPAN; unit++)
        for (int form = EXACT_AS_IS; form <= EXACT_SIMPLE; form++)
            check_items((struct exact_rule){(enum exact_unit)unit, (enum exact_form)form}, text);
}
