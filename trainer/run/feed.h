#pragma once
// Where batches come from: datad and the clients of it. Local rank 0 of each node starts datad when
// none answers, and restarts it when it dies.

#include "datad/client.h"
#include "datad/daemon.h"
#include "datad/datad_config.h"
#include "topology/fabric.h"
#include "trainer/config.h"

// Where in the run a feed begins.
struct feed_start {
    const struct config *whole;     // the run's, of all phases
    uint64_t first_step, first_row; // of the phase
    uint64_t next_step;             // the first that will be asked for
};

struct feed {
    struct daemon daemon;
    struct client *train, *validation; // validation NULL when never evaluated
    struct feed_start start;
    struct fabric *fabric;
    char *socket;
    uint64_t n_restarts;
    enum err cause; // why a datad of ours ended for good while a client waited for it
    bool owner;     // local rank 0
};

/// Starts datad on this node if needed and opens the clients. run_folder holds datad's config and
/// log; c is the phase's. weft: path of this program. Collective. Errors: ERR_GONE, ERR_DENIED,
/// ERR_CONFIG (validation split empty, vocabulary of the data above the model's); what datad ended
/// with.
enum err feed_open(struct feed *f, const struct config *c, const struct feed_start *start,
                   const char *run_folder, const char *weft, struct fabric *fabric,
                   struct arena *a) MUST_CHECK;
/// The config of the datad that the run's owners start, for phase c of whole; but for its socket it
/// says what rows hold. Borrows from both; texts of its own are in a. Local.
void feed_daemon_config(const struct config *whole, const struct config *c, const char *run_folder,
                        struct arena *a, struct datad_config *out);
/// Restarts a dead datad of ours; called once a step and while waiting for a batch. Local.
enum err feed_supervise(struct feed *f) MUST_CHECK;
void feed_close(struct feed *f);
