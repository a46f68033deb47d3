// datad as a process: weft datad over a dataset that weft shard build wrote, started, killed,
// supervised and stopped as local rank 0 does it; and what it says to bad configs.

#include "datad/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "datad/client.h"
#include "datad/datad_config.h"
#include "shard/dataset/dataset.h"
#include "tests/check.h"

enum { DOCUMENTS = 300, DEADLINE_MS = 20000, T = 64 };

struct setting {
    struct arena arena;
    char folder[64];
    char *weft, *text, *data, *config, *log, *socket;
    uint64_t seed;
};

/// Runs weft with arguments (NULL-terminated), output to the log; returns the exit code.
static int run_weft(struct setting *s, const char *const *arguments)
{
    char *argv[16] = {s->weft};
    for (size_t i = 0; arguments[i] != NULL; i++)
        argv[i + 1] = arena_strdup(&s->arena, arguments[i]);
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, s->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    CHECK_EQ(posix_spawn(&pid, s->weft, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void write_text(struct setting *s)
{
    FILE *f = fopen(s->text, "w");
    CHECK(f != NULL);
    for (uint64_t d = 0; d < DOCUMENTS; d++) {
        const uint64_t n_words = 1 + rng_u64(s->seed, d, 0) % 60;
        for (uint64_t w = 0; w < n_words; w++)
            fprintf(f, "%llu ", (unsigned long long)(rng_u64(s->seed, d, 1 + w) % 100000));
        fprintf(f, "\n\n\n");
    }
    CHECK(fclose(f) == 0);
}

static void write_config(struct setting *s)
{
    const struct datad_config config = {
        .socket = s->socket,
        .n_sources = 1,
        .sources = {{.name = "made", .path = s->data, .weight = 1.5}},
        .order = DATAD_SEQUENTIAL,
        .window_bins = 2,
        .prefetch = 4,
        .workers = 2,
        .cache_mib = 8};
    struct datad_config again;
    CHECK_OK(datad_config_write(&config, s->config));
    CHECK_OK(datad_config_read(s->config, NULL, 0, &s->arena, &again));
    CHECK_TEXT(again.socket, s->socket);
    CHECK_TEXT(again.sources[0].path, s->data);
    CHECK(again.n_sources == 1 && again.sources[0].weight == 1.5 && again.validation == 0);
    CHECK(again.order == DATAD_SEQUENTIAL && again.window_bins == 2 && again.prefetch == 4);
    CHECK(again.workers == 2 && again.cache_mib == 8);
}

static void begin(struct setting *s, uint64_t seed)
{
    const char *build = getenv("WEFT_BUILD");
    arena_init(&s->arena, "test");
    s->seed = seed;
    snprintf(s->folder, sizeof s->folder, "test-daemon-XXXXXX");
    CHECK(mkdtemp(s->folder) != NULL);
    s->weft = arena_printf(&s->arena, "%s/weft", build != NULL ? build : ".");
    s->text = arena_printf(&s->arena, "%s/text.txt", s->folder);
    s->data = arena_printf(&s->arena, "%s/data", s->folder);
    s->config = arena_printf(&s->arena, "%s/datad.yaml", s->folder);
    s->log = arena_printf(&s->arena, "%s/log", s->folder);
    s->socket = arena_printf(&s->arena, "%s/run/socket", s->folder);
    if (!file_exists(s->weft)) CHECK_SKIP("weft is not built");
    write_text(s);
    write_config(s);
    const char *build_arguments[] = {"shard",       "build",        "-o",   s->data, "--split",
                                     "blank-lines", "--bin-tokens", "3000", s->text, NULL};
    CHECK_EQ(run_weft(s, build_arguments), 0);
}

static void end(struct setting *s)
{
    CHECK_OK(file_remove_tree(s->folder));
    arena_fini(&s->arena);
}

static struct client *open_client(struct setting *s, struct arena *a)
{
    struct client *c;
    const struct client_options o = {.socket = s->socket,
                                     .split = "train",
                                     .sequence = T,
                                     .lane_rows = 2,
                                     .step_lanes = 1,
                                     .deadline_ns = UINT64_C(60000000000)};
    CHECK_OK(client_open(&o, a, &c));
    return c;
}

/// The dataset's tokens in order, as sequential rows hold them: each bin padded to whole rows.
static int32_t *expect_rows(struct setting *s, struct arena *a, uint64_t *n_rows)
{
    struct dataset *d;
    CHECK_OK(dataset_open(s->data, a, &d));
    const struct dataset_info *info = dataset_info(d);
    CHECK(info->n_bins >= 3 && info->n_documents == DOCUMENTS);
    int32_t *rows = ARENA_ARRAY(a, int32_t, info->n_tokens + info->n_bins * T);
    uint32_t *tokens = ARENA_ARRAY(a, uint32_t, info->max_bin_tokens);
    *n_rows = 0;
    for (uint64_t bin = 0; bin < info->n_bins; bin++) {
        const uint64_t n_tokens = dataset_bin(d, bin).n_tokens;
        CHECK_OK(dataset_read_tokens(d, bin, tokens));
        for (uint64_t i = 0; i < n_tokens; i++)
            rows[*n_rows * T + i] = (int32_t)tokens[i];
        *n_rows += (n_tokens + T - 1) / T;
    }
    dataset_close(d);
    return rows;
}

/// One epoch and a little more; kills datad several times.
static void check_epoch(struct setting *s, struct daemon *d)
{
    struct arena a;
    uint64_t n_rows;
    unsigned n_restarts = 0;
    arena_init(&a, "epoch");
    const int32_t *rows = expect_rows(s, &a, &n_rows);
    struct client *c = open_client(s, &a);
    CHECK_EQ(client_info(c)->n_rows, n_rows);
    CHECK(client_answers(s->socket));
    for (uint64_t step = 0; step < n_rows / 2 + 5; step++) {
        struct batch b;
        int restarted;
        CHECK_OK(client_request(c, step, 0));
        if (step % 20 == 10) CHECK(kill(d->pid, SIGKILL) == 0);
        struct pollfd p = {.fd = d->pidfd, .events = POLLIN};
        if (step % 20 == 10) CHECK(poll(&p, 1, DEADLINE_MS) == 1);
        CHECK_OK(daemon_supervise(d, &restarted));
        CHECK_EQ(restarted, step % 20 == 10);
        d->n_quick_ends = 0; // a test kills faster than it should be given up
        n_restarts += (unsigned)restarted;
        CHECK_OK(client_wait(c, step, 0, &b));
        const int32_t *tokens = batch_array(&b, "tokens")->data;
        for (uint64_t i = 0; i < 2; i++)
            CHECK(memcmp(tokens + i * T, rows + (step * 2 + i) % n_rows * T, T * sizeof *rows) ==
                  0);
        client_release(c, &b);
    }
    CHECK(n_restarts > 1);
    client_close(c);
    arena_fini(&a);
}

static void check_stop(struct setting *s, struct daemon *d)
{
    const pid_t pid = d->pid;
    daemon_stop(d);
    CHECK_EQ(d->pid, 0);
    CHECK(kill(pid, 0) != 0);
    CHECK(!file_exists(s->socket)); // it ended in order
    CHECK(!client_answers(s->socket));
    int restarted;
    CHECK_OK(daemon_supervise(d, &restarted)); // not ours any more
    CHECK_EQ(restarted, 0);
}

/// A child starts a datad and is killed: datad must end too.
static void check_owner_dies(struct setting *s)
{
    int ends[2];
    struct arena a;
    pid_t daemon_pid = 0;
    CHECK(pipe(ends) == 0);
    fflush(NULL);
    const pid_t owner = fork();
    if (owner == 0) {
        struct daemon d;
        if (daemon_start(&d, s->weft, s->config, s->log) != OK) _exit(1);
        if (write(ends[1], &d.pid, sizeof d.pid) != sizeof d.pid) _exit(1);
        pause();
        _exit(0);
    }
    CHECK(owner > 0 && read(ends[0], &daemon_pid, sizeof daemon_pid) == sizeof daemon_pid);
    arena_init(&a, "client");
    client_close(open_client(s, &a)); // it serves, so it has asked to be told
    arena_fini(&a);
    struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, daemon_pid, 0), .events = POLLIN};
    CHECK(p.fd >= 0);
    CHECK(kill(owner, SIGKILL) == 0 && waitpid(owner, NULL, 0) == owner);
    CHECK(poll(&p, 1, DEADLINE_MS) == 1);
    close(p.fd);
    close(ends[0]);
    close(ends[1]);
}

/// Descriptors and launcher variables of this process that datad has.
static void check_inherits_nothing(const struct daemon *d)
{
    char path[64], environment[65536];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)d->pid);
    const int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    size_t n_bytes = 0;
    for (ssize_t n = 1; n > 0; n_bytes += (size_t)n) {
        n = read(fd, environment + n_bytes, sizeof environment - n_bytes);
        CHECK(n >= 0);
    }
    close(fd);
    CHECK(memmem(environment, n_bytes, "OMPI_TEST=1", 11) == NULL);
    CHECK(memmem(environment, n_bytes, "WEFT_TEST=1", 11) != NULL);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)d->pid, 200);
    CHECK(!file_exists(path));
    CHECK_EQ(getsid(d->pid), d->pid);
}

static int run_config(struct setting *s, const char *set)
{
    const char *arguments[] = {"datad", s->config, "--set", set, NULL};
    return run_weft(s, arguments);
}

static void check_bad_configs(struct setting *s)
{
    CHECK(symlink("run", arena_printf(&s->arena, "%s/link", s->folder)) == 0);
    CHECK_EQ(run_config(s, "windw=3"), 78);
    CHECK_EQ(run_config(s, "validation=0.9"), 78);
    CHECK_EQ(run_config(s, "order=random"), 78);
    CHECK_EQ(run_config(s, arena_printf(&s->arena, "sources[0].path=%s/absent", s->folder)), 74);
    CHECK(chmod(s->folder, 0755) == 0);
    CHECK_EQ(run_config(s, arena_printf(&s->arena, "socket=%s/socket", s->folder)),
             77); // open to others
    CHECK_EQ(run_config(s, arena_printf(&s->arena, "socket=%s/link/socket", s->folder)), 77);
}

/// Waits for its end; what supervising makes of that.
static enum err supervise_end(struct daemon *d, int *restarted)
{
    struct pollfd p = {.fd = d->pidfd, .events = POLLIN};
    CHECK(poll(&p, 1, DEADLINE_MS) == 1);
    return daemon_supervise(d, restarted);
}

/// A datad that says why it cannot start is not started again, and its line is the error's.
static void check_given_up(struct setting *s, const char *name, enum err expected, const char *line)
{
    struct daemon d;
    int restarted;
    char *log = arena_printf(&s->arena, "%s/%s.log", s->folder, name);
    CHECK_OK(
        daemon_start(&d, s->weft, arena_printf(&s->arena, "%s/%s.yaml", s->folder, name), log));
    CHECK_ERR(supervise_end(&d, &restarted), expected);
    CHECK_EQ(d.pid, 0);
    CHECK_LINE(arena_printf(&s->arena, "datad ended with exit code %d: %s (%s)",
                            err_exit_code(expected), line, log));
    struct span said;
    CHECK_OK(file_read(log, 4096, &s->arena, &said)); // once
    CHECK_EQ(said.n_bytes, strlen("weft: \n") + strlen(line));
}

static void put_text(struct setting *s, const char *name, const char *text)
{
    CHECK_OK(file_replace(arena_printf(&s->arena, "%s/%s", s->folder, name), text, strlen(text)));
}

static void put_source(struct setting *s, const char *name, const char *path)
{
    put_text(s, name,
             arena_printf(&s->arena, "socket: %s\nsources: [{name: made, path: %s, weight: 1}]\n",
                          s->socket, path));
}

static void check_supervise_gives_up(struct setting *s)
{
    struct daemon d;
    struct arena *a = &s->arena;
    char *absent = arena_printf(a, "%s/absent", s->folder);
    put_text(s, "bad.yaml", "sockt: x\n");
    check_given_up(
        s, "bad", ERR_CONFIG,
        arena_printf(a, "%s/bad.yaml:1: unknown key 'sockt'; did you mean 'socket'?", s->folder));
    put_source(s, "missing.yaml", absent);
    check_given_up(
        s, "missing", ERR_IO,
        arena_printf(
            a,
            "source made: no dataset in %s (there is no dataset.json): weft shard build makes one",
            absent));
    char *corrupt = arena_printf(a, "%s/corrupt", s->folder);
    CHECK_OK(file_make_folders(corrupt));
    put_text(s, "corrupt/dataset.json", "{");
    put_source(s, "corrupt.yaml", corrupt);
    check_given_up(
        s, "corrupt", ERR_DATA,
        arena_printf(a, "source made: %s/dataset.json: not a dataset index (1 bytes)", corrupt));
    CHECK_ERR(daemon_start(&d, "/absent/weft", s->config, s->log), ERR_IO);
}

/// One that is killed over and over, or ends as none of ours does, is given up in the end.
static void check_supervise_restarts(struct setting *s)
{
    struct daemon d;
    int restarted, n = 0;
    char *script = arena_printf(&s->arena, "%s/crashes", s->folder);
    put_text(s, "crashes", "#!/bin/sh\nkill -SEGV $$\n");
    CHECK(chmod(script, 0700) == 0);
    CHECK_OK(daemon_start(&d, script, s->config, s->log));
    enum err e;
    while ((e = supervise_end(&d, &restarted)) == OK)
        n += restarted;
    CHECK_EQ(n, 4);
    CHECK_ERR(e, ERR_IO);
}

int main(int argc, char **argv)
{
    struct setting s;
    struct daemon d;
    begin(&s, check_seed(argc, argv));
    CHECK(setenv("OMPI_TEST", "1", 1) == 0 && setenv("WEFT_TEST", "1", 1) == 0);
    CHECK(dup2(0, 200) == 200);
    CHECK_OK(daemon_start(&d, s.weft, s.config, s.log));
    check_epoch(&s, &d);
    check_inherits_nothing(&d);
    check_stop(&s, &d);
    check_owner_dies(&s);
    check_bad_configs(&s);
    check_supervise_gives_up(&s);
    check_supervise_restarts(&s);
    end(&s);
    return 0;
}
