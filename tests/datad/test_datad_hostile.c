// Peers and places that mean harm or are broken: each gets an error or a closed connection, and a
// client beside them reads on.

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "datad/connection.h"
#include "tests/datad/raw_peer.h"
#include "tests/datad/spawned.h"

enum { OTHER_USER = 65534 };

// A client that must not notice anything: it reads one batch a call and compares with what it read
// the first time.

struct witness {
    struct arena arena;
    struct client *client;
    uint64_t first; // hash of step 0, lane 0
};

static uint64_t witness_look(struct witness *w)
{
    struct batch b;
    CHECK_OK(client_request(w->client, 0, 0));
    CHECK_OK(client_wait(w->client, 0, 0, &b));
    const struct batch_array *tokens = batch_array(&b, "tokens");
    const uint64_t h = hash_xxh3(tokens->data, tokens->count * 4, b.step_loss_tokens);
    client_release(w->client, &b);
    return h;
}

static void witness_begin(struct witness *w, const struct spawned *s)
{
    const struct client_options o = spawned_client(s);
    arena_init(&w->arena, "witness");
    CHECK_OK(client_open(&o, &w->arena, &w->client));
    w->first = witness_look(w);
}

static void witness_check(struct witness *w)
{
    CHECK(witness_look(w) == w->first);
}

static void witness_end(struct witness *w)
{
    client_close(w->client);
    arena_fini(&w->arena);
}

static int join(const struct spawned *s)
{
    const int fd = raw_peer_connect(s->socket);
    CHECK(fd >= 0);
    return fd;
}

static struct protocol_message hello_of(uint64_t T, uint64_t lane_rows, uint64_t step_lanes)
{
    struct protocol_message m = {.type = PROTOCOL_HELLO};
    m.hello.stream = (struct stream_request){SPLIT_TRAIN, T, 5};
    m.hello.shape = (struct batch_shape){.T = T, .lane_rows = lane_rows, .step_lanes = step_lanes};
    return m;
}

/// A peer in state READY; its descriptors go to fds.
static int join_ready(const struct spawned *s, int fds[2], struct protocol_message *welcome)
{
    const int fd = join(s);
    const struct protocol_message hello = hello_of(48, 2, 6);
    fds[0] = fds[1] = -1;
    CHECK(raw_peer_say(fd, &hello));
    CHECK(raw_peer_hear(fd, PROTOCOL_CLIENT_NEW, welcome, fds));
    CHECK_EQ(welcome->type, PROTOCOL_WELCOME);
    CHECK(fds[0] >= 0 && fds[1] >= 0);
    return fd;
}

static void leave(int fd, int fds[2])
{
    close(fd);
    close(fds[0]);
    close(fds[1]);
}

/// Says bytes; datad answers with ERROR and line, and closes.
static void check_refused(const struct spawned *s, const void *data, size_t n_bytes,
                          const char *line)
{
    struct protocol_message m;
    const int fd = join(s);
    CHECK(raw_peer_send(fd, data, n_bytes));
    CHECK(raw_peer_hear(fd, PROTOCOL_CLIENT_NEW, &m, NULL));
    CHECK_EQ(m.type, PROTOCOL_ERROR);
    CHECK_TEXT(m.error.line, line);
    raw_peer_await_close(fd);
    close(fd);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/// The frame of m with one header field changed and the header's sum made right again.
static void check_header_refused(const struct spawned *s, size_t offset, uint32_t value,
                                 const char *line)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    const struct protocol_message hello = hello_of(48, 2, 6);
    const size_t n_bytes = protocol_encode(&hello, frame);
    put_u32(frame + offset, value);
    put_u32(frame + 28, hash_crc32c(0, frame, 28));
    check_refused(s, frame, n_bytes, line);
}

static void check_frames(const struct spawned *s, struct witness *w)
{
    uint8_t junk[PROTOCOL_FRAME_LIMIT];
    memset(junk, 0xA5, sizeof junk);
    check_refused(s, junk, sizeof junk, "not a datad frame (magic a5a5a5a5)");
    witness_check(w);
    check_header_refused(s, 8, 1U << 31, "frame of type 1 with a body of 2147483648 bytes");
    check_header_refused(s, 8, 0, "frame of type 1 with a body of 0 bytes");
    check_header_refused(s, 4, PROTOCOL_VERSION | 77U << 16, "frame of type 77 is not allowed now");
    check_header_refused(s, 4, PROTOCOL_VERSION | 2U << 16, "frame of type 2 is not allowed now");
    check_header_refused(s, 4, 9U | 1U << 16, "frame of protocol version 9, this is 3");
    check_header_refused(s, 24, 1, "frame header is damaged");
    check_header_refused(s, 12, 1, "frame body is damaged");
    witness_check(w);
    const struct protocol_message early = {.type = PROTOCOL_REQUEST, .sequence = 1};
    const size_t n_bytes = protocol_encode(&early, junk);
    check_refused(s, junk, n_bytes, "frame of type 3 is not allowed now");
    witness_check(w);
}

/// Every prefix of HELLO and then the end; the last one byte by byte and whole.
static void check_halves(const struct spawned *s, struct witness *w)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    const struct protocol_message hello = hello_of(48, 2, 6);
    const size_t n_bytes = protocol_encode(&hello, frame);
    for (size_t part = 0; part < n_bytes; part++) {
        const int fd = join(s);
        CHECK(part == 0 || raw_peer_send(fd, frame, part));
        close(fd);
    }
    witness_check(w);
    struct protocol_message m;
    int fds[2] = {-1, -1};
    const int fd = join(s);
    for (size_t i = 0; i < n_bytes; i++)
        CHECK(raw_peer_send(fd, frame + i, 1));
    CHECK(raw_peer_hear(fd, PROTOCOL_CLIENT_NEW, &m, fds));
    CHECK_EQ(m.type, PROTOCOL_WELCOME);
    leave(fd, fds);
    witness_check(w);
}

/// Half a frame and then silence: closed by datad, with the reason, before a client that owes
/// nothing.
static void check_silence(struct spawned *s, struct witness *w)
{
    struct protocol_message m;
    (void)spawned_end(s, SIGTERM);
    s->options.patience_ns = 100000000;
    spawned_start(s);
    witness_check(w);
    const int fd = join(s);
    CHECK(raw_peer_send(fd, "WFTD", 4));
    witness_check(w);
    CHECK(raw_peer_hear(fd, PROTOCOL_CLIENT_NEW, &m, NULL));
    CHECK_TEXT(m.error.line, "half a frame and then nothing for 0.1 s");
    raw_peer_await_close(fd);
    close(fd);
    witness_check(w);
    (void)spawned_end(s, SIGTERM);
    s->options.patience_ns = 0;
    spawned_start(s);
}

static void check_hellos(const struct spawned *s, struct witness *w)
{
    static const struct {
        uint64_t T, lane_rows, step_lanes;
        const char *line;
    } cases[] = {
        {0, 2, 6, "a sequence of 0 tokens: 1 to 1048576 are possible"},
        {UINT64_MAX, 2, 6, "a sequence of 18446744073709551615 tokens: 1 to 1048576 are possible"},
        {48, 0, 6, "a lane of 0 rows of 48 tokens: 1 to 16777216 tokens are possible"},
        {48, UINT64_MAX / 48, 6,
         "a lane of 384307168202282325 rows of 48 tokens: 1 to 16777216 tokens are possible"},
        {48, 2, 0, "a step of 0 lanes: 1 to 16777216 are possible"},
        {48, 2, UINT64_MAX, "a step of 18446744073709551615 lanes: 1 to 16777216 are possible"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t frame[PROTOCOL_FRAME_LIMIT];
        const struct protocol_message m =
            hello_of(cases[i].T, cases[i].lane_rows, cases[i].step_lanes);
        check_refused(s, frame, protocol_encode(&m, frame), cases[i].line);
    }
    witness_check(w);
}

/// Floods of requests: for one slot that is being filled, and all slots at once followed by death.
static void check_requests(const struct spawned *s, struct witness *w)
{
    struct protocol_message m;
    int fds[2];
    for (unsigned round = 0; round < 20; round++) {
        const int fd = join_ready(s, fds, &m);
        for (uint64_t i = 1; i <= CLIENT_WINDOW; i++) {
            struct protocol_message request = {.type = PROTOCOL_REQUEST, .sequence = i};
            request.request = (struct protocol_request){1000 * i * (round + 1), i % 6, i - 1, 0};
            CHECK(raw_peer_say(fd, &request));
        }
        leave(fd, fds); // with all of them under way
    }
    witness_check(w);
    const int fd = join_ready(s, fds, &m);
    bool open = true;
    for (uint64_t i = 1; open; i++) { // the same slot faster than it can be filled
        struct protocol_message request = {.type = PROTOCOL_REQUEST, .sequence = i};
        request.request = (struct protocol_request){977 * i, 0, 0, 0};
        open = raw_peer_say(fd, &request);
    }
    leave(fd, fds);
    witness_check(w);
}

/// What a client gets can neither be written nor shrunk nor grown.
static void check_memory(const struct spawned *s, struct witness *w)
{
    struct protocol_message m;
    int fds[2];
    const int fd = join_ready(s, fds, &m);
    for (size_t i = 0; i < 2; i++) {
        struct stat st;
        CHECK(fstat(fds[i], &st) == 0 && st.st_size > 0);
        CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0) == MAP_FAILED);
        CHECK(write(fds[i], "x", 1) < 0);
        CHECK(ftruncate(fds[i], 0) < 0 && ftruncate(fds[i], st.st_size * 2) < 0);
        CHECK(fcntl(fds[i], F_ADD_SEALS, 0) < 0);
    }
    leave(fd, fds);
    witness_check(w);
}

static void check_crowd(const struct spawned *s, struct witness *w)
{
    int fds[SERVICE_CONNECTIONS];
    struct protocol_message m;
    for (size_t i = 0; i + 1 < SERVICE_CONNECTIONS; i++)
        fds[i] = join(s);
    const int extra = join(s);
    CHECK(raw_peer_hear(extra, PROTOCOL_CLIENT_NEW, &m, NULL));
    CHECK_TEXT(m.error.line, "datad has 256 clients already");
    close(extra);
    witness_check(w);
    for (size_t i = 0; i + 1 < SERVICE_CONNECTIONS; i++)
        close(fds[i]);
    witness_check(w);
    int one[2];
    const int fd = join_ready(s, one, &m);
    leave(fd, one);
}

/// Steps and lanes that do not exist, and a damaged bin, are answered with their reason; the client
/// lives on.
static void check_bad_batches(struct witness *w, bool damaged)
{
    struct batch b;
    CHECK_OK(client_request(w->client, 0, 6));
    CHECK_ERR(client_wait(w->client, 0, 6, &b), ERR_CONFIG);
    CHECK_LINE("step 0 lane 6: lane 6 of a step of 6 lanes");
    CHECK_OK(client_request(w->client, UINT64_MAX / 3, 0));
    CHECK_ERR(client_wait(w->client, UINT64_MAX / 3, 0, &b), ERR_CONFIG);
    unsigned n_damaged = 0;
    for (uint64_t step = 0; damaged && step < 100; step++) {
        CHECK_OK(client_request(w->client, step, 1));
        const enum err e = client_wait(w->client, step, 1, &b);
        CHECK(e == OK || e == ERR_CORRUPT);
        if (e == OK)
            client_release(w->client, &b);
        else
            CHECK(strstr(err_line(), "made bin 2 is damaged") != NULL);
        n_damaged += e != OK;
    }
    CHECK(!damaged || (n_damaged > 0 && n_damaged < 100));
}

static bool never(void *context)
{
    ++*(unsigned *)context;
    return false;
}

static bool never_with_cause(void *context)
{
    (void)context;
    return fail(ERR_IO, "the supervisor has given up") == OK;
}

/// Clients without a datad, with a stopped one, with one for other data, and with wrong wishes.
static void check_clients(struct spawned *s, struct witness *w)
{
    struct arena a;
    struct client *c;
    unsigned n_calls = 0;
    arena_init(&a, "client");
    struct client_options o = spawned_client(s);
    o.sequence = 1 << 18;
    CHECK_ERR(client_open(&o, &a, &c), ERR_CONFIG);
    CHECK(strstr(err_line(), "a sequence of 262144 is longer than the ") != NULL);
    o.sequence = 48;
    o.split = "test";
    CHECK_ERR(client_open(&o, &a, &c), ERR_CONFIG);
    o.split = "train";
    o.deadline_ns = 50000000;
    o.socket = "absent-folder/socket";
    CHECK_ERR(client_open(&o, &a, &c), ERR_GONE);
    CHECK_LINE(
        "datad at absent-folder/socket: hello not done within 0.1 s: no datad: there is no folder "
        "absent-folder");
    o.socket = s->socket;
    CHECK(kill(s->pid, SIGSTOP) == 0);
    CHECK_ERR(client_open(&o, &a, &c), ERR_GONE);
    o.keep_waiting = never;
    o.context = &n_calls;
    CHECK_ERR(client_open(&o, &a, &c), ERR_GONE);
    CHECK_EQ(n_calls, 1);
    o.keep_waiting = never_with_cause;
    CHECK_ERR(client_open(&o, &a, &c), ERR_GONE);
    CHECK_LINE("the supervisor has given up");
    CHECK(kill(s->pid, SIGCONT) == 0);
    witness_check(w);
    arena_fini(&a);
}

/// A restarted datad that serves something else is refused, not trained on.
static void check_other_data(struct spawned *s)
{
    struct witness w;
    struct batch b;
    witness_begin(&w, s);
    (void)spawned_end(s, SIGKILL);
    s->sources[1].weight += 1;
    spawned_start(s);
    CHECK_OK(client_request(w.client, 0, 0));
    CHECK_ERR(client_wait(w.client, 0, 0, &b), ERR_DATA);
    CHECK(strstr(err_line(), "was restarted with other data or another mixture") != NULL);
    s->sources[1].weight -= 1;
    (void)spawned_end(s, SIGKILL);
    spawned_start(s);
    witness_check(&w);
    witness_end(&w);
}

static int exit_code_of_second(const struct spawned *s)
{
    int status;
    const pid_t pid = spawned_fork(s);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/// Several that start at once at a dead one's socket: one serves, the others say so; beside it in
/// the folder another may serve.
static void check_race(struct spawned *s)
{
    enum { RACERS = 6 };
    pid_t pids[RACERS];
    (void)spawned_end(s, SIGKILL);
    for (size_t i = 0; i < RACERS; i++)
        pids[i] = spawned_fork(s);
    for (size_t n_ended = 0; n_ended < RACERS - 1; n_ended++) {
        int status;
        const pid_t pid = waitpid(-1, &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 74);
        for (size_t i = 0; i < RACERS; i++)
            if (pids[i] == pid) pids[i] = 0;
    }
    for (size_t i = 0; i < RACERS; i++)
        if (pids[i] != 0) s->pid = pids[i];
    struct spawned other = *s;
    struct witness w;
    snprintf(other.socket, sizeof other.socket, "%s/run/other", s->folder);
    other.options.socket = other.socket;
    spawned_start(&other);
    witness_begin(&w, &other);
    witness_end(&w);
    CHECK_EQ(spawned_end(&other, SIGTERM), 0);
    witness_begin(&w, s);
    witness_end(&w);
}

/// A live socket is not taken over; a dead one's is; SIGTERM leaves nothing behind; strangers'
/// places are refused.
static void check_places(struct spawned *s)
{
    struct stat st;
    CHECK_EQ(exit_code_of_second(s), 74);
    CHECK(stat(s->socket, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_EQ(spawned_end(s, SIGTERM), 0);
    CHECK(stat(s->socket, &st) != 0);
    int fd = open(s->socket, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK_EQ(exit_code_of_second(s), 77); // a file, not a socket
    CHECK(unlink(s->socket) == 0);
    CHECK(symlink("elsewhere", s->socket) == 0);
    CHECK_EQ(exit_code_of_second(s), 77);
    CHECK(unlink(s->socket) == 0);
}

/// Needs root: gives the folder, then the socket, to somebody else.
static void check_strangers(struct spawned *s)
{
    struct arena a;
    struct client *c;
    char folder[80];
    if (geteuid() != 0) return;
    arena_init(&a, "client");
    snprintf(folder, sizeof folder, "%s/run", s->folder);
    const struct client_options o = spawned_client(s);
    spawned_start(s);
    CHECK_OK(client_open(&o, &a, &c));
    client_close(c);
    CHECK(chown(s->socket, OTHER_USER, OTHER_USER) == 0);
    CHECK_ERR(client_open(&o, &a, &c), ERR_DENIED);
    CHECK(chown(folder, OTHER_USER, OTHER_USER) == 0);
    CHECK_ERR(client_open(&o, &a, &c), ERR_DENIED);
    CHECK_EQ(exit_code_of_second(s), 77);
    (void)spawned_end(s, SIGKILL);
    CHECK(chown(folder, 0, 0) == 0);
    CHECK_EQ(exit_code_of_second(s), 77);
    CHECK(unlink(s->socket) == 0);
    arena_fini(&a);
}

/// Says which error datad has for a peer of another user, as an exit code.
static int exit_code_of_stranger(const char *folder)
{
    int status;
    fflush(NULL);
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct protocol_message m;
        CHECK(chdir(folder) == 0 && setresuid(OTHER_USER, OTHER_USER, OTHER_USER) == 0);
        const int fd = raw_peer_connect("socket");
        CHECK(fd >= 0 && raw_peer_hear(fd, PROTOCOL_CLIENT_NEW, &m, NULL));
        _exit(m.type == PROTOCOL_ERROR ? err_exit_code(m.error.err) : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/// Needs root: a peer of another user is turned away by its credentials, even where the file modes
/// let it in.
static void check_other_user(struct spawned *s)
{
    char folder[80];
    struct witness w;
    spawned_start(s);
    if (geteuid() != 0) return;
    witness_begin(&w, s);
    snprintf(folder, sizeof folder, "%s/run", s->folder);
    CHECK(chmod(folder, 0711) == 0 && chmod(s->socket, 0666) == 0);
    CHECK_EQ(exit_code_of_stranger(folder), 77);
    CHECK(chmod(folder, 0700) == 0 && chmod(s->socket, 0600) == 0);
    witness_check(&w);
    witness_end(&w);
}

/// Needs root: somebody else's process listens at a socket that looks like ours.
static void check_other_server(const struct spawned *s)
{
    struct arena a;
    struct client *c;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (geteuid() != 0) return;
    CHECK(unlink(s->socket) == 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", s->socket);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    CHECK(chmod(s->socket, 0600) == 0);
    CHECK(seteuid(OTHER_USER) == 0 && listen(fd, 1) == 0 && seteuid(0) == 0);
    arena_init(&a, "client");
    const struct client_options o = spawned_client(s);
    CHECK_ERR(client_open(&o, &a, &c), ERR_DENIED);
    CHECK(strstr(err_line(), "runs as user 65534, not as 0") != NULL);
    arena_fini(&a);
    close(fd);
}

int main(int argc, char **argv)
{
    struct spawned s;
    struct witness w;
    spawned_init(&s, check_seed(argc, argv));
    spawned_start(&s);
    witness_begin(&w, &s);
    check_frames(&s, &w);
    check_halves(&s, &w);
    check_hellos(&s, &w);
    check_requests(&s, &w);
    check_memory(&s, &w);
    check_crowd(&s, &w);
    check_silence(&s, &w);
    check_clients(&s, &w);
    check_bad_batches(&w, false);
    witness_end(&w);
    check_other_data(&s);
    check_race(&s);
    check_places(&s);
    check_strangers(&s);
    ((struct made *)s.sources[0].context)->bad_bin = 2;
    s.options.service.rule.validation = 0;
    check_other_user(&s);
    witness_begin(&w, &s);
    check_bad_batches(&w, true);
    witness_end(&w);
    check_other_server(&s);
    spawned_fini(&s);
    return 0;
}
