#include "shard/tokenizer/word_counter.h"

#include "base/hash.h"

enum { PART_SHIFT = 60 }; // 16 parts, by the top bits of the hash; tables use the low ones

static enum err part_open(struct word_counter_part *part)
{
    arena_init(&part->a, "words");
    return span_table_open(&part->words, &part->a);
}

static void part_close(struct word_counter_part *part)
{
    span_table_close(&part->words);
    arena_fini(&part->a);
}

enum err word_counter_open(struct word_counter *c)
{
    *c = (struct word_counter){0};
    arena_init(&c->a, "word counter");
    c->recent = arena_array(&c->a, PIECE_CACHE_SLOTS, sizeof *c->recent, 64);
    for (size_t i = 0; i < WORD_COUNTER_PARTS; i++)
        TRY(part_open(&c->parts[i]));
    return OK;
}

void word_counter_close(struct word_counter *c)
{
    for (size_t i = 0; i < WORD_COUNTER_PARTS && c->parts[i].a.name != NULL; i++)
        part_close(&c->parts[i]);
    if (c->recent != NULL) arena_fini(&c->a);
    *c = (struct word_counter){0};
}

// The row of word; *part is where it is.
static enum err row_of(struct word_counter *c, struct span word, size_t *part,
                       struct span_entry **row)
{
    uint64_t hash = hash_xxh3(word.data, word.n_bytes, 0);
    *part = hash >> PART_SHIFT;
    return span_table_insert_hash(&c->parts[*part].words, word, hash, row);
}

static enum err count_recent(struct word_counter *c, struct span word, size_t readable_bytes)
{
    const struct piece_key key = piece_key_of(word, readable_bytes);
    const struct piece_cache cache = {c->recent};
    struct piece_entry *entry = piece_cache_at(&cache, &key);
    if (piece_entry_holds(entry, &key, word.n_bytes)) {
        c->parts[entry->ids[0]].words.entries[entry->ids[1]].value++;
        return OK;
    }
    size_t part;
    struct span_entry *row;
    TRY(row_of(c, word, &part, &row));
    row->value++;
    entry->key = key;
    entry->n_bytes = (uint8_t)word.n_bytes;
    entry->ids[0] = (uint32_t)part;
    entry->ids[1] = (uint32_t)(row - c->parts[part].words.entries);
    return OK;
}

enum err word_counter_add(struct word_counter *c, const struct pretokenize *p,
                          enum pretokenize_rule rule, struct span text)
{
    c->n_bytes += text.n_bytes;
    while (text.n_bytes > 0) {
        const struct span word = {text.data, pretokenize_next(p, rule, text)};
        if (word.n_bytes <= PIECE_CACHE_KEY_BYTES) {
            TRY(count_recent(c, word, text.n_bytes));
        } else {
            size_t part;
            struct span_entry *row;
            TRY(row_of(c, word, &part, &row));
            row->value++;
        }
        text = (struct span){text.data + word.n_bytes, text.n_bytes - word.n_bytes};
    }
    return OK;
}

enum err word_counter_merge(struct word_counter *into, const struct word_counter *from, size_t part)
{
    const struct span_table *words = &from->parts[part].words;
    for (size_t i = 0; i < words->n_entries; i++) {
        const struct span_entry *entry = &words->entries[i];
        struct span_entry *row;
        TRY(span_table_insert_hash(&into->parts[part].words, entry->bytes, entry->hash, &row));
        row->value += entry->value;
    }
    return OK;
}

enum err word_counter_empty(struct word_counter *c)
{
    memset(c->recent, 0, PIECE_CACHE_SLOTS * sizeof *c->recent);
    for (size_t i = 0; i < WORD_COUNTER_PARTS; i++) {
        part_close(&c->parts[i]);
        TRY(part_open(&c->parts[i]));
    }
    return OK;
}

size_t word_counter_n_words(const struct word_counter *c)
{
    size_t n = 0;
    for (size_t i = 0; i < WORD_COUNTER_PARTS; i++)
        n += c->parts[i].words.n_entries;
    return n;
}
