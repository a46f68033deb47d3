#include "base/tree.h"

#include "base/err.h"

size_t tree_cover(uint64_t first, uint64_t last, struct tree_node out[TREE_COVER_LIMIT])
{
    size_t n_nodes = 0;
    while (first < last) {
        uint64_t size = UINT64_C(1) << (63 - __builtin_clzll(last - first));
        uint64_t aligned = first & -first; // largest power of two that divides first; 0 for 0
        if (aligned != 0 && aligned < size) size = aligned;
        ASSERT(n_nodes < TREE_COVER_LIMIT);
        out[n_nodes++] = (struct tree_node){.first = first, .size = size};
        first += size;
    }
    return n_nodes;
}

struct tree_node tree_parent(struct tree_node a, struct tree_node b)
{
    uint64_t size = 2 * a.size;
    if (size == 0 || a.size != b.size || a.first % size != 0 || b.first != a.first + a.size)
        return (struct tree_node){.first = a.first, .size = 0};
    return (struct tree_node){.first = a.first, .size = size};
}

void tree_sum_begin(struct tree_sum *s)
{
    s->n_nodes = 0;
}

void tree_sum_push(struct tree_sum *s, struct tree_node n, double sum)
{
    ASSERT(n.size != 0 && (n.size & (n.size - 1)) == 0 && n.first % n.size == 0);
    if (s->n_nodes > 0) {
        const struct tree_node *top = &s->nodes[s->n_nodes - 1];
        ASSERT(n.first == top->first + top->size);
    }
    for (; s->n_nodes > 0; s->n_nodes--) {
        struct tree_node parent = tree_parent(s->nodes[s->n_nodes - 1], n);
        if (parent.size == 0) break;
        sum = s->sums[s->n_nodes - 1] + sum;
        n = parent;
    }
    ASSERT(s->n_nodes < TREE_COVER_LIMIT);
    s->nodes[s->n_nodes] = n;
    s->sums[s->n_nodes++] = sum;
}

// The nearest common parent of two neighbours is the higher, the more zeros end the index at which
// they meet.
static int meeting_level(uint64_t right_first)
{
    return __builtin_ctzll(right_first);
}

double tree_sum_total(const struct tree_sum *s)
{
    double sums[TREE_COVER_LIMIT];
    int levels[TREE_COVER_LIMIT]; // levels[i]: where sums[i] meets sums[i - 1]
    size_t n = 0;
    for (size_t i = 0; i < s->n_nodes; i++) {
        int level = i == 0 ? 0 : meeting_level(s->nodes[i].first);
        for (; n > 1 && levels[n - 1] < level; n--)
            sums[n - 2] += sums[n - 1];
        sums[n] = s->sums[i];
        levels[n++] = level;
    }
    for (; n > 1; n--)
        sums[n - 2] += sums[n - 1];
    return n == 0 ? 0.0 : sums[0];
}
