// Rows with the same room are a stack: heads[room] is its top, below[row] the next one down. Which
// rooms have a row is a tree of bits, 64 a word, so that the least room that is enough is found by
// looking at one word a level.

#include "datad/best_fit.h"

#include "base/err.h"
#include "base/size.h"

enum { WORD = 64, LEVELS = 4 }; // 64^4 rooms
#define NO_ROW UINT32_MAX

struct rooms {
    uint32_t *heads;        // [T + 1]
    uint32_t *below;        // [rows]
    uint64_t *bits[LEVELS]; // bits[0]: rooms; bits[k + 1]: words of bits[k] that are not 0
    size_t n_words[LEVELS];
};

static void open_rooms(struct rooms *r, size_t n_rows, uint32_t T, struct arena *a)
{
    r->heads = ARENA_ARRAY(a, uint32_t, (size_t)T + 1);
    for (size_t i = 0; i <= T; i++)
        r->heads[i] = NO_ROW;
    r->below = ARENA_ARRAY(a, uint32_t, n_rows);
    size_t n = (size_t)T + 1;
    for (size_t k = 0; k < LEVELS; k++) {
        n = size_ceil_div(n, WORD);
        r->n_words[k] = n;
        r->bits[k] = ARENA_ARRAY(a, uint64_t, n);
    }
    ASSERT(n == 1);
}

static void push(struct rooms *r, uint32_t room, uint32_t row)
{
    r->below[row] = r->heads[room];
    r->heads[room] = row;
    size_t at = room;
    for (size_t k = 0; k < LEVELS; k++, at /= WORD)
        r->bits[k][at / WORD] |= UINT64_C(1) << at % WORD;
}

static uint32_t pop(struct rooms *r, uint32_t room)
{
    const uint32_t row = r->heads[room];
    r->heads[room] = r->below[row];
    size_t at = room;
    for (size_t k = 0; k < LEVELS && (k > 0 || r->heads[room] == NO_ROW); k++, at /= WORD) {
        r->bits[k][at / WORD] &= ~(UINT64_C(1) << at % WORD);
        if (r->bits[k][at / WORD] != 0) break;
    }
    return row;
}

/// The first set bit of level k at or behind at, or SIZE_MAX.
static size_t next_in_word(const struct rooms *r, size_t k, size_t at)
{
    if (at / WORD >= r->n_words[k]) return SIZE_MAX;
    const uint64_t rest = r->bits[k][at / WORD] >> at % WORD;
    return rest == 0 ? SIZE_MAX : at + (size_t)__builtin_ctzll(rest);
}

/// The least room of at least length tokens that a row has, or SIZE_MAX.
static size_t least_room(const struct rooms *r, size_t length)
{
    size_t at = length, k = 0;
    size_t found = next_in_word(r, k, at);
    while (found == SIZE_MAX && k + 1 < LEVELS) { // up, to the next word that has any
        at = at / WORD + 1;
        found = next_in_word(r, ++k, at);
    }
    for (; found != SIZE_MAX && k > 0; k--) // down, to its first
        found = found * WORD + (size_t)__builtin_ctzll(r->bits[k - 1][found]);
    return found;
}

/// Pieces by length, longest first; equal ones keep their order.
static uint32_t *sort_by_length(const uint32_t *lengths, size_t n, uint32_t T, struct arena *a)
{
    uint32_t *next = ARENA_ARRAY(a, uint32_t, (size_t)T + 2);
    uint32_t *order = ARENA_ARRAY(a, uint32_t, n);
    for (size_t i = 0; i < n; i++) {
        ASSERT(lengths[i] >= 1 && lengths[i] <= T);
        next[T - lengths[i] + 1]++;
    }
    for (size_t k = 1; k <= T; k++)
        next[k] += next[k - 1];
    for (size_t i = 0; i < n; i++)
        order[next[T - lengths[i]]++] = (uint32_t)i;
    return order;
}

void best_fit_assign(const uint32_t *lengths, size_t n, uint32_t T, struct arena *a,
                     struct best_fit_result *out)
{
    ASSERT(n < NO_ROW && T >= 1);
    struct rooms r;
    open_rooms(&r, n, T, a);
    *out = (struct best_fit_result){.order = sort_by_length(lengths, n, T, a),
                                    .rows = ARENA_ARRAY(a, uint32_t, n)};
    for (size_t i = 0; i < n; i++) {
        const uint32_t piece = out->order[i], length = lengths[piece];
        const size_t room = least_room(&r, length);
        const uint32_t row = room == SIZE_MAX ? out->n_rows++ : pop(&r, (uint32_t)room);
        const uint32_t left = (room == SIZE_MAX ? T : (uint32_t)room) - length;
        if (left > 0) push(&r, left, row);
        out->rows[piece] = row;
    }
}
