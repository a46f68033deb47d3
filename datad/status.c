#include "datad/status.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "datad/client.h"
#include "datad/protocol.h"

enum { ANSWER_MS = 10000 };

static enum err send_question(int fd)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    const size_t n_bytes =
        protocol_encode(&(struct protocol_message){.type = PROTOCOL_STATUS}, frame);
    const ssize_t n = send(fd, frame, n_bytes, MSG_NOSIGNAL);
    return n == (ssize_t)n_bytes ? OK : fail(ERR_GONE, "datad hung up");
}

/// One frame with at most one descriptor; -1 when none came with it.
static enum err receive(int fd, struct protocol_message *out, int *report_fd)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    struct iovec data = {.iov_base = frame, .iov_len = sizeof frame};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr m = {.msg_iov = &data,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, ANSWER_MS) <= 0) return fail(ERR_GONE, "no answer");
    const ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n <= 0) return fail(ERR_GONE, "datad hung up");
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&m);
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
        rights->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(report_fd, CMSG_DATA(rights), sizeof(int));
    size_t n_used;
    TRY(protocol_decode(PROTOCOL_CLIENT_NEW, frame, (size_t)n, out, &n_used));
    return n_used > 0 ? OK : fail(ERR_DATA, "half an answer");
}

static enum err read_report(int fd, uint64_t n_bytes, struct arena *a, char **json)
{
    char *text = arena_alloc(a, n_bytes + 1, 1); // n_bytes is below PROTOCOL_REPORT_LIMIT
    TRY(file_pread(fd, "report", text, n_bytes, 0));
    *json = text;
    return OK;
}

static enum err converse(int fd, struct arena *a, char **json)
{
    struct protocol_message m;
    int report_fd = -1;
    TRY(send_question(fd));
    enum err e = receive(fd, &m, &report_fd);
    if (e == OK && m.type == PROTOCOL_ERROR) e = fail(m.error.err, "%s", m.error.line);
    if (e == OK && (m.type != PROTOCOL_REPORT || report_fd < 0))
        e = fail(ERR_DATA, "another answer than a report");
    if (e == OK) e = read_report(report_fd, m.report.n_bytes, a, json);
    if (report_fd >= 0) close(report_fd);
    return e;
}

enum err status_ask(const char *socket, struct arena *a, char **json)
{
    int fd;
    enum err e = client_connect(socket, &fd);
    if (e != OK) return fail_at(e, "datad at %s", socket);
    e = converse(fd, a, json);
    close(fd);
    return e == OK ? OK : fail_at(e, "datad at %s", socket);
}
