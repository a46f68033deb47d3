#pragma once
// A client's end of the socket to datad: bytes out, frames and descriptors in. What the frames mean
// is the client's business (datad/client.c).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "datad/protocol.h"

struct link {
    int fd; // -1 = not connected
    uint8_t input[PROTOCOL_FRAME_LIMIT];
    size_t n_input;
};

/// Connects to the datad of this user at socket, non-blocking; nothing has been said yet. Errors:
/// ERR_GONE (nobody listens), ERR_DENIED, ERR_IO.
enum err link_open(struct link *l, const char *socket) MUST_CHECK;
/// Nothing to do when l is not connected. Can't fail.
void link_close(struct link *l);
/// Sends all of it without waiting; false = the connection is of no use any more.
bool link_send(struct link *l, const uint8_t *bytes, size_t n_bytes);
/// Waits until something has come, at most wait_ms. Can't fail.
bool link_readable(const struct link *l, int wait_ms);
/// Reads what has come; descriptors, at most two, go to fds. False = the connection has ended.
bool link_receive(struct link *l, int fds[2]);
/// Closes those that are not -1. Can't fail.
void link_close_passed(const int fds[2]);
/// Takes the next frame when it is whole (*taken). Errors: what datad says in ERROR; ERR_DATA for a
/// frame that the state does not allow.
enum err link_take(struct link *l, enum protocol_state state, struct protocol_message *out,
                   bool *taken) MUST_CHECK;
