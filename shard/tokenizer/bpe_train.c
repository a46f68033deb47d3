// All different pieces lie one after another as nodes, a byte each, linked to their neighbours
// inside the piece. A row per pair of tokens keeps its count and the places where it was seen; a
// heap gives the row with the highest count. Joining a pair visits its places only and changes the
// rows of the pairs beside them.
//
// I1 A row's count is, exactly, the sum over all places where the pair now stands of how often that
//    piece occurs. (In "aaa" the pair a,a stands at two places, although only one of them can be
//    joined.)
// I2 A row's places contain all places where the pair stands, and perhaps places where it stood.
// I3 Every row with a count has an entry in the heap that is not less than its count.
#include "shard/tokenizer/bpe_train.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "shard/tokenizer/byte_alphabet.h"
#include "shard/tokenizer/pair_table.h"
#include "shard/tokenizer/span_table.h"
#include "shard/tokenizer/tokenizer_model.h"
#include "shard/tokenizer/word_counter.h"

#define LAST UINT32_MAX

enum { SETTLE_WORDS = 1 << 20 };

struct node {
    uint32_t id; // LAST when joined into the node before it
    uint32_t previous, next;
    uint32_t word; // entry of times
};

struct row {
    uint32_t left, right;
    uint64_t count;
    bool done;   // joined, or too long to be
    bool raised; // its count grew since its last entry in the heap
    uint32_t *places;
    size_t n_places, capacity;
};

struct candidate {
    uint64_t count;
    uint32_t row;
};

struct bpe_train {
    struct arena *a;
    const struct pretokenize *pretokenize;
    enum pretokenize_rule rule;
    size_t n_threads;
    struct word_counter *counters; // one a thread
    struct word_counter whole;
    enum err *settle_errors; // one a part
    uint64_t *times;         // how often each different piece occurs
    struct node *nodes;
    size_t n_nodes, nodes_capacity;
    struct row *rows;
    size_t n_rows, rows_capacity;
    struct pair_table row_of;
    struct candidate *heap;
    size_t n_heap, heap_capacity;
    uint32_t *raised; // rows
    size_t n_raised, raised_capacity;
    struct span_table tokens; // bytes -> id; entry index = id
    struct bpe_merge *merges;
    size_t n_merges, merges_capacity;
};

enum err bpe_train_check_vocabulary(uint64_t vocabulary)
{
    if (vocabulary >= BPE_TRAIN_LEAST_VOCABULARY && vocabulary <= TOKENIZER_ID_LIMIT) return OK;
    return fail(ERR_CONFIG,
                "a vocabulary of %" PRIu64 " tokens; from %d (the bytes and " TOKENIZER_END_OF_TEXT
                ") to %d are possible",
                vocabulary, BPE_TRAIN_LEAST_VOCABULARY, TOKENIZER_ID_LIMIT);
}

enum err bpe_train_open(enum pretokenize_rule rule, size_t n_threads, struct arena *a,
                        struct bpe_train **out)
{
    struct bpe_train *t = ARENA_NEW(a, struct bpe_train);
    t->a = a;
    t->pretokenize = pretokenize_build(a);
    t->rule = rule;
    t->n_threads = n_threads;
    t->counters = ARENA_ARRAY(a, struct word_counter, n_threads);
    enum err e = word_counter_open(&t->whole);
    for (size_t i = 0; i < n_threads && e == OK; i++)
        e = word_counter_open(&t->counters[i]);
    if (e == OK) e = span_table_open(&t->tokens, a);
    if (e == OK) e = pair_table_open(&t->row_of, 0);
    if (e != OK) {
        bpe_train_close(t);
        return e;
    }
    *out = t;
    return OK;
}

void bpe_train_close(struct bpe_train *t)
{
    if (t == NULL) return;
    for (size_t i = 0; i < t->n_rows; i++)
        grow_free(t->rows[i].places);
    for (size_t i = 0; i < t->n_threads; i++)
        word_counter_close(&t->counters[i]);
    word_counter_close(&t->whole);
    span_table_close(&t->tokens);
    pair_table_close(&t->row_of);
    grow_free(t->nodes);
    grow_free(t->times);
    grow_free(t->rows);
    grow_free(t->heap);
    grow_free(t->raised);
    grow_free(t->merges);
    *t = (struct bpe_train){0};
}

enum err bpe_train_add(struct bpe_train *t, size_t thread_idx, struct span text)
{
    ASSERT(thread_idx < t->n_threads);
    return word_counter_add(&t->counters[thread_idx], t->pretokenize, t->rule, text);
}

uint64_t bpe_train_bytes(const struct bpe_train *t)
{
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < t->n_threads; i++)
        n_bytes += t->counters[i].n_bytes;
    return n_bytes;
}

// A task of the pool: one part of every thread's words.
static void settle_part(void *context, size_t part, size_t thread_idx)
{
    (void)thread_idx;
    struct bpe_train *t = context;
    enum err e = OK;
    for (size_t i = 0; i < t->n_threads && e == OK; i++)
        e = word_counter_merge(&t->whole, &t->counters[i], part);
    t->settle_errors[part] = e;
}

enum err bpe_train_settle(struct bpe_train *t, struct pool *pool, bool all)
{
    bool much = all;
    for (size_t i = 0; i < t->n_threads; i++)
        much = much || word_counter_n_words(&t->counters[i]) > SETTLE_WORDS;
    if (!much) return OK;
    enum err errors[WORD_COUNTER_PARTS];
    t->settle_errors = errors;
    if (pool != NULL) pool_run(pool, WORD_COUNTER_PARTS, settle_part, t);
    for (size_t part = 0; part < WORD_COUNTER_PARTS && pool == NULL; part++)
        settle_part(t, part, 0);
    t->settle_errors = NULL;
    uint64_t n_bytes = 0;
    for (size_t part = 0; part < WORD_COUNTER_PARTS; part++) {
        if (errors[part] != OK) return fail(errors[part], "no memory to count words");
        n_bytes += t->whole.parts[part].words.n_bytes;
    }
    if (n_bytes > BPE_TRAIN_WORDS_LIMIT_BYTES)
        return fail(ERR_DATA,
                    "the different words of the text take %" PRIu64 " bytes; at most %d: train on "
                    "less of it",
                    n_bytes, BPE_TRAIN_WORDS_LIMIT_BYTES);
    for (size_t i = 0; i < t->n_threads; i++)
        TRY(word_counter_empty(&t->counters[i]));
    return OK;
}

// The pair at place is there `times` more often.
static enum err pair_appears(struct bpe_train *t, uint32_t place)
{
    const struct node *left = &t->nodes[place], *right = &t->nodes[left->next];
    uint64_t *value;
    TRY(pair_table_insert(&t->row_of, left->id, right->id, &value));
    if (*value == PAIR_TABLE_NONE) {
        TRY(grow_array(&t->rows, &t->rows_capacity, t->n_rows + 1, sizeof *t->rows));
        t->rows[t->n_rows] = (struct row){.left = left->id, .right = right->id};
        *value = t->n_rows++;
    }
    struct row *row = &t->rows[*value];
    TRY(grow_array(&row->places, &row->capacity, row->n_places + 1, sizeof *row->places));
    row->places[row->n_places++] = place;
    row->count += t->times[left->word];
    if (row->raised) return OK;
    row->raised = true;
    TRY(grow_array(&t->raised, &t->raised_capacity, t->n_raised + 1, sizeof *t->raised));
    t->raised[t->n_raised++] = (uint32_t)*value;
    return OK;
}

static void pair_vanishes(struct bpe_train *t, uint32_t place)
{
    const struct node *left = &t->nodes[place], *right = &t->nodes[left->next];
    struct row *row = &t->rows[pair_table_find(&t->row_of, left->id, right->id)];
    uint64_t times = t->times[left->word];
    ASSERT(row->count >= times); // I1
    row->count -= times;
}

// a before b: higher count, then lower pair.
static bool before(const struct bpe_train *t, struct candidate a, struct candidate b)
{
    if (a.count != b.count) return a.count > b.count;
    const struct row *x = &t->rows[a.row], *y = &t->rows[b.row];
    return pair_table_key(x->left, x->right) < pair_table_key(y->left, y->right);
}

static enum err heap_push(struct bpe_train *t, struct candidate c)
{
    TRY(grow_array(&t->heap, &t->heap_capacity, t->n_heap + 1, sizeof *t->heap));
    size_t at = t->n_heap++;
    for (; at > 0 && before(t, c, t->heap[(at - 1) / 2]); at = (at - 1) / 2)
        t->heap[at] = t->heap[(at - 1) / 2];
    t->heap[at] = c;
    return OK;
}

// Puts c at the top in place of what was there and lets it sink.
static void heap_replace_top(struct bpe_train *t, struct candidate c)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < t->n_heap; at = child) {
        if (child + 1 < t->n_heap && before(t, t->heap[child + 1], t->heap[child])) child++;
        if (!before(t, t->heap[child], c)) break;
        t->heap[at] = t->heap[child];
    }
    t->heap[at] = c;
}

static void heap_drop_top(struct bpe_train *t)
{
    struct candidate last = t->heap[--t->n_heap];
    if (t->n_heap > 0) heap_replace_top(t, last);
}

// Entries for the rows whose counts grew (I3).
static enum err heap_settle(struct bpe_train *t)
{
    for (size_t i = 0; i < t->n_raised; i++) {
        struct row *row = &t->rows[t->raised[i]];
        row->raised = false;
        TRY(heap_push(t, (struct candidate){row->count, t->raised[i]}));
    }
    t->n_raised = 0;
    return OK;
}

// The row to join next, NULL when none is left. Entries that say too much are put right on the way.
static struct row *best_row(struct bpe_train *t)
{
    while (t->n_heap > 0) {
        struct candidate top = t->heap[0];
        struct row *row = &t->rows[top.row];
        if (row->done || row->count == 0) {
            heap_drop_top(t);
        } else if (row->count != top.count) {
            heap_replace_top(t, (struct candidate){row->count, top.row});
        } else {
            heap_drop_top(t);
            return row;
        }
    }
    return NULL;
}

static void word_build(struct bpe_train *t, uint32_t word, const struct span_entry *entry)
{
    t->times[word] = entry->value;
    const struct span bytes = entry->bytes;
    for (size_t k = 0; k < bytes.n_bytes; k++) {
        uint32_t at = (uint32_t)t->n_nodes++;
        t->nodes[at] = (struct node){.id = byte_alphabet_order(bytes.data[k]),
                                     .previous = k == 0 ? LAST : at - 1,
                                     .next = k + 1 == bytes.n_bytes ? LAST : at + 1,
                                     .word = word};
    }
}

static enum err nodes_build(struct bpe_train *t)
{
    uint64_t n_nodes = 0;
    for (size_t part = 0; part < WORD_COUNTER_PARTS; part++)
        n_nodes += t->whole.parts[part].words.n_bytes;
    size_t capacity = 0;
    TRY(grow_array(&t->nodes, &t->nodes_capacity, n_nodes, sizeof *t->nodes));
    TRY(grow_array(&t->times, &capacity, word_counter_n_words(&t->whole), sizeof *t->times));
    uint32_t word = 0;
    for (size_t part = 0; part < WORD_COUNTER_PARTS; part++) {
        const struct span_table *words = &t->whole.parts[part].words;
        for (size_t i = 0; i < words->n_entries; i++)
            word_build(t, word++, &words->entries[i]);
    }
    word_counter_close(&t->whole);
    for (uint32_t at = 0; at < t->n_nodes; at++)
        if (t->nodes[at].next != LAST) TRY(pair_appears(t, at));
    return heap_settle(t);
}

static enum err tokens_build(struct bpe_train *t)
{
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++)
        bytes[byte_alphabet_order((uint8_t)i)] = (uint8_t)i;
    for (unsigned id = 0; id < 256; id++) {
        struct span_entry *token;
        TRY(span_table_insert(&t->tokens, (struct span){&bytes[id], 1}, &token));
        token->value = id;
    }
    return OK;
}

static int place_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// Joins the pair at place, whose result is id, and keeps the rows of its neighbours right.
static enum err place_join(struct bpe_train *t, uint32_t place, uint32_t id)
{
    struct node *left = &t->nodes[place], *right = &t->nodes[left->next];
    if (left->previous != LAST) pair_vanishes(t, left->previous);
    if (right->next != LAST) pair_vanishes(t, left->next);
    pair_vanishes(t, place);
    left->id = id;
    left->next = right->next;
    right->id = LAST;
    if (left->next != LAST) t->nodes[left->next].previous = place;
    if (left->previous != LAST) TRY(pair_appears(t, left->previous));
    return left->next == LAST ? OK : pair_appears(t, place);
}

static enum err row_join(struct bpe_train *t, struct row row, uint32_t id)
{
    // Left to right, so that of "aaa" the first two are joined. Places come in this order unless a
    // token was made twice.
    for (size_t i = 1; i < row.n_places; i++) {
        if (row.places[i - 1] <= row.places[i]) continue;
        qsort(row.places, row.n_places, sizeof *row.places, place_order);
        break;
    }
    for (size_t i = 0; i < row.n_places; i++) {
        const struct node *left = &t->nodes[row.places[i]];
        if (left->id != row.left || left->next == LAST || t->nodes[left->next].id != row.right)
            continue;
        TRY(place_join(t, row.places[i], id));
    }
    return heap_settle(t);
}

// The id of the two tokens joined, new or (never seen, but not excluded) as made before by another
// merge.
static enum err token_join(struct bpe_train *t, const struct row *row, uint32_t *id)
{
    uint8_t joined[TOKENIZER_TOKEN_LIMIT_BYTES];
    struct span left = t->tokens.entries[row->left].bytes;
    struct span right = t->tokens.entries[row->right].bytes;
    memcpy(joined, left.data, left.n_bytes);
    memcpy(joined + left.n_bytes, right.data, right.n_bytes);
    struct span_entry *token;
    TRY(span_table_insert(&t->tokens, (struct span){joined, left.n_bytes + right.n_bytes}, &token));
    *id = (uint32_t)(token - t->tokens.entries);
    return OK;
}

static enum err merge_next(struct bpe_train *t, struct row *row)
{
    row->done = true;
    size_t n_bytes =
        t->tokens.entries[row->left].bytes.n_bytes + t->tokens.entries[row->right].bytes.n_bytes;
    if (n_bytes > TOKENIZER_TOKEN_LIMIT_BYTES) return OK;
    uint32_t id;
    TRY(token_join(t, row, &id));
    TRY(grow_array(&t->merges, &t->merges_capacity, t->n_merges + 1, sizeof *t->merges));
    t->merges[t->n_merges++] = (struct bpe_merge){row->left, row->right, id};
    struct row taken = *row; // rows may move while it is joined
    row->places = NULL;
    row->n_places = row->capacity = 0;
    enum err e = row_join(t, taken, id);
    grow_free(taken.places);
    return e;
}

static enum err tokenizer_build(struct bpe_train *t, struct arena *a, struct tokenizer **out)
{
    static const char end[] = TOKENIZER_END_OF_TEXT;
    struct tokenizer_draft d;
    size_t n_tokens = t->tokens.n_entries;
    enum err e = tokenizer_draft_begin(&d, "training", n_tokens + 1, a);
    d.pipeline = tokenizer_pipeline_of(t->rule);
    for (size_t id = 0; id < n_tokens && e == OK; id++)
        e = tokenizer_draft_token(&d, id, t->tokens.entries[id].bytes, TOKENIZER_TEXT);
    if (e == OK)
        e = tokenizer_draft_token(&d, n_tokens, (struct span){(const uint8_t *)end, sizeof end - 1},
                                  TOKENIZER_SPECIAL);
    if (e == OK) e = tokenizer_draft_merges_begin(&d);
    for (size_t i = 0; i < t->n_merges && e == OK; i++)
        e = tokenizer_draft_merge(&d, t->tokens.entries[t->merges[i].left].bytes,
                                  t->tokens.entries[t->merges[i].right].bytes);
    if (e == OK) tokenizer_draft_finish(&d, out);
    tokenizer_draft_end(&d);
    return e;
}

enum err bpe_train_run(struct bpe_train *t, uint64_t vocabulary, struct arena *a,
                       struct tokenizer **out)
{
    TRY(bpe_train_check_vocabulary(vocabulary));
    if (bpe_train_bytes(t) == 0) return fail(ERR_DATA, "no text to train a tokenizer on");
    TRY(bpe_train_settle(t, NULL, true));
    TRY(tokens_build(t));
    TRY(nodes_build(t));
    while (t->tokens.n_entries + 1 < vocabulary) {
        struct row *row = best_row(t);
        if (row == NULL) break;
        TRY(merge_next(t, row));
    }
    return tokenizer_build(t, a, out);
}
