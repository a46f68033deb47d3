// A piece is the simplified words of one string, one space apart; an n-gram is n words of it. The
// table finds a piece and an offset by the hash of an n-gram, and the bytes are compared, so there
// are no false hits. Memory: the pieces, and 24 to 48 bytes for each n-gram (24 more while
// reading).

#include "shard/dedup/decontaminate.h"

#include <string.h>

#include "base/grow.h"
#include "base/hash.h"
#include "base/size.h"
#include "shard/dedup/decontaminate_text.h"
#include "shard/dedup/record_sort.h"
#include "shard/dedup/simplify.h"
#include "shard/dedup/word_grams.h"

static const size_t MEMORY_BYTES = (size_t)4 << 30;
enum { GRAM_WORDS = 3 };

struct piece {
    uint32_t item;
    struct span text;
};

struct slot {
    uint64_t hash;
    uint32_t piece, offset; // piece + 1; 0 = free
};

struct decontaminate_index {
    char **paths;
    struct decontaminate_item *items;
    struct piece *pieces;
    struct slot *slots;
    size_t slot_mask;
    struct decontaminate_size size;
};

// While files are read.
struct indexing {
    const struct decontaminate_options *options;
    struct arena *arena, scratch;
    struct decontaminate_index *index;
    size_t items_capacity, pieces_capacity, n_pieces;
    uint64_t *grams; // {hash, piece, offset}
    size_t n_grams, grams_capacity;
    size_t limit_bytes, n_bytes;
    bool item_found; // the item given last has an n-gram
};

static size_t gram_words(const struct decontaminate_options *o)
{
    return o->n_gram_words > 0 ? o->n_gram_words : DECONTAMINATE_WORDS;
}

// What the index takes with what was read so far, the table included.
static enum err check_memory(const struct indexing *x)
{
    const size_t need = x->n_bytes + x->n_grams * (GRAM_WORDS * 8 + 3 * sizeof(struct slot));
    if (need <= x->limit_bytes && x->n_pieces < UINT32_MAX) return OK;
    return fail(ERR_USAGE,
                "the index of evaluation files takes more than %zu bytes: too many files",
                x->limit_bytes);
}

static enum err add_item(void *context, struct decontaminate_item item)
{
    struct indexing *x = context;
    struct decontaminate_index *index = x->index;
    if (index->size.n_items > 0) index->size.n_items_too_short += !x->item_found;
    x->item_found = false;
    index->items = ARENA_GROW(x->arena, struct decontaminate_item, index->items,
                              index->size.n_items + 1, &x->items_capacity);
    index->items[index->size.n_items++] = item;
    x->n_bytes += sizeof item;
    return check_memory(x);
}

static enum err add_grams(struct indexing *x, const struct span *words, size_t n_words,
                          uint32_t piece)
{
    const size_t n = gram_words(x->options);
    for (size_t i = 0; i + n <= n_words; i++) {
        const struct span gram = word_grams_at(words, i, n);
        TRY(grow_array(&x->grams, &x->grams_capacity, (x->n_grams + 1) * GRAM_WORDS,
                       sizeof *x->grams));
        uint64_t *record = x->grams + x->n_grams++ * GRAM_WORDS;
        record[0] = hash_xxh3(gram.data, gram.n_bytes, 0);
        record[1] = piece;
        record[2] = (uint64_t)(gram.data - words[0].data);
    }
    return check_memory(x);
}

// Keeps a copy of the words as a piece of the item given last.
static enum err add_piece(struct indexing *x, const struct span *words, size_t n_words)
{
    if (n_words < gram_words(x->options)) return OK;
    words = word_grams_join(words, n_words, &x->scratch);
    const struct span text = word_grams_at(words, 0, n_words);
    if (text.n_bytes > UINT32_MAX) return fail(ERR_USAGE, "an evaluation text above 4 GiB");
    struct decontaminate_index *index = x->index;
    const char *copy = arena_strndup(x->arena, (const char *)text.data, text.n_bytes);
    index->pieces =
        ARENA_GROW(x->arena, struct piece, index->pieces, x->n_pieces + 1, &x->pieces_capacity);
    index->pieces[x->n_pieces] =
        (struct piece){(uint32_t)(index->size.n_items - 1), {(const uint8_t *)copy, text.n_bytes}};
    x->item_found = true;
    x->n_bytes += sizeof(struct piece) + text.n_bytes;
    return add_grams(x, words, n_words, (uint32_t)x->n_pieces++);
}

static const struct span *words_of(struct indexing *x, struct span text, size_t *n_words)
{
    return word_grams_split(x->options->splitter, simplify_text(text, &x->scratch), &x->scratch,
                            n_words);
}

static enum err add_string(void *context, struct span text)
{
    struct indexing *x = context;
    size_t n_words;
    arena_reset(&x->scratch);
    const struct span *words = words_of(x, text, &n_words);
    return add_piece(x, words, n_words);
}

// The last n - 1 words of the question and the first n - 1 of the answer.
static enum err add_answer(void *context, struct span question, struct span answer)
{
    struct indexing *x = context;
    const size_t most = gram_words(x->options) - 1;
    size_t n_before, n_after;
    arena_reset(&x->scratch);
    const struct span *before = words_of(x, question, &n_before);
    const struct span *after = words_of(x, answer, &n_after);
    const size_t n_tail = size_min(n_before, most), n_head = size_min(n_after, most);
    struct span *both = ARENA_ARRAY(&x->scratch, struct span, n_tail + n_head);
    for (size_t i = 0; i < n_tail; i++)
        both[i] = before[n_before - n_tail + i];
    for (size_t i = 0; i < n_head; i++)
        both[n_tail + i] = after[i];
    return add_piece(x, both, n_tail + n_head);
}

static struct span gram_at(const struct decontaminate_index *index, uint32_t piece, uint32_t offset)
{
    const struct span text = index->pieces[piece].text;
    size_t end = offset;
    for (size_t i = 0; i < index->size.n_gram_words; i++) {
        const uint8_t *space = memchr(text.data + end, ' ', text.n_bytes - end);
        end = space != NULL ? (size_t)(space - text.data) + 1 : text.n_bytes + 1;
    }
    return (struct span){text.data + offset, end - 1 - offset};
}

static bool are_equal(struct span a, struct span b)
{
    return a.n_bytes == b.n_bytes && memcmp(a.data, b.data, a.n_bytes) == 0;
}

// The slot of gram, or the free one where it belongs.
static struct slot *find(const struct decontaminate_index *index, uint64_t hash, struct span gram)
{
    for (size_t at = hash & index->slot_mask;; at = (at + 1) & index->slot_mask) {
        struct slot *s = &index->slots[at];
        if (s->piece == 0) return s;
        if (s->hash == hash && are_equal(gram_at(index, s->piece - 1, s->offset), gram)) return s;
    }
}

// In order of piece and offset: of equal n-grams the first item's stays.
static void build_table(struct indexing *x)
{
    struct decontaminate_index *index = x->index;
    size_t n_slots = 16;
    while (n_slots < x->n_grams + x->n_grams / 2)
        n_slots *= 2;
    index->slots = ARENA_ARRAY(x->arena, struct slot, n_slots);
    index->slot_mask = n_slots - 1;
    for (size_t i = 0; i < x->n_grams; i++) {
        const uint64_t *g = x->grams + i * GRAM_WORDS;
        const struct span gram = gram_at(index, (uint32_t)g[1], (uint32_t)g[2]);
        struct slot *s = find(index, g[0], gram);
        if (s->piece != 0) continue;
        *s = (struct slot){g[0], (uint32_t)g[1] + 1, (uint32_t)g[2]};
        index->size.n_grams++;
    }
    index->size.n_bytes = x->n_bytes + n_slots * sizeof(struct slot);
}

static enum err read_all(struct indexing *x)
{
    const struct decontaminate_visitor v = {x, add_item, add_string, add_answer};
    for (size_t i = 0; i < x->options->n_paths; i++)
        TRY(decontaminate_read(x->options->paths[i], (uint32_t)i, &v));
    x->index->size.n_items_too_short += x->index->size.n_items > 0 && !x->item_found;
    if (x->n_grams == 0)
        return fail(ERR_DATA, "evaluation files: no text of %zu words in %zu items of %zu files",
                    gram_words(x->options), x->index->size.n_items, x->options->n_paths);
    build_table(x);
    return OK;
}

enum err decontaminate_open(const struct decontaminate_options *o, struct arena *a,
                            const struct decontaminate_index **out)
{
    struct indexing x = {
        .options = o, .arena = a, .index = ARENA_NEW(a, struct decontaminate_index)};
    x.index->paths = ARENA_ARRAY(a, char *, o->n_paths);
    for (size_t i = 0; i < o->n_paths; i++)
        x.index->paths[i] = arena_strdup(a, o->paths[i]);
    x.index->size.n_gram_words = gram_words(o);
    x.limit_bytes = o->memory_bytes > 0 ? o->memory_bytes : MEMORY_BYTES;
    arena_init(&x.scratch, "evaluation text");
    const enum err e = read_all(&x);
    if (e == OK) *out = x.index;
    grow_free(x.grams);
    arena_fini(&x.scratch);
    return e;
}

struct decontaminate_size decontaminate_size(const struct decontaminate_index *index)
{
    return index->size;
}

const char *decontaminate_item(const struct decontaminate_index *index, uint32_t item,
                               struct arena *a)
{
    const struct decontaminate_item *i = &index->items[item];
    return arena_printf(a, "%s:%u", index->paths[i->path], i->line);
}

struct span decontaminate_gram(const struct decontaminate_index *index,
                               const struct decontaminate_hit *hit)
{
    return gram_at(index, hit->piece, hit->offset);
}

bool decontaminate_judge(const struct decontaminate_index *index, const struct span *words,
                         size_t n_words, struct arena *scratch, struct decontaminate_hit *out)
{
    const size_t n = index->size.n_gram_words;
    if (n_words < n) return false;
    words = word_grams_join(words, n_words, scratch);
    for (size_t i = 0; i + n <= n_words; i++) {
        const struct span gram = word_grams_at(words, i, n);
        const struct slot *s = find(index, hash_xxh3(gram.data, gram.n_bytes, 0), gram);
        if (s->piece == 0) continue;
        *out = (struct decontaminate_hit){index->pieces[s->piece - 1].item, s->piece - 1, s->offset,
                                          (uint32_t)i};
        return true;
    }
    return false;
}
