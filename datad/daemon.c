#include "datad/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"

#define QUICK_NS UINT64_C(2000000000)

enum { STOP_MS = 5000, QUICK_ENDS_LIMIT = 5, FIRST_INHERITED_FD = 3, REASON_BYTES = 512 };

static bool is_launcher_variable(const char *entry)
{
    return strncmp(entry, "OMPI_", 5) == 0 || strncmp(entry, "PMIX_", 5) == 0;
}

/// The environment without the MPI launcher's variables: datad is no rank.
static char **child_environment(struct arena *a)
{
    size_t n = 0;
    while (environ[n] != NULL)
        n++;
    char **out = ARENA_ARRAY(a, char *, n + 1);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_launcher_variable(environ[i])) out[kept++] = environ[i];
    return out;
}

static int fill_actions(posix_spawn_file_actions_t *actions, const char *log_file)
{
    int e = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (e == 0)
        e = posix_spawn_file_actions_addopen(actions, 1, log_file, O_WRONLY | O_CREAT | O_APPEND,
                                             0600);
    if (e == 0) e = posix_spawn_file_actions_adddup2(actions, 1, 2);
    if (e == 0) e = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_INHERITED_FD);
    return e;
}

/// A new session and no blocked signals, whatever the caller blocks.
static int fill_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigemptyset(&none);
    int e = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    if (e == 0) e = posix_spawnattr_setsigmask(attributes, &none);
    return e;
}

static int spawn(const struct daemon *d, struct arena *a, pid_t *pid)
{
    char *argv[] = {arena_strdup(a, d->weft),
                    arena_strdup(a, "datad"),
                    arena_strdup(a, d->config),
                    arena_strdup(a, "--owner"),
                    arena_printf(a, "%ld", (long)getpid()),
                    NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int e = fill_actions(&actions, d->log_file);
    if (e == 0) e = fill_attributes(&attributes);
    if (e == 0) e = posix_spawn(pid, d->weft, &actions, &attributes, argv, child_environment(a));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return e;
}

static enum err start(struct daemon *d)
{
    struct arena a;
    pid_t pid = 0;
    arena_init(&a, "daemon start");
    const int cause = spawn(d, &a, &pid);
    arena_fini(&a);
    if (cause != 0)
        return fail(ERR_IO, "start %s datad %s (log %s): %s", d->weft, d->config, d->log_file,
                    strerror(cause));
    d->pid = pid;
    d->started_ns = clock_now_ns();
    d->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (d->pidfd >= 0) {
        fcntl(d->pidfd, F_SETFD, FD_CLOEXEC);
        return OK;
    }
    const enum err e = fail(ERR_IO, "pidfd of datad %ld: %s", (long)pid, strerror(errno));
    daemon_stop(d);
    return e;
}

enum err daemon_start(struct daemon *d, const char *weft, const char *config, const char *log_file)
{
    *d = (struct daemon){.pidfd = -1, .weft = weft, .config = config, .log_file = log_file};
    return start(d);
}

/// Whether it ends within wait_ms.
static bool ends_within(const struct daemon *d, int wait_ms)
{
    struct pollfd p = {.fd = d->pidfd, .events = POLLIN};
    if (d->pidfd < 0) return false;
    int n;
    do
        n = poll(&p, 1, wait_ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

/// Its wait status, once it has ended or been killed.
static int reap(struct daemon *d)
{
    int status = 0;
    while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (d->pidfd >= 0) close(d->pidfd);
    d->pidfd = -1;
    d->pid = 0;
    return status;
}

/// The error that it gave as its reason to end, which another start would only meet again: none
/// when it was killed, crashed, or was asked to end.
static enum err err_of_status(int status)
{
    if (!WIFEXITED(status)) return OK;
    const int code = WEXITSTATUS(status);
    for (int e = OK + 1; e < ERR_N; e++)
        if (err_exit_code((enum err)e) == code) return (enum err)e;
    return OK;
}

static void describe_status(int status, char *text, size_t n_bytes)
{
    if (WIFSIGNALED(status))
        snprintf(text, n_bytes, "signal %d", WTERMSIG(status));
    else
        snprintf(text, n_bytes, "exit code %d", WEXITSTATUS(status));
}

/// The last line of the log without "weft: ", "" when it cannot be read.
static const char *last_line(const char *log_file, char text[REASON_BYTES])
{
    const int fd = open(log_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return "";
    const off_t size = lseek(fd, 0, SEEK_END);
    const off_t from = size > REASON_BYTES - 1 ? size - (REASON_BYTES - 1) : 0;
    ssize_t n = size < 0 ? -1 : pread(fd, text, REASON_BYTES - 1, from);
    close(fd);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n > 0 ? n : 0] = '\0';
    char *line = strrchr(text, '\n');
    line = line != NULL ? line + 1 : text;
    return strncmp(line, "weft: ", 6) == 0 ? line + 6 : line;
}

static enum err check_end(struct daemon *d, int status)
{
    char text[32], reason[REASON_BYTES];
    describe_status(status, text, sizeof text);
    const enum err e = err_of_status(status);
    if (e != OK)
        return fail(e, "datad ended with %s: %s (%s)", text, last_line(d->log_file, reason),
                    d->log_file);
    const bool quick = clock_now_ns() - d->started_ns < QUICK_NS;
    d->n_quick_ends = quick ? d->n_quick_ends + 1 : 0;
    if (d->n_quick_ends < QUICK_ENDS_LIMIT) return OK;
    return fail(ERR_IO, "datad ended %u times soon after its start, last with %s: %s (%s)",
                d->n_quick_ends, text, last_line(d->log_file, reason), d->log_file);
}

enum err daemon_supervise(struct daemon *d, int *restarted)
{
    *restarted = 0;
    if (d->pid == 0 || !ends_within(d, 0)) return OK;
    const int status = reap(d);
    TRY(check_end(d, status));
    TRY(start(d));
    *restarted = 1;
    return OK;
}

void daemon_stop(struct daemon *d)
{
    if (d->pid == 0) return;
    kill(d->pid, SIGTERM);
    if (!ends_within(d, STOP_MS)) kill(d->pid, SIGKILL);
    reap(d);
}
