#include "trainer/run/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/span.h"

enum { LOG_LIMIT_BYTES = 1 << 30, NAP_NS = 20 * 1000 * 1000 };
static const uint64_t LOCK_WAIT_NS = 5000000000;

// The ranks of a job whose mpirun was killed hold the lock for about a second more.
static bool lock_within(int fd, uint64_t wait_ns)
{
    uint64_t end_ns = clock_now_ns() + wait_ns;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_now_ns() >= end_ns) return false;
        clock_nap_ns(NAP_NS);
    }
    return true;
}

static enum err take_lock(struct run_folder *r, struct arena *a)
{
    char *path = arena_printf(a, "%s/lock", r->path);
    r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (r->lock < 0) return fail(ERR_IO, "create %s: %s", path, strerror(errno));
    if (lock_within(r->lock, LOCK_WAIT_NS)) {
        char *pid = arena_printf(a, "%d\n", (int)getpid());
        if (ftruncate(r->lock, 0) != 0) return fail(ERR_IO, "write %s: %s", path, strerror(errno));
        return file_write(r->lock, path, pid, strlen(pid));
    }
    char holder[32] = "";
    ssize_t n = read(r->lock, holder, sizeof holder - 1);
    if (n > 0) holder[strcspn(holder, "\n")] = '\0';
    return fail(ERR_DENIED, "%s is in use by another job (process %s)", r->path, holder);
}

// A start that failed before its first step leaves nothing that would be lost.
static enum err find_run(const char *path, struct arena *a, bool *found)
{
    struct file_list checkpoints = {0};
    struct stat log;
    const char *folder = arena_printf(a, "%s/checkpoints", path);
    if (file_exists(folder)) TRY(file_list(folder, a, &checkpoints));
    bool has_log = stat(arena_printf(a, "%s/log.jsonl", path), &log) == 0 && log.st_size > 0;
    *found = has_log || checkpoints.n_names > 0;
    return OK;
}

enum err run_folder_open(struct run_folder *r, const char *path, int resume, struct arena *a)
{
    *r = (struct run_folder){.path = arena_strdup(a, path), .lock = -1};
    TRY(file_make_folders(path));
    TRY(take_lock(r, a));
    bool holds_run = false;
    TRY(find_run(path, a, &holds_run));
    if (!resume && holds_run)
        return fail(ERR_CONFIG,
                    "%s already holds a run: use --resume to go on, or -o for another folder",
                    path);
    return file_make_folders(arena_printf(a, "%s/checkpoints", path));
}

void run_folder_close(struct run_folder *r)
{
    if (r->lock >= 0) close(r->lock);
    r->lock = -1;
}

// Length of the records of steps up to steps_done; stops at the first line that is cut or of a
// later step.
static size_t kept_bytes(const char *text, size_t n_bytes, uint64_t steps_done)
{
    size_t at = 0;
    while (at < n_bytes) {
        const char *end = memchr(text + at, '\n', n_bytes - at);
        if (end == NULL) break;
        json_t *record = json_loadb(text + at, (size_t)(end - text) - at, 0, NULL);
        const json_t *step = json_object_get(record, "step");
        bool keep = json_is_integer(step) && (uint64_t)json_integer_value(step) <= steps_done;
        json_decref(record);
        if (!keep) break;
        at = (size_t)(end - text) + 1;
    }
    return at;
}

enum err run_folder_rewind_log(const char *path, uint64_t steps_done)
{
    struct arena a;
    arena_init(&a, "log");
    char *log = arena_printf(&a, "%s/log.jsonl", path);
    struct span text = {0};
    enum err err = file_exists(log) ? file_read(log, LOG_LIMIT_BYTES, &a, &text) : OK;
    size_t n_bytes = kept_bytes((const char *)text.data, text.n_bytes, steps_done);
    if (err == OK && n_bytes < text.n_bytes) err = file_replace(log, text.data, n_bytes);
    arena_fini(&a);
    return err;
}

char *run_folder_default(const char *run_file, struct arena *a)
{
    const char *dot = strrchr(run_file, '.');
    const char *slash = strrchr(run_file, '/');
    if (dot == NULL || (slash != NULL && dot < slash)) return arena_printf(a, "%s.run", run_file);
    return arena_strndup(a, run_file, (size_t)(dot - run_file));
}
