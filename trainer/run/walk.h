#pragma once
// The executor without kernels: plays all ranks of a plan in one process on the simulated fabric,
// in virtual time. It checks what a real run could only hang or corrupt on: starts meet waits,
// sends meet receives, nothing is used before it exists or after it is gone, live values never
// overlap, the slab's high-water mark is the plan's number.

#include <stdio.h>

#include "trainer/plan/program.h"

// What virtual time is made of; a machine file will say it one day.
struct walk_machine {
    double flops_per_s, memory_bytes_per_s; // of a rank
    double link_bytes_per_s, link_latency_s;
};

struct walk_result {
    uint64_t n_steps_played, n_collectives, n_messages;
    double fabric_bytes; // sent by all ranks
    double seconds;      // virtual, of the slowest rank
    double exposed_s;    // virtual, of the slowest rank: waiting for the fabric
    size_t peak_bytes;   // highest slab byte that any rank used
};

/// Walks p for steps [first, last) of program on its ranks. trace: rank 0's steps, one line each
/// (run/trace.h); NULL = none. Local. Errors: ERR_INVARIANT naming rank, section and step: a
/// deadlock, an unmatched message, an overlap.
enum err walk_plan(const struct plan *p, const struct program_options *program,
                   const struct walk_machine *machine, FILE *trace,
                   struct walk_result *out) MUST_CHECK;
