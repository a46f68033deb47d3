#pragma once
// The run directory: run.yaml (resolved), log.jsonl, checkpoints/, trace/, datad's config and log;
// and the lock that keeps a second job out.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct run_folder {
    char *path;
    int lock; // fd; -1 = none
};

/// Makes path and takes its lock. Without resume, a folder that already holds a run is refused.
/// Rank 0 only. Errors: ERR_CONFIG, ERR_IO, ERR_DENIED (another job holds it, naming the process).
enum err run_folder_open(struct run_folder *r, const char *path, int resume,
                         struct arena *a) MUST_CHECK;
void run_folder_close(struct run_folder *r);
/// Drops the records of steps after `steps_done` from log.jsonl (they will be made again),
/// atomically. Rank 0 only.
enum err run_folder_rewind_log(const char *path, uint64_t steps_done) MUST_CHECK;
/// The folder for a run file: its path without .yaml. Local.
char *run_folder_default(const char *run_file, struct arena *a);
