#pragma once
// Which rank computes which lanes, in which round, and how lane sums meet (I2 c). A round is a
// block of consecutive lanes, `lockstep` for each rank, rank after rank; the last round shares out
// what is left, larger shares first. So what a round sums is a few aligned subtrees, and an owner
// keeps no more than a binary counter's vectors from round to round, however many ranks there are.
// After a round a rank folds its lanes into the cover of their interval (base/tree.h) and sends
// the nodes; owners merge nodes as siblings meet.
//
// Example, 8 lanes on 3 ranks, lockstep 3: rank 0 {0,1,2} sends {01}{2}, rank 1 {3,4,5} sends
// {3}{45}, rank 2 {6,7} sends {67}. An owner receives 0:{01} 1:{2} 2:{3} 3:{45} 4:{67} and merges
// {2}+{3}, {01}+{23}, {45}+{67}, {0..3}+{4..7}. With lockstep 2 there are two rounds: {0,1} {2,3}
// {4,5}, then {6} {7} {}; an owner keeps {0..3} and {45} between them.

#include "base/arena.h"
#include "base/span.h"
#include "base/tree.h"
#include "topology/schedule.h"

struct lanes {
    int n_ranks;
    uint64_t n_lanes, lockstep, n_rounds;
};

// What an owner does with what it received in a round. A place >= 0 is the received vector of that
// index, a place < 0 is slot ~place.
enum fold_action { FOLD_ADD /* to += from */, FOLD_MOVE /* to = from */ };
struct fold_step {
    enum fold_action action;
    int to, from;
};

struct lane_round {
    struct schedule_covers *covers; // [n_ranks]
    size_t n_received;              // covers of all ranks together
    size_t n_own;                   // most covers of any one rank
    struct fold_step *folds;
    size_t n_folds;
};

struct lane_plan {
    struct lanes lanes;
    struct lane_round *rounds; // [n_rounds]
    size_t n_slots;            // vectors an owner keeps between rounds; the total ends in slot 0
    size_t max_received, max_own;
};

/// lockstep 0 = all lanes of the rank with most. n_lanes >= 1. Lives in a. Local.
struct lane_plan *lanes_plan(struct arena *a, int n_ranks, uint64_t n_lanes, uint64_t lockstep);
/// Lanes of rank in a round. May be empty. Local.
struct range lanes_of_round(const struct lanes *l, int rank, uint64_t round);
/// Turns count all lanes rank after rank, those of a rank in the order in which it takes them: the
/// order of reports. Turns of rank; and those of one of its rounds. May be empty. Local.
struct range lanes_turns_of_rank(const struct lanes *l, int rank);
struct range lanes_turns_of_round(const struct lanes *l, int rank, uint64_t round);
/// The k-th lane that rank takes; k below its number of turns. Local.
uint64_t lanes_taken(const struct lanes *l, int rank, uint64_t k);
