#include "base/tree.h"

#include "base/rng.h"
#include "tests/check.h"

enum { LEAVES = 300 };

// The definition: the sum of the leaves of [from, to) inside node (first, size), halves added in
// order, absent halves left out. *any tells whether there was a leaf.
static double reference(const double *leaves, uint64_t from, uint64_t to, uint64_t first,
                        uint64_t size, int *any)
{
    *any = first < to && first + size > from;
    if (!*any) return 0;
    if (size == 1) return leaves[first];
    int any_left, any_right;
    double left = reference(leaves, from, to, first, size / 2, &any_left);
    double right = reference(leaves, from, to, first + size / 2, size / 2, &any_right);
    *any = any_left || any_right;
    if (!any_left || !any_right) return any_left ? left : right;
    return left + right;
}

static double reference_of(const double *leaves, uint64_t from, uint64_t to)
{
    int any;
    return reference(leaves, from, to, 0, 512, &any);
}

static void check_cover(uint64_t first, uint64_t last)
{
    struct tree_node nodes[TREE_COVER_LIMIT];
    size_t n = tree_cover(first, last, nodes);
    uint64_t at = first;
    for (size_t i = 0; i < n; i++) {
        CHECK(nodes[i].first == at);
        CHECK((nodes[i].size & (nodes[i].size - 1)) == 0 && at % nodes[i].size == 0);
        if (i > 0) CHECK(tree_parent(nodes[i - 1], nodes[i]).size == 0); // maximal
        at += nodes[i].size;
    }
    CHECK(at == last || (first >= last && n == 0));
}

static void test_cover(uint64_t seed)
{
    struct tree_node nodes[TREE_COVER_LIMIT];
    CHECK(tree_cover(0, 3, nodes) == 2 && nodes[0].size == 2 && nodes[1].size == 1);
    CHECK(tree_cover(3, 6, nodes) == 2 && nodes[0].size == 1 && nodes[1].size == 2);
    CHECK(tree_cover(6, 8, nodes) == 1 && nodes[0].first == 6 && nodes[0].size == 2);
    CHECK(tree_cover(5, 5, nodes) == 0);
    CHECK(tree_cover(1, UINT64_MAX, nodes) == 126);
    for (uint64_t first = 0; first < 40; first++)
        for (uint64_t last = first; last < 80; last++)
            check_cover(first, last);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t a = rng_u64(seed, 0, i), b = rng_u64(seed, 1, i);
        check_cover(a < b ? a : b, a < b ? b : a);
    }
}

static void test_parent(void)
{
    struct tree_node left = {.first = 4, .size = 2}, right = {.first = 6, .size = 2};
    struct tree_node parent = tree_parent(left, right);
    CHECK(parent.first == 4 && parent.size == 4);
    CHECK(tree_parent(right, left).size == 0);
    CHECK(tree_parent(right, (struct tree_node){.first = 8, .size = 2}).size == 0);
    struct tree_node half = {.first = 0, .size = UINT64_C(1) << 63};
    CHECK(tree_parent(half, (struct tree_node){.first = half.size, .size = half.size}).size == 0);
}

// Cuts [from, to) at random, sums every piece as another rank would, and folds the pieces' covers.
static double sum_of_pieces(const double *leaves, uint64_t from, uint64_t to, uint64_t key)
{
    struct tree_sum whole;
    tree_sum_begin(&whole);
    uint64_t cut = 0;
    for (uint64_t at = from; at < to;) {
        uint64_t end = at + 1 + rng_u64(key, 0, cut++) % 40;
        if (end > to) end = to;
        struct tree_node nodes[TREE_COVER_LIMIT];
        size_t n = tree_cover(at, end, nodes);
        for (size_t i = 0; i < n; i++) {
            struct tree_sum part;
            tree_sum_begin(&part);
            for (uint64_t leaf = nodes[i].first; leaf < nodes[i].first + nodes[i].size; leaf++)
                tree_sum_push(&part, (struct tree_node){.first = leaf, .size = 1}, leaves[leaf]);
            CHECK(part.n_nodes == 1);
            tree_sum_push(&whole, nodes[i], tree_sum_total(&part));
        }
        at = end;
    }
    return tree_sum_total(&whole);
}

static void test_sums(uint64_t seed)
{
    double leaves[LEAVES], left_fold = 0;
    int n_left_fold_differs = 0;
    for (int i = 0; i < LEAVES; i++)
        leaves[i] = (double)rng_normal(seed, 2, (uint64_t)i) * ((i % 7) ? 1 : 1e9);
    for (uint64_t to = 0; to <= LEAVES; to++) {
        double expected = reference_of(leaves, 0, to);
        CHECK(sum_of_pieces(leaves, 0, to, seed + to) == expected);
        n_left_fold_differs += left_fold != expected;
        left_fold += to < LEAVES ? leaves[to] : 0;
    }
    CHECK(n_left_fold_differs > LEAVES / 4); // else the test could not see a wrong order
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t from = rng_u64(seed, 3, i) % LEAVES;
        uint64_t to = from + rng_u64(seed, 4, i) % (LEAVES + 1 - from);
        CHECK(sum_of_pieces(leaves, from, to, seed + i) == reference_of(leaves, from, to));
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    test_cover(seed);
    test_parent();
    test_sums(seed);
    return 0;
}
