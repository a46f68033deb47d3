#include "cluster/plan_query.h"

#include <errno.h>
#include <jansson.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { ANSWER_BYTES = 1 << 20, FIXED_ARGUMENTS = 12 };

// The program's output: files in memory, so that neither can block it.
struct outputs {
    int answer, errors;
};

static enum err open_outputs(struct outputs *o)
{
    *o = (struct outputs){memfd_create("plan", MFD_CLOEXEC), memfd_create("errors", MFD_CLOEXEC)};
    if (o->answer >= 0 && o->errors >= 0) return OK;
    return fail(ERR_IO, "create a file in memory: %s", strerror(errno));
}

static void close_outputs(struct outputs *o)
{
    if (o->answer >= 0) close(o->answer);
    if (o->errors >= 0) close(o->errors);
}

static enum err read_output(int fd, struct arena *a, char **out, size_t *n_bytes)
{
    uint64_t n;
    TRY(file_size(fd, "the answer of weft plan", &n));
    if (n > ANSWER_BYTES) return fail(ERR_DATA, "weft plan answered with %lu bytes", n);
    char *text = arena_alloc(a, n + 1, 1);
    TRY(file_pread(fd, "the answer of weft plan", text, n, 0));
    text[n] = '\0';
    *out = text;
    *n_bytes = n;
    return OK;
}

static char **arguments_of(const struct plan_query *q, struct arena *a)
{
    char **argv = ARENA_ARRAY(a, char *, FIXED_ARGUMENTS + 2 * q->n_overrides);
    size_t n = 0;
    argv[n++] = arena_strdup(a, q->weft);
    argv[n++] = arena_strdup(a, "plan");
    argv[n++] = arena_strdup(a, q->run_file);
    argv[n++] = arena_strdup(a, "--json");
    argv[n++] = arena_printf(a, "--ranks=%lu", q->n_ranks);
    argv[n++] = arena_printf(a, "--nodes=%lu", q->n_nodes);
    argv[n++] = arena_printf(a, "--threads=%lu", q->n_threads);
    for (size_t i = 0; i < q->n_overrides; i++) {
        argv[n++] = arena_strdup(a, "--set");
        argv[n++] = arena_strdup(a, q->overrides[i]);
    }
    argv[n] = NULL;
    return argv;
}

static enum err run(const struct plan_query *q, const struct outputs *o, struct arena *a,
                    int *exit_code)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int cause = posix_spawn_file_actions_adddup2(&actions, o->answer, STDOUT_FILENO);
    if (cause == 0) cause = posix_spawn_file_actions_adddup2(&actions, o->errors, STDERR_FILENO);
    pid_t pid = 0;
    if (cause == 0) cause = posix_spawn(&pid, q->weft, &actions, NULL, arguments_of(q, a), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (cause != 0) return fail(ERR_IO, "start %s plan: %s", q->weft, strerror(cause));
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return fail(ERR_IO, "wait for weft plan: %s", strerror(errno));
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return OK;
}

// Its own line becomes ours.
static enum err refusal(const struct outputs *o, int exit_code, struct arena *a)
{
    char *line;
    size_t n;
    TRY(read_output(o->errors, a, &line, &n));
    line[strcspn(line, "\n")] = '\0';
    static const char prefix[] = "weft: ";
    if (strncmp(line, prefix, sizeof prefix - 1) == 0) line += sizeof prefix - 1;
    enum err err = ERR_INVARIANT;
    for (int e = ERR_N - 1; e > OK; e--)
        if (err_exit_code((enum err)e) == exit_code) err = (enum err)e;
    if (line[0] == '\0') return fail(err, "weft plan ended with exit code %d", exit_code);
    return fail(err, "%s", line);
}

static enum err read_phase(json_t *j, struct arena *a, struct plan_answer *answer)
{
    json_int_t peak, parameters;
    const char *hash;
    if (json_unpack(j, "{s:{s:I} s:I s:s}", "bytes_per_rank", "peak", &peak, "parameters",
                    &parameters, "plan_hash", &hash) != 0)
        return fail(ERR_DATA, "weft plan --json gave no peak, parameters and hash");
    if (answer->plan_hash == NULL) answer->plan_hash = arena_strdup(a, hash);
    if ((uint64_t)peak > answer->peak_bytes) answer->peak_bytes = (uint64_t)peak;
    answer->parameters = (uint64_t)parameters;
    return OK;
}

// One object a phase, one after another.
static enum err read_answer(const char *text, size_t n_bytes, struct arena *a,
                            struct plan_answer *out)
{
    struct plan_answer answer = {0};
    size_t at = 0;
    while (at + strspn(text + at, " \n") < n_bytes) {
        json_error_t cause;
        json_t *j = json_loadb(text + at, n_bytes - at, JSON_DISABLE_EOF_CHECK, &cause);
        if (j == NULL) return fail(ERR_DATA, "weft plan --json: %s", cause.text);
        enum err err = read_phase(j, a, &answer);
        json_decref(j);
        TRY(err);
        at += (size_t)cause.position;
    }
    if (answer.plan_hash == NULL) return fail(ERR_DATA, "weft plan --json answered nothing");
    *out = answer;
    return OK;
}

static enum err ask(const struct plan_query *q, const struct outputs *o, struct arena *a,
                    struct plan_answer *out)
{
    int exit_code = 0;
    TRY(run(q, o, a, &exit_code));
    if (exit_code != 0) return refusal(o, exit_code, a);
    char *text;
    size_t n;
    TRY(read_output(o->answer, a, &text, &n));
    return read_answer(text, n, a, out);
}

enum err plan_query_ask(const struct plan_query *q, struct arena *a, struct plan_answer *out)
{
    struct outputs o;
    enum err err = open_outputs(&o);
    if (err == OK) err = ask(q, &o, a, out);
    close_outputs(&o);
    return err;
}
