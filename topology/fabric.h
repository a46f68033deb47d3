#pragma once
// The fabric: the only way ranks talk. A collective is a set of messages that a pure schedule
// computes (topology/schedule.h); the fabric starts them and completes them. Every operation is a
// start/wait pair. Two fabrics exist behind this header: MPI (fabric_mpi.c, the one file that
// includes mpi.h) and the simulated twin (fabric_sim.c), which connects N ranks inside one process
// on a virtual clock.
//
//     struct fabric_ticket t;
//     TRY(fabric_start(f, seq, "gather unit 3", messages, n_messages, &t));
//     ... compute, calling fabric_poll(f) at least every 0.5 ms ...
//     TRY(fabric_wait(f, &t));
//
// Messages between a pair of ranks are matched by seq (the collective's sequence number, equal on
// all ranks: I3) and, within one collective, by their order in the list. Only one thread of a rank
// calls the fabric. Every wait spins briefly, then yields, then naps; past the deadline it fails
// with ERR_HANG naming operation, seq and the peers it still waits for. A message that fails breaks
// the fabric: from then on every start and wait returns that error.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct fabric;

enum fabric_direction { FABRIC_SEND, FABRIC_RECV };

struct fabric_message {
    int peer; // may be this rank itself: then its send is copied to its receive
    enum fabric_direction direction;
    void *data;     // sends only read it. The walker passes NULL (no bytes move).
    size_t n_bytes; // 0 is legal: no message is sent
};

struct fabric_ticket {
    uint64_t id; // 0 = nothing to wait for
};

struct fabric_options {
    uint64_t deadline_ns; // of every wait; 0 = 60 s (WEFT_DEADLINE_S in the environment overrides)
    size_t piece_bytes;   // larger messages are sent in pieces; 0 = 1 GiB (MPI counts are int)
};

/// MPI_Init_thread(FUNNELED) and a private communicator. Ends with fabric_close. The fabric lives
/// in a and its message table grows there until it has seen the most messages in flight.
/// Collective. Errors: ERR_USAGE (WEFT_DEADLINE_S), ERR_GONE (MPI refused).
enum err fabric_open_mpi(const struct fabric_options *o, struct arena *a,
                         struct fabric **out) MUST_CHECK;
/// True when this process was started by mpirun or srun with PMIx (environment only). Local.
bool fabric_launched(void);
/// A fabric of one rank, without MPI. Local.
enum err fabric_open_alone(struct arena *a, struct fabric **out) MUST_CHECK;
/// Collective: MPI_Finalize for MPI. Nothing may be under way; a broken fabric ends the job as
/// fabric_abort does.
void fabric_close(struct fabric *f);
/// Changes the deadline of every later wait (loading a checkpoint takes longer than a step). Local.
void fabric_set_deadline(struct fabric *f, uint64_t deadline_ns);

/// This rank, and the number of ranks. Local.
int fabric_rank(const struct fabric *f);
int fabric_size(const struct fabric *f);
/// Ranks of this node, in rank order, and this rank's place among them. Local.
int fabric_local_rank(const struct fabric *f);
int fabric_local_size(const struct fabric *f);
/// Index of this rank's node (nodes ordered by their lowest rank), and their number. Local.
int fabric_node(const struct fabric *f);
int fabric_n_nodes(const struct fabric *f);
/// Node index and local rank of any rank. Local.
int fabric_node_of(const struct fabric *f, int rank);
int fabric_local_rank_of(const struct fabric *f, int rank);

/// Starts the messages of one collective. messages and name are read before return; data is
/// borrowed until the wait. seq < 2^63. Local (its peers start the same seq). Errors: ERR_INVARIANT
/// when seq is reused while under way, a self message has no partner, or (sim) two ends disagree
/// about a size; ERR_GONE.
enum err fabric_start(struct fabric *f, uint64_t seq, const char *name,
                      const struct fabric_message *messages, size_t n_messages,
                      struct fabric_ticket *out) MUST_CHECK;
/// Drives progress without blocking; 0.4-1.4 us with nothing to do. Local.
void fabric_poll(struct fabric *f);
/// True once all messages of t are done (then t->id is 0 and t need not be waited for), or when the
/// fabric is broken (then t->id stays and fabric_wait says why). Drives progress. Local.
bool fabric_test(struct fabric *f, struct fabric_ticket *t);
/// Errors: ERR_HANG past the deadline, naming operation, seq, bytes and peers (t may be waited for
/// again); ERR_GONE; ERR_INVARIANT when a peer sent another size.
enum err fabric_wait(struct fabric *f, struct fabric_ticket *t) MUST_CHECK;

/// Small blocking all-gather of n_bytes from each rank into all[size][n_bytes]; for start-up and
/// per-step scalars. Takes its own sequence space. Not on the simulated twin, which cannot block:
/// start the messages of schedule_all_gather there. Collective. Errors: ERR_HANG.
enum err fabric_all_gather(struct fabric *f, const void *mine, size_t n_bytes,
                           void *all) MUST_CHECK;
/// Everyone learns the worst of all ranks' errors: OK only if all are. A rank that was OK gets a
/// line that names the rank and its cause; the lowest failing rank's error wins. Collective.
/// Errors: that error, or ERR_HANG.
enum err fabric_agree(struct fabric *f, enum err mine) MUST_CHECK;
/// Ends every rank with exit code of e. Prints "rank R step S: cause" and tells all ranks by the
/// abort word: from then on their starts and waits fail with e and that line, and their
/// fabric_abort prints nothing. Once they know, or after a second, ends the job (MPI_Abort). Local.
/// Does not return.
_Noreturn void fabric_abort(struct fabric *f, enum err e, long step);

// The simulated twin: N ranks in one process, virtual time in seconds. Each rank's clock moves by
// fabric_sim_compute and by waiting. Once both ends have posted a message, the link out of its
// sender and the link into its receiver each serve it for n_bytes / bytes_per_s, after what they
// already have. When both have, the send is done; the receive is done latency_s later. Links serve
// messages in the order in which they were matched, so drive the rank with the smallest clock
// first: then that is the order of virtual time. Each rank is a node of its own.
struct fabric_sim;
struct fabric_sim_link {
    double latency_s, bytes_per_s; // of one rank's link, each way
};
/// n ranks joined by links; the net and its n fabrics live in a. Local.
enum err fabric_sim_open(struct arena *a, int n_ranks, struct fabric_sim_link link,
                         struct fabric_sim **out) MUST_CHECK;
/// Rank r's end of the net. fabric_wait on it is not allowed to block: use fabric_test, which
/// returns false while the peer has not posted; when it returns true the rank's clock has moved to
/// the completion.
struct fabric *fabric_sim_rank(struct fabric_sim *net, int rank);
void fabric_sim_compute(struct fabric_sim *net, int rank, double seconds);
double fabric_sim_clock_s(const struct fabric_sim *net, int rank);
/// Messages posted but unmatched, over all ranks: 0 at the end of a correct walk. Describes one in
/// the error line.
enum err fabric_sim_check_drained(const struct fabric_sim *net) MUST_CHECK;
