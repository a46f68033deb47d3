#pragma once
// Slurm: the only file that knows it. A run becomes a batch script that a person can read: it
// forwards Slurm's warning before the time limit, so that the run saves, and puts itself back into
// the queue until the run is done.

#include "cluster/cluster_file.h"
#include "cluster/plan_query.h"

struct slurm_job {
    const struct cluster_file *cluster;
    const struct plan_answer *plan;
    const char *name; // of the job; other characters than letters, digits, - _ . become -
    const char *weft, *run_file, *run_folder; // absolute
    const char *folder; // where the job works: what relative paths of the run file start from
    const char *const *overrides; // for weft train --set
    size_t n_overrides;
};

/// The script for sbatch, in a. Local. Can't fail.
char *slurm_script(const struct slurm_job *j, struct arena *a);
