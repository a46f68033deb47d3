#pragma once
// A peer that says to datad whatever a test wants: bytes in, bytes out, no manners.

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "datad/protocol.h"
#include "tests/check.h"

enum { RAW_PEER_WAIT_MS = 20000 };

/// A connected socket, or -1 when nobody listens.
__attribute__((unused)) static int raw_peer_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CHECK(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/// False when the other side has closed.
__attribute__((unused)) static bool raw_peer_send(int fd, const void *data, size_t n_bytes)
{
    return send(fd, data, n_bytes, MSG_NOSIGNAL) == (ssize_t)n_bytes;
}

__attribute__((unused)) static bool raw_peer_say(int fd, const struct protocol_message *m)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    return raw_peer_send(fd, frame, protocol_encode(m, frame));
}

/// The next message; false when the other side closes first. fds (two, or NULL) take what comes
/// with it.
__attribute__((unused)) static bool raw_peer_hear(int fd, enum protocol_state state,
                                                  struct protocol_message *out, int *fds)
{
    uint8_t data[PROTOCOL_FRAME_LIMIT];
    size_t n_bytes = 0, n_used = 0;
    while (n_used == 0) {
        struct iovec io = {data + n_bytes, sizeof data - n_bytes};
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(2 * sizeof(int))];
        } control;
        struct msghdr m = {.msg_iov = &io,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
        struct pollfd p = {.fd = fd, .events = POLLIN};
        CHECK(poll(&p, 1, RAW_PEER_WAIT_MS) == 1);
        const ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
        if (n <= 0) return false;
        const struct cmsghdr *rights = CMSG_FIRSTHDR(&m);
        if (rights != NULL && fds != NULL) memcpy(fds, CMSG_DATA(rights), 2 * sizeof(int));
        n_bytes += (size_t)n;
        CHECK_OK(protocol_decode(state, data, n_bytes, out, &n_used));
    }
    return true;
}

/// Waits until the other side has closed, whatever it says before.
__attribute__((unused)) static void raw_peer_await_close(int fd)
{
    char sink[256];
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        CHECK(poll(&p, 1, RAW_PEER_WAIT_MS) == 1);
        if (recv(fd, sink, sizeof sink, 0) <= 0) return;
    }
}
