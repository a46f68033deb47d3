// The launcher blocks what it handles and takes signals one at a time from sigtimedwait, so that
// none is lost between two steps of its life:
//
//     first TERM, INT, HUP or USR1   USR1 to mpirun, again each second: ranks that have no handler
//                                    yet, or an mpirun that passes no signal on yet, miss one; TERM
//                                    after GRACE_S, or at a second TERM, INT or HUP
//     CHLD                           the job has ended
//
// mpirun is in a process group of its own, or an interrupt key would make it kill the job at once;
// and it is told to end when the launcher dies (a kill -9 too).

#include "trainer/run/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { ARGUMENTS = 512, FIXED_ARGUMENTS = 16, GRACE_S = 120 };

#define SCRATCH_FOLDER "/dev/shm"
#define SCRATCH_PREFIX "weft-job-"

enum err launch_program(char *out, size_t n_bytes)
{
    ssize_t n = readlink("/proc/self/exe", out, n_bytes - 1);
    if (n < 0) return fail(ERR_IO, "read /proc/self/exe: %s", strerror(errno));
    out[n] = '\0';
    return OK;
}

// --- scratch ---

static bool is_ours(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

// What launchers that were killed have left: their process id is in the name.
static void sweep(void)
{
    struct arena a;
    arena_init(&a, "sweep");
    struct file_list list;
    if (file_list(SCRATCH_FOLDER, &a, &list) != OK) list.n_names = 0;
    for (size_t i = 0; i < list.n_names; i++) {
        if (strncmp(list.names[i], SCRATCH_PREFIX, strlen(SCRATCH_PREFIX)) != 0) continue;
        long pid = strtol(list.names[i] + strlen(SCRATCH_PREFIX), NULL, 10);
        char *path = arena_printf(&a, SCRATCH_FOLDER "/%s", list.names[i]);
        bool alive = pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH;
        if (!alive && is_ours(path)) (void)!file_remove_tree(path);
    }
    arena_fini(&a);
}

// --- the child ---

static size_t fill_arguments(const char **out, const char *n_ranks, const char *scratch,
                             char *const *argv)
{
    const char *const fixed[FIXED_ARGUMENTS] = {"mpirun",
                                                "-q",
                                                "--oversubscribe",
                                                "--bind-to",
                                                "none",
                                                "--mca",
                                                "mpi_yield_when_idle",
                                                "1",
                                                "--mca",
                                                "btl_vader_backing_directory",
                                                scratch,
                                                "--mca",
                                                "orte_tmpdir_base",
                                                scratch,
                                                "-n",
                                                n_ranks};
    size_t n = FIXED_ARGUMENTS;
    memcpy(out, fixed, sizeof fixed);
    for (; *argv != NULL; argv++)
        out[n++] = *argv;
    out[n] = NULL;
    return n;
}

static size_t count_arguments(char *const *argv)
{
    size_t n = 0;
    while (argv[n] != NULL)
        n++;
    return n;
}

// Becomes mpirun. Only calls that are safe after fork; returns when exec failed, with errno.
static void become(pid_t parent, char *const *argv, const sigset_t *mask)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM); // kept by exec
    if (getppid() != parent) _exit(err_exit_code(ERR_GONE));
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0)
        dup2(null, STDIN_FILENO); // a background group that reads the terminal is stopped
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(argv[0], argv);
}

static enum err spawn(char *const *argv, const sigset_t *mask, pid_t *out)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return fail(ERR_IO, "pipe: %s", strerror(errno));
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        become(parent, argv, mask);
        int cause = errno;
        (void)!write(report[1], &cause, sizeof cause);
        _exit(err_exit_code(ERR_IO));
    }
    int cause = errno;
    close(report[1]);
    bool failed = pid < 0 || read(report[0], &cause, sizeof cause) > 0;
    close(report[0]);
    if (failed)
        return fail(ERR_IO, "start mpirun: %s; install openmpi-bin (cluster/setup does)",
                    strerror(cause));
    *out = pid;
    return OK;
}

// --- waiting ---

struct job {
    pid_t pid;
    sigset_t handled;
    int n_stops;   // signals that asked to stop
    int n_seconds; // since the first
};

// Blocks the signals that the launcher handles. One that was ignored when it started (nohup) stays
// so.
static void block_signals(struct job *j, sigset_t *before)
{
    const int stops[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    sigemptyset(&j->handled);
    sigaddset(&j->handled, SIGCHLD);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        struct sigaction now;
        if (sigaction(stops[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&j->handled, stops[i]);
    }
    sigprocmask(SIG_BLOCK, &j->handled, before);
}

static bool ends_now(const struct job *j)
{
    return j->n_stops > 1 || j->n_seconds > GRACE_S;
}

static void take_signal(struct job *j, int signal_number)
{
    if (signal_number == SIGCHLD) return;
    if (signal_number < 0) // a second went by
        j->n_seconds += j->n_stops > 0;
    else if (signal_number != SIGUSR1 || j->n_stops == 0)
        j->n_stops++;
    if (j->n_stops > 0) kill(j->pid, ends_now(j) ? SIGTERM : SIGUSR1);
}

static int wait_for(struct job *j)
{
    const struct timespec second = {.tv_sec = 1};
    int status = 0;
    for (;;) {
        pid_t ended = waitpid(j->pid, &status, WNOHANG);
        if (ended == j->pid) return status;
        int signal_number = sigtimedwait(&j->handled, NULL, &second);
        if (signal_number > 0 || errno == EAGAIN) take_signal(j, signal_number);
    }
}

// USR1 ends a rank or mpirun that has not come to its handler: no step was made, nothing is lost.
static enum err settle(const struct job *j, int status, int *exit_code)
{
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    bool too_early = j->n_stops > 0 && *exit_code == 128 + SIGUSR1;
    if (!too_early) return OK;
    return fail(ERR_REQUEUE, "stopped before the first step: start again with --resume");
}

static enum err run_in(const char *scratch, uint64_t n_ranks, char *const *argv, int *exit_code)
{
    char ranks[32];
    snprintf(ranks, sizeof ranks, "%lu", n_ranks);
    union { // execvp wants char *const[], and changes nothing
        const char *in[ARGUMENTS];
        char *out[ARGUMENTS];
    } arguments;
    if (count_arguments(argv) + FIXED_ARGUMENTS >= ARGUMENTS)
        return fail(ERR_USAGE, "%zu arguments are too many", count_arguments(argv));
    fill_arguments(arguments.in, ranks, scratch, argv);
    if (geteuid() == 0) {
        setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
        setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    }
    struct job job = {0};
    sigset_t before;
    block_signals(&job, &before);
    enum err err = spawn(arguments.out, &before, &job.pid);
    if (err == OK) err = settle(&job, wait_for(&job), exit_code);
    return err; // signals stay blocked: what is left is to clean up and end
}

enum err launch_mpirun(uint64_t n_ranks, char *const *argv, int *exit_code)
{
    sweep();
    char scratch[64];
    snprintf(scratch, sizeof scratch, SCRATCH_FOLDER "/" SCRATCH_PREFIX "%ld-XXXXXX",
             (long)getpid());
    if (mkdtemp(scratch) == NULL) return fail(ERR_IO, "create %s: %s", scratch, strerror(errno));
    enum err err = run_in(scratch, n_ranks, argv, exit_code);
    enum err removed = file_remove_tree(scratch);
    return err != OK ? err : removed;
}
