#pragma once
// The fixed binary tree over indices 0..n-1 that makes sums independent of who forms them (I2 c,
// e): leaf i, and node (first, size) with size a power of two and first a multiple of size, is the
// sum of its two halves; a missing right half is simply absent. Only sums of aligned nodes are ever
// formed. An interval splits into its cover, the maximal aligned nodes inside it:
//
//     n = 8:  {0,1,2} -> {01}{2}    {3,4,5} -> {3}{45}    {6,7} -> {67}
//
// Folding nodes with a binary counter gives the same tree whatever the pieces:
//
//            (0..8)
//         /         \            a fold takes nodes in any order; two siblings that are both
//      (0..4)      (4..8)        present merge at once; at the end what remains is folded from
//      /    \      /    \        the right: ((0..4) + ((4..6) + 6)) for n = 7.
//   (01)   (23) (45)   (67)

#include <stddef.h>
#include <stdint.h>

struct tree_node {
    uint64_t first, size; // size a power of two; first a multiple of size
};

enum { TREE_COVER_LIMIT = 128 };

/// The cover of [first, last), left to right; returns the number of nodes (at most
/// TREE_COVER_LIMIT). Can't fail.
size_t tree_cover(uint64_t first, uint64_t last, struct tree_node out[TREE_COVER_LIMIT]);
/// Parent of a and b when they are siblings (a the left one), else size 0.
struct tree_node tree_parent(struct tree_node a, struct tree_node b);

// f64 sums over the tree: push leaves or aligned nodes left to right, then take the total.
struct tree_sum {
    struct tree_node nodes[TREE_COVER_LIMIT];
    double sums[TREE_COVER_LIMIT];
    size_t n_nodes;
};
/// An empty sum, of nodes from any index on. Can't fail.
void tree_sum_begin(struct tree_sum *s);
/// Adds node n with its sum; n.first must be the end of what was pushed before.
void tree_sum_push(struct tree_sum *s, struct tree_node n, double sum);
/// The sum of all that was pushed (0 when nothing was); s may take more after it.
double tree_sum_total(const struct tree_sum *s);
