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
#include "base/text.h"
#include "datad/metrics.h"
#include "datad/notify.h"
#include "datad/rendezvous.h"
#include "datad/slots.h"
#include "datad/survey.h"

#define PATIENCE_NS UINT64_C(5000000000)
#define DRAIN_NS UINT64_C(5000000000)
#define DRAIN_NAP_NS UINT64_C(1000000)

enum {
    BACKLOG = 128,
    POLL_MS = 250,         // to notice peers that owe bytes
    POLL_CLOSING_MS = 20,  // while the last jobs of closed connections run
    POLL_FIXED = 3,        // signals, listener, metrics
    BATCH_OF_ACCEPTS = 32, // between looks at the others
};

struct server {
    const struct server_options *options;
    struct rendezvous place;
    int signal_fd, listen_fd;
    struct service *service;
    uint64_t patience_ns;
    struct peer *peers;      // [SERVICE_CONNECTIONS]
    struct metrics *metrics; // or NULL
    struct survey survey;
    bool reloads; // ends in order to begin anew
};

static enum err open_signals(int *fd)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
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
        c->cmsg_len = CMSG_LEN(reply->n_fds * sizeof reply->fds[0]);
        m.msg_controllen = CMSG_SPACE(reply->n_fds * sizeof reply->fds[0]);
        memcpy(CMSG_DATA(c), reply->fds, reply->n_fds * sizeof reply->fds[0]);
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

static enum err check_user(int fd, long *pid)
{
    struct ucred user;
    socklen_t n_bytes = sizeof user;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &n_bytes) != 0)
        return fail(ERR_IO, "credentials of a client: %s", strerror(errno));
    *pid = user.pid;
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
    long pid = 0;
    enum err e = check_user(fd, &pid);
    s->survey.n_accepted++;
    if (e == OK && p == NULL) e = fail(ERR_IO, "datad has %d clients already", SERVICE_CONNECTIONS);
    if (e != OK) {
        s->survey.n_refused++;
        refuse(fd, e);
        close(fd);
        return;
    }
    connection_begin(&p->connection, s->service);
    p->fd = fd;
    p->pid = pid;
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

/// Answers STATUS with the report in a descriptor. False when there is no memory for it.
static bool send_status(struct server *s, struct peer *p)
{
    struct arena a;
    struct text text;
    arena_init(&a, "report");
    text_begin(&text, &a);
    const struct report report = survey_report(&s->survey, &a);
    report_json(&report, &text);
    struct connection_reply reply;
    bool sent =
        connection_report((struct span){(const uint8_t *)text.data, text.n_bytes}, &reply) == OK;
    sent = sent && send_reply(p->fd, &reply);
    close_reply(&reply);
    arena_fini(&a);
    return sent;
}

static void serve(struct server *s, struct peer *p)
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
    s->survey.n_refused += e != OK;
    if (p->connection.asks_status) (void)send_status(s, p);
    if (!sent || p->connection.asks_status)
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
        if (p->fd >= 0)
            rate_note(&p->connection.rate, now_ns, atomic_load(&p->connection.tally.tokens));
        if (p->connection.used && p->fd < 0) remain = !connection_end(&p->connection) || remain;
    }
    return remain;
}

static void fill_polls(const struct server *s, struct pollfd *polls)
{
    polls[0] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = s->listen_fd, .events = POLLIN};
    polls[2] = (struct pollfd){.fd = s->metrics ? metrics_fd(s->metrics) : -1, .events = POLLIN};
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++)
        polls[POLL_FIXED + i] = (struct pollfd){.fd = s->peers[i].fd, .events = POLLIN};
}

/// Whether the signal that has come ends this server: all do, but for a reload that cannot be.
static bool take_signal(struct server *s)
{
    struct signalfd_siginfo info;
    if (read(s->signal_fd, &info, sizeof info) != (ssize_t)sizeof info) return false;
    if (info.ssi_signo != SIGHUP) return true;
    if (s->options->reload == NULL) {
        log_line("datad: SIGHUP: no config to reload");
        return false;
    }
    notify_send("RELOADING=1");
    const enum err e = s->options->reload(s->options->context, s->service);
    if (e == OK) {
        s->reloads = true;
        return true;
    }
    log_line("datad: SIGHUP: the old config stays: %s", err_line());
    notify_send("READY=1");
    return false;
}

/// One round; returns false when a signal has come that ends the server.
static bool serve_round(struct server *s)
{
    struct pollfd polls[POLL_FIXED + SERVICE_CONNECTIONS];
    const bool remain = sweep(s);
    fill_polls(s, polls);
    const int n = poll(polls, POLL_FIXED + SERVICE_CONNECTIONS, remain ? POLL_CLOSING_MS : POLL_MS);
    if (s->metrics) metrics_run(s->metrics); // without input too: ends those who are slow
    if (n <= 0) return true;
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++)
        if (polls[POLL_FIXED + i].revents != 0) serve(s, &s->peers[i]);
    if (polls[1].revents != 0) accept_some(s);
    return polls[0].revents == 0 || !take_signal(s);
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
    if (s->metrics) log_line("datad: metrics at port %u", metrics_port(s->metrics));
    notify_send("READY=1");
    while (serve_round(s))
        continue;
    if (!s->reloads) notify_send("STOPPING=1");
    drain(s);
    log_line("datad: stopped serving at %s", s->place.socket);
}

static void print_metrics(void *context, struct text *out)
{
    const struct survey *survey = context;
    const struct report report = survey_report(survey, out->arena);
    report_prometheus(&report, out);
}

static enum err open_metrics(struct server *s, struct arena *a)
{
    s->survey.socket = s->options->socket;
    s->survey.peers = s->peers;
    s->survey.service = s->service;
    s->survey.begun_ns = clock_now_ns();
    s->survey.n_reloads = s->options->n_reloads;
    const char *address = s->options->metrics;
    if (address == NULL || *address == '\0') return OK;
    return metrics_open(address, print_metrics, &s->survey, a, &s->metrics);
}

static enum err open_and_run(struct server *s, const struct server_options *o, struct arena *a)
{
    TRY(rendezvous_open(o->socket, true, &s->place));
    TRY(open_signals(&s->signal_fd)); // before the workers are born, so that they block them too
    TRY(service_open(&o->service, connection_run_job, a, &s->service));
    enum err e = open_metrics(s, a);
    if (e == OK) e = listen_at_place(s);
    if (e == OK) run(s);
    metrics_close(s->metrics);
    service_close(s->service);
    return e;
}

enum err server_run(const struct server_options *o, bool *reloads)
{
    struct arena a;
    arena_init(&a, "datad");
    struct server s = {.options = o, .place = {.folder_fd = -1}, .signal_fd = -1, .listen_fd = -1};
    s.patience_ns = o->patience_ns > 0 ? o->patience_ns : PATIENCE_NS;
    s.peers = ARENA_ARRAY(&a, struct peer, SERVICE_CONNECTIONS);
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++)
        s.peers[i].fd = -1;
    const enum err e = open_and_run(&s, o, &a);
    if (s.listen_fd >= 0) close(s.listen_fd);
    if (s.signal_fd >= 0) close(s.signal_fd);
    rendezvous_close(&s.place);
    arena_fini(&a);
    *reloads = s.reloads;
    return e;
}
