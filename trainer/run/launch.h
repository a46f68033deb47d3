#pragma once
// weft train outside MPI: the parent of mpirun. Gives Open MPI a scratch folder in /dev/shm and
// removes it (and those of killed launchers), turns a first TERM, INT or HUP into USR1 (the ranks
// save and exit 75), ends the job at a second one or after a grace time, and passes the job's exit
// code on (measured: TERM to mpirun would leave one second). When the launcher is killed, mpirun
// and the ranks end too.

#include <stdint.h>

#include "base/err.h"

/// Runs `mpirun -n n_ranks argv...` and waits. *exit_code is the job's. Errors: ERR_IO (no mpirun:
/// install it), ERR_REQUEUE (stopped before the ranks could hear it).
enum err launch_mpirun(uint64_t n_ranks, char *const *argv, int *exit_code) MUST_CHECK;
/// Absolute path of this program. Lives in out. Errors: ERR_IO.
enum err launch_program(char *out, size_t n_bytes) MUST_CHECK;
