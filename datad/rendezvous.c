#include "datad/rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"

#define LOCK_NS UINT64_C(5000000000)
#define LOCK_NAP_NS UINT64_C(2000000)

/// Splits socket into folder (in a) and name.
static enum err split(const char *socket, struct arena *a, char **folder, const char **name)
{
    const char *slash = strrchr(socket, '/');
    *name = slash == NULL ? socket : slash + 1;
    if (slash == NULL)
        *folder = arena_strdup(a, ".");
    else if (slash == socket)
        *folder = arena_strdup(a, "/");
    else
        *folder = arena_strndup(a, socket, (size_t)(slash - socket));
    const size_t n = strlen(*name);
    if (n >= 1 && n <= RENDEZVOUS_NAME_LIMIT) return OK;
    return fail(ERR_CONFIG, "socket %s: its name must have 1 to %d bytes", socket,
                RENDEZVOUS_NAME_LIMIT);
}

/// mkdir -p of what is above, 0700 for the folder itself; an existing one is checked later.
static enum err make_folder(const char *folder, struct arena *a)
{
    const char *slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder)
        TRY(file_make_folders(arena_strndup(a, folder, (size_t)(slash - folder))));
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail(ERR_IO, "make %s: %s", folder, strerror(errno));
    return OK;
}

static enum err open_folder(const char *folder, int *fd)
{
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd >= 0) return OK;
    if (errno == ENOENT) return fail(ERR_GONE, "no datad: there is no folder %s", folder);
    if (errno == ELOOP || errno == ENOTDIR || errno == EACCES)
        return fail(ERR_DENIED, "socket folder %s: not a folder of this user (links are refused)",
                    folder);
    return fail(ERR_IO, "open %s: %s", folder, strerror(errno));
}

static enum err check_folder(const char *folder, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return fail(ERR_IO, "stat %s: %s", folder, strerror(errno));
    if (st.st_uid != geteuid())
        return fail(ERR_DENIED, "socket folder %s belongs to user %u, not to %u", folder, st.st_uid,
                    geteuid());
    if ((st.st_mode & 077) != 0)
        return fail(ERR_DENIED,
                    "socket folder %s is open to others (mode %03o): chmod 700 it, or name one "
                    "that datad can make",
                    folder, st.st_mode & 0777);
    return OK;
}

static enum err enter(const char *socket, bool make, struct arena *a, struct rendezvous *r)
{
    char *folder;
    const char *name;
    TRY(split(socket, a, &folder, &name));
    if (make) TRY(make_folder(folder, a));
    TRY(open_folder(folder, &r->folder_fd));
    const enum err e = check_folder(folder, r->folder_fd);
    if (e != OK) {
        close(r->folder_fd);
        return e;
    }
    snprintf(r->name, sizeof r->name, "%s", name);
    snprintf(r->address, sizeof r->address, "/proc/self/fd/%d/%s", r->folder_fd, name);
    return OK;
}

enum err rendezvous_open(const char *socket, bool make, struct rendezvous *out)
{
    struct arena a;
    struct rendezvous r = {.socket = socket, .folder_fd = -1};
    arena_init(&a, "rendezvous");
    const enum err e = enter(socket, make, &a, &r);
    arena_fini(&a);
    if (e == OK) *out = r;
    return e;
}

void rendezvous_close(struct rendezvous *r)
{
    if (r->folder_fd >= 0) close(r->folder_fd);
    r->folder_fd = -1;
}

enum err rendezvous_check(const struct rendezvous *r, bool *found)
{
    struct stat st;
    *found = false;
    if (fstatat(r->folder_fd, r->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return OK;
        return fail(ERR_IO, "stat %s: %s", r->socket, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode)) return fail(ERR_DENIED, "%s is not a socket", r->socket);
    if (st.st_uid != geteuid())
        return fail(ERR_DENIED, "socket %s belongs to user %u, not to %u", r->socket, st.st_uid,
                    geteuid());
    *found = true;
    return OK;
}

enum err rendezvous_lock(const struct rendezvous *r)
{
    const uint64_t begin_ns = clock_now_ns();
    while (flock(r->folder_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail(ERR_IO, "lock the folder of %s: %s", r->socket, strerror(errno));
        if (clock_now_ns() - begin_ns > LOCK_NS)
            return fail(ERR_IO, "lock the folder of %s: another process holds it", r->socket);
        clock_nap_ns(LOCK_NAP_NS);
    }
    return OK;
}

void rendezvous_unlock(const struct rendezvous *r)
{
    flock(r->folder_fd, LOCK_UN);
}

enum err rendezvous_restrict(const struct rendezvous *r)
{
    if (fchmodat(r->folder_fd, r->name, 0600, 0) == 0) return OK;
    return fail(ERR_IO, "chmod %s: %s", r->socket, strerror(errno));
}

void rendezvous_leave(const struct rendezvous *r)
{
    unlinkat(r->folder_fd, r->name, 0);
}
