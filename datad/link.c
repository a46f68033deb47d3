#include "datad/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "datad/rendezvous.h"

static enum err check_server(int fd, const char *socket_path)
{
    struct ucred user;
    socklen_t n_bytes = sizeof user;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &n_bytes) != 0)
        return fail(ERR_IO, "credentials of datad at %s: %s", socket_path, strerror(errno));
    if (user.uid == geteuid()) return OK;
    return fail(ERR_DENIED, "datad at %s runs as user %u, not as %u", socket_path, user.uid,
                geteuid());
}

static enum err connect_at(const struct rendezvous *place, int *out)
{
    bool found;
    TRY(rendezvous_check(place, &found));
    if (!found) return fail(ERR_GONE, "nobody listens");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, place->address, sizeof place->address);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return fail(ERR_IO, "socket: %s", strerror(errno));
    enum err e = OK;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        e = fail(ERR_GONE, "nobody listens: %s", strerror(errno));
    if (e == OK) e = check_server(fd, place->socket);
    if (e == OK)
        *out = fd;
    else
        close(fd);
    return e;
}

enum err link_open(struct link *l, const char *socket)
{
    l->fd = -1;
    l->n_input = 0;
    struct rendezvous place;
    TRY(rendezvous_open(socket, false, &place));
    const enum err e = connect_at(&place, &l->fd);
    rendezvous_close(&place);
    return e;
}

void link_close(struct link *l)
{
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
}

bool link_send(struct link *l, const uint8_t *bytes, size_t n_bytes)
{
    ssize_t n;
    do
        n = send(l->fd, bytes, n_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n >= 0 && (size_t)n == n_bytes;
}

bool link_readable(const struct link *l, int wait_ms)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    return poll(&p, 1, wait_ms) > 0;
}

bool link_receive(struct link *l, int fds[2])
{
    struct iovec data = {.iov_base = l->input + l->n_input,
                         .iov_len = sizeof l->input - l->n_input};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct msghdr m = {.msg_iov = &data,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    const ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&m);
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
    l->n_input += (size_t)n;
    return n > 0;
}

void link_close_passed(const int fds[2])
{
    for (size_t i = 0; i < 2; i++)
        if (fds[i] >= 0) close(fds[i]);
}

enum err link_take(struct link *l, enum protocol_state state, struct protocol_message *out,
                   bool *taken)
{
    size_t n_used;
    TRY(protocol_decode(state, l->input, l->n_input, out, &n_used));
    *taken = n_used > 0;
    if (!*taken) return OK;
    memmove(l->input, l->input + n_used, l->n_input - n_used);
    l->n_input -= n_used;
    if (out->type != PROTOCOL_ERROR) return OK;
    return fail(out->error.err, "%s", out->error.line);
}
