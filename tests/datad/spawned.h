#pragma once
// A datad server in a child process over made sources, for tests that kill it. The socket lies in a
// new folder below the working folder.

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "datad/client.h"
#include "datad/server.h"
#include "tests/check.h"
#include "tests/datad/made.h"

struct spawned {
    struct arena arena;
    char folder[64], socket[96];
    struct source sources[2];
    struct server_options options;
    pid_t pid; // 0 = none
};

/// Two made sources; nothing runs yet.
__attribute__((unused)) static void spawned_init(struct spawned *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    arena_init(&s->arena, "spawned");
    snprintf(s->folder, sizeof s->folder, "test-datad-XXXXXX");
    CHECK(mkdtemp(s->folder) != NULL);
    snprintf(s->socket, sizeof s->socket, "%s/run/socket", s->folder);
    s->sources[0] = made_source("web", 3, seed, 9, 1500, &s->arena);
    s->sources[1] = made_source("books", 1, seed, 4, 1000, &s->arena);
    s->options = (struct server_options){
        .socket = s->socket,
        .service = {
            .rule = {.sources = s->sources, .n_sources = 2, .validation = 0.1, .window_bins = 3},
            .prefetch = 4,
            .n_workers = 2,
            .cache_bytes = 1 << 16}};
}

__attribute__((unused)) static pid_t spawned_fork(const struct spawned *s)
{
    fflush(NULL);
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool reloads;
    const enum err e = server_run(&s->options, &reloads);
    if (e != OK) fprintf(stderr, "server: %s\n", err_line());
    _exit(err_exit_code(e));
}

__attribute__((unused)) static void spawned_start(struct spawned *s)
{
    s->pid = spawned_fork(s);
}

/// Sends signal and returns the wait status.
__attribute__((unused)) static int spawned_end(struct spawned *s, int signal)
{
    int status = 0;
    CHECK(kill(s->pid, signal) == 0);
    CHECK(waitpid(s->pid, &status, 0) == s->pid);
    s->pid = 0;
    return status;
}

__attribute__((unused)) static void spawned_fini(struct spawned *s)
{
    if (s->pid != 0) (void)spawned_end(s, SIGKILL);
    CHECK_OK(file_remove_tree(s->folder));
    arena_fini(&s->arena);
}

/// Options of a client: rows of 48 tokens, 2 a lane, 6 lanes a step.
__attribute__((unused)) static struct client_options spawned_client(const struct spawned *s)
{
    return (struct client_options){.socket = s->socket,
                                   .split = "train",
                                   .sequence = 48,
                                   .lane_rows = 2,
                                   .step_lanes = 6,
                                   .seed = 5,
                                   .deadline_ns = UINT64_C(60000000000)};
}
