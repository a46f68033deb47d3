#pragma once
// The cluster file: how jobs are started on a machine that many share. One row a key in
// cluster_file.c; docs/cluster-example.yaml is one.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum cluster_launcher { CLUSTER_MPIRUN, CLUSTER_SRUN };

enum { CLUSTER_SETUP_LINES = 32 };

struct cluster_file {
    uint64_t n_nodes, tasks_per_node, cpus_per_task;
    int launcher; // enum cluster_launcher
    const char *time, *partition, *account, *qos,
        *constraint;                        // "" = not said; safe in an #SBATCH line
    uint64_t signal_seconds;                // before the time limit: USR1, so that the run saves
    uint64_t max_restarts;                  // in a row, without a new checkpoint
    const char *weft;                       // program on the nodes; "" = this one
    const char *setup[CLUSTER_SETUP_LINES]; // shell lines before the launcher
    size_t n_setup;
};

/// Reads and checks path; texts live in a. Errors: ERR_CONFIG with file, line or key; ERR_IO when
/// missing. Local.
enum err cluster_file_read(const char *path, struct arena *a, struct cluster_file *out) MUST_CHECK;
