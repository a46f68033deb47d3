#include "trainer/run/launch.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { ARGUMENTS = 256, GRACE_S = 120 };

static volatile sig_atomic_t child;

static void forward(int signal_number)
{
    (void)signal_number;
    if (child > 0) kill((pid_t)child, SIGUSR1);
    alarm(GRACE_S);
}

static void give_up(int signal_number)
{
    (void)signal_number;
    if (child > 0) kill((pid_t)child, SIGTERM);
}

static void install_handlers(void)
{
    struct sigaction action = {.sa_handler = forward};
    const int forwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++)
        sigaction(forwarded[i], &action, NULL);
    action.sa_handler = give_up;
    sigaction(SIGALRM, &action, NULL);
}

enum err launch_program(char *out, size_t n_bytes)
{
    ssize_t n = readlink("/proc/self/exe", out, n_bytes - 1);
    if (n < 0) return fail(ERR_IO, "read /proc/self/exe: %s", strerror(errno));
    out[n] = '\0';
    return OK;
}

static size_t fill_arguments(const char **out, const char *n_ranks, const char *scratch,
                             char *const *argv)
{
    const char *const fixed[] = {"mpirun",
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
    size_t n = sizeof fixed / sizeof fixed[0];
    memcpy(out, fixed, sizeof fixed);
    for (; *argv != NULL && n < ARGUMENTS - 1; argv++)
        out[n++] = *argv;
    out[n] = NULL;
    return n;
}

static int wait_for_child(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return 70;
    child = 0;
    alarm(0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static enum err run_in(const char *scratch, uint64_t n_ranks, char *const *argv, int *exit_code)
{
    char ranks[32];
    snprintf(ranks, sizeof ranks, "%lu", n_ranks);
    union { // posix_spawnp wants char *const[], and changes nothing
        const char *in[ARGUMENTS];
        char *out[ARGUMENTS];
    } arguments;
    fill_arguments(arguments.in, ranks, scratch, argv);
    if (geteuid() == 0) {
        setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
        setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    }
    pid_t pid;
    int failed = posix_spawnp(&pid, "mpirun", NULL, NULL, arguments.out, environ);
    if (failed != 0)
        return fail(ERR_IO, "start mpirun: %s; install openmpi-bin (cluster/setup does)",
                    strerror(failed));
    child = pid;
    *exit_code = wait_for_child(pid);
    return OK;
}

enum err launch_mpirun(uint64_t n_ranks, char *const *argv, int *exit_code)
{
    char scratch[] = "/dev/shm/weft-job-XXXXXX";
    if (mkdtemp(scratch) == NULL) return fail(ERR_IO, "create %s: %s", scratch, strerror(errno));
    install_handlers();
    enum err err = run_in(scratch, n_ranks, argv, exit_code);
    enum err removed = file_remove_tree(scratch);
    return err != OK ? err : removed;
}
