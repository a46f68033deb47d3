// The server's thread never waits for anything but poll, with a limit, so no peer can hold up
// another: a peer that owes bytes has patience_ns to send them, a reply that does not fit the
// socket's buffer closes it, and a batch is made by the workers.

#include "datad/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "datad/connection.h"
#include "datad/rendezvous.h"

#define PATIENCE_NS UINT64_C(5000000000)
#define DRAIN_NS UINT64_C(5000000000)
#define DRAIN_NAP_NS UINT64_C(1000000)

enum {
    BACKLOG = 128,
    POLL_MS = 250,         // to notice peers that owe bytes
    POLL_CLOSING_MS = 20,  // while the last jobs of closed connections run
    POLL_FIXED = 2,        // signals, listener
    BATCH_OF_ACCEPTS = 32, // between looks at the others
};

struct peer {
    int fd;                 // -1 = none
    uint64_t owed_since_ns; // 0 = owes nothing
    struct connection connection;
};

struct server {
    struct rendezvous place;
    int signal_fd, listen_fd;
    struct service *service;
    uint64_t patience_ns;
    struct peer *peers; // [SERVICE_CONNECTIONS]
};

static enum err open_signals(int *fd)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return fail(ERR_IO, "block signals: %s", strerror(errno));
    *fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *fd >= 0 ? OK : fail(ERR_IO, "signalfd: %s", strerror(errno));
}

static enum err open_socket(const struct server *s, int *fd, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    _Static_assert(sizeof s->place.address <= sizeof address->sun_path, "address fits");
    memcpy(address->sun_path, s->place.address, sizeof s->place.address);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *fd >= 0 ? OK : fail(ERR_IO, "socket: %s", strerror(errno));
}

/// Makes room at the place: fails when a live datad is there, removes what a dead one left.
static enum err clear_place(const struct server *s)
{
    struct sockaddr_un address;
    bool found;
    int fd;
    TRY(rendezvous_check(&s->place, &found));
    if (!found) return OK;
    TRY(open_socket(s, &fd, &address));
    const bool dead = connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
                      errno == ECONNREFUSED; // EAGAIN: its queue is full
    close(fd);
    if (!dead) return fail(ERR_IO, "another datad serves %s", s->place.socket);
    rendezvous_leave(&s->place);
    return OK;
}

static enum err bind_and_listen(struct server *s)
{
    struct sockaddr_un address;
    TRY(clear_place(s));
    TRY(open_socket(s, &s->listen_fd, &address));
    if (bind(s->listen_fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return fail(ERR_IO, "bind %s: %s", s->place.socket, strerror(errno));
    TRY(rendezvous_restrict(&s->place));
    if (listen(s->listen_fd, BACKLOG) != 0)
        return fail(ERR_IO, "listen at %s: %s", s->place.socket, strerror(errno));
    return OK;
}

/// Of several that start at once, one listens and the others say that it does.
static enum err listen_at_place(struct server *s)
{
    TRY(rendezvous_lock(&s->place));
    const enum err e = bind_and_listen(s);
    rendezvous_unlock(&s->place);
    return e;
}

/// Sends it all or fails: a frame is far smaller than a socket's buffer.
static bool send_reply(int fd, const struct connection_reply *reply)
{
    struct iovec data = {.iov_base = (void *)(uintptr_t)reply->bytes, .iov_len = reply->n_bytes};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof reply->fds)];
    } control = {0};
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};
    if (reply->n_fds > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof reply->fds);
        memcpy(CMSG_DATA(c), reply->fds, sizeof reply->fds);
    }
    ssize_t n;
    do
        n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n >= 0 && (size_t)n == reply->n_bytes;
}

static void close_reply(const struct connection_reply *reply)
{
    for (size_t i = 0; i < reply->n_fds; i++)
        close(reply->fds[i]);
}

/// Tells the peer this thread's error line, if it still listens.
static void refuse(int fd, enum err e)
{
    struct connection_reply reply;
    connection_refuse(e, &reply);
    (void)send_reply(fd, &reply);
}

static void close_peer(struct peer *p)
{
    close(p->fd);
    p->fd = -1;
    connection_close(&p->connection);
}

static enum err check_user(int fd)
{
    struct ucred user;
    socklen_t n_bytes = sizeof user;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &n_bytes) != 0)
        return fail(ERR_IO, "credentials of a client: %s", strerror(errno));
    if (user.uid != geteuid()) return fail(ERR_DENIED, "this datad serves user %u only", geteuid());
    return OK;
}

static struct peer *find_free(struct server *s)
{
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++)
        if (!s->peers[i].connection.used) return &s->peers[i];
    return NULL;
}

static void admit(struct server *s, int fd)
{
    struct peer *p = find_free(s);
    enum err e = check_user(fd);
    if (e == OK && p == NULL) e = fail(ERR_IO, "datad has %d clients already", SERVICE_CONNECTIONS);
    if (e != OK) {
        refuse(fd, e);
        close(fd);
        return;
    }
    connection_begin(&p->connection, s->service);
    p->fd = fd;
    p->owed_since_ns = clock_now_ns();
}

static void accept_some(struct server *s)
{
    for (int i = 0; i < BATCH_OF_ACCEPTS; i++) {
        const int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        admit(s, fd);
    }
}

static void note_debt(struct peer *p)
{
    if (!connection_owes(&p->connection))
        p->owed_since_ns = 0;
    else if (p->owed_since_ns == 0)
        p->owed_since_ns = clock_now_ns();
}

static void serve(struct peer *p)
{
    size_t n_room;
    uint8_t *room = connection_room(&p->connection, &n_room);
    const ssize_t n = recv(p->fd, room, n_room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        close_peer(p);
        return;
    }
    struct connection_reply reply;
    const enum err e = connection_take(&p->connection, (size_t)n, &reply);
    const bool sent = e == OK && (reply.n_bytes == 0 || send_reply(p->fd, &reply));
    close_reply(&reply);
    if (e != OK) refuse(p->fd, e);
    if (!sent)
        close_peer(p);
    else
        note_debt(p);
}

static void drop_debtor(struct peer *p, uint64_t now_ns, uint64_t patience_ns)
{
    if (p->owed_since_ns == 0 || now_ns - p->owed_since_ns < patience_ns) return;
    refuse(p->fd,
           fail(ERR_DATA, "half a frame and then nothing for %.1f s", (double)patience_ns / 1e9));
    close_peer(p);
}

/// Ends closed peers whose jobs are done, drops debtors; returns whether closed ones remain.
static bool sweep(struct server *s)
{
    const uint64_t now_ns = clock_now_ns();
    bool remain = false;
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++) {
        struct peer *p = &s->peers[i];
        if (p->fd >= 0) drop_debtor(p, now_ns, s->patience_ns);
        if (p->connection.used && p->fd < 0) remain = !connection_end(&p->connection) || remain;
    }
    return remain;
}

static void fill_polls(const struct server *s, struct pollfd *polls)
{
    polls[0] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = s->listen_fd, .events = POLLIN};
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++)
        polls[POLL_FIXED + i] = (struct pollfd){.fd = s->peers[i].fd, .events = POLLIN};
}

/// One round; returns false when a signal has come.
static bool serve_round(struct server *s)
{
    struct pollfd polls[POLL_FIXED + SERVICE_CONNECTIONS];
    const bool remain = sweep(s);
    fill_polls(s, polls);
    if (poll(polls, POLL_FIXED + SERVICE_CONNECTIONS, remain ? POLL_CLOSING_MS : POLL_MS) <= 0)
        return true;
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++)
        if (polls[POLL_FIXED + i].revents != 0) serve(&s->peers[i]);
    if (polls[1].revents != 0) accept_some(s);
    return polls[0].revents == 0;
}

static bool jobs_remain(const struct server *s)
{
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++) {
        const struct peer *p = &s->peers[i];
        if (p->connection.used && atomic_load(&p->connection.n_jobs) > 0) return true;
    }
    return false;
}

/// Answers what was asked for, then closes all; a client finds the next datad or says that there is
/// none.
static void drain(struct server *s)
{
    const uint64_t begin_ns = clock_now_ns();
    rendezvous_leave(&s->place);
    while (jobs_remain(s) && clock_now_ns() - begin_ns < DRAIN_NS)
        clock_nap_ns(DRAIN_NAP_NS);
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++)
        if (s->peers[i].fd >= 0) close_peer(&s->peers[i]);
    while (sweep(s))
        clock_nap_ns(DRAIN_NAP_NS); // dropped jobs end at once, the one being made soon
}

static void run(struct server *s)
{
    log_line("datad: serving at %s", s->place.socket);
    while (serve_round(s))
        continue;
    drain(s);
    log_line("datad: stopped serving at %s", s->place.socket);
}

static enum err open_and_run(struct server *s, const struct server_options *o, struct arena *a)
{
    TRY(rendezvous_open(o->socket, true, &s->place));
    TRY(open_signals(&s->signal_fd)); // before the workers are born, so that they block them too
    TRY(service_open(&o->service, connection_run_job, a, &s->service));
    const enum err e = listen_at_place(s);
    if (e == OK) run(s);
    service_close(s->service);
    return e;
}

enum err server_run(const struct server_options *o)
{
    struct arena a;
    arena_init(&a, "datad");
    struct server s = {.place = {.folder_fd = -1}, .signal_fd = -1, .listen_fd = -1};
    s.patience_ns = o->patience_ns > 0 ? o->patience_ns : PATIENCE_NS;
    s.peers = ARENA_ARRAY(&a, struct peer, SERVICE_CONNECTIONS);
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++)
        s.peers[i].fd = -1;
    const enum err e = open_and_run(&s, o, &a);
    if (s.listen_fd >= 0) close(s.listen_fd);
    if (s.signal_fd >= 0) close(s.signal_fd);
    rendezvous_close(&s.place);
    arena_fini(&a);
    return e;
}
