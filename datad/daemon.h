#pragma once
// datad as somebody else's child: for local rank 0 of each node, and for tests.
//
//     TRY(daemon_start(&d, weft, "datad.yaml", "datad.log"));
//     ... now and then: TRY(daemon_supervise(&d, &restarted)); ...
//     daemon_stop(&d);

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct daemon {
    pid_t pid;                            // 0 = not ours
    int pidfd;                            // -1 = none
    const char *weft, *config, *log_file; // borrowed
    uint64_t started_ns;
    unsigned n_quick_ends; // in a row, each soon after its start
};

/// Starts `weft datad config` by posix_spawn (new session, no inherited descriptors beyond 0-2, no
/// OMPI_*/PMIX_* variables) so that it dies with the calling thread's process. weft = path of this
/// executable. Main thread only. Errors: ERR_IO.
enum err daemon_start(struct daemon *d, const char *weft, const char *config,
                      const char *log_file) MUST_CHECK;
/// Restarts it if it was killed, crashed or was asked to end; returns whether it had. Can be called
/// often (poll of a pidfd). Errors: that of its exit code, with its own line, when it gave up by
/// itself, which only what is wrong at its start makes it do (config, data, rights). ERR_IO when
/// it cannot be started or keeps dying at once.
enum err daemon_supervise(struct daemon *d, int *restarted) MUST_CHECK;
/// SIGTERM, wait, then SIGKILL after 5 s. A daemon that is not ours is left alone.
void daemon_stop(struct daemon *d);
