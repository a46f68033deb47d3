#pragma once
// One client as datad sees it, without its socket: bytes come in, frames go out, requests become
// jobs of the workers. A peer that breaks the protocol gets an error and nothing else happens.
//
//     NEW --HELLO--> READY --REQUEST--> READY --close--> closing --last job done--> free

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "datad/batch.h"
#include "datad/client.h"
#include "datad/protocol.h"
#include "datad/service.h"
#include "datad/slots.h"
#include "datad/tally.h"

struct connection;
struct connection_job {
    struct connection *connection;
    uint64_t step, lane;
    uint32_t sequence;
    atomic_bool under_way; // set by the server's thread, cleared by a worker before it publishes
};

struct connection {
    bool used;
    enum protocol_state state;
    struct service *service;
    uint8_t input[PROTOCOL_FRAME_LIMIT];
    size_t n_input;
    struct stream *stream; // from HELLO on
    struct batch_shape shape;
    struct batch_layout layout;
    struct slots slots;
    struct connection_job jobs[CLIENT_WINDOW]; // one a slot
    atomic_size_t n_jobs;                      // under way
    atomic_bool closing;                       // jobs are dropped
    bool asks_status;                          // and nothing else
    uint64_t begun_ns, waited_ns;              // waited: as the client says
    uint64_t step, lane;                       // asked for last
    struct tally tally;
    struct rate rate;
};

// What to send; with WELCOME two descriptors, which the receiver of this closes.
struct connection_reply {
    size_t n_bytes;
    uint8_t bytes[PROTOCOL_FRAME_LIMIT];
    size_t n_fds;
    int fds[2];
};

/// A new connection in state NEW; borrows service. Can't fail.
void connection_begin(struct connection *c, struct service *service);
/// Room for input: where and how much; then connection_take says how much came. Can't fail.
uint8_t *connection_room(struct connection *c, size_t *n_bytes);
/// Handles the frames that are complete. Errors (the line is for the peer): ERR_DATA for a breach
/// of the protocol, ERR_CONFIG for a hello that cannot be served; the connection is to be closed
/// then.
enum err connection_take(struct connection *c, size_t n_bytes,
                         struct connection_reply *reply) MUST_CHECK;
/// True when the peer owes the rest of a frame or its HELLO.
bool connection_owes(const struct connection *c);
/// Jobs that have not begun are dropped; connection_end frees. Can't fail.
void connection_close(struct connection *c);
/// Frees what a closed connection held when its last job is done; false = not yet.
bool connection_end(struct connection *c);
/// The workers' job function; job is a struct connection_job.
void connection_run_job(void *job);
/// The REPORT frame with json in a sealed descriptor, which the receiver of reply closes. Errors:
/// ERR_MEMORY.
enum err connection_report(struct span json, struct connection_reply *reply) MUST_CHECK;
/// The ERROR frame for e with this thread's line. Can't fail.
void connection_refuse(enum err e, struct connection_reply *reply);
