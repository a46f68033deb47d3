#include "datad/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/file.h"
#include "datad/batch_images.h"

void connection_begin(struct connection *c, struct service *service)
{
    ASSERT(!c->used);
    memset(c, 0, sizeof *c);
    c->used = true;
    c->state = PROTOCOL_DATAD_NEW;
    c->service = service;
    c->begun_ns = clock_now_ns();
    for (size_t i = 0; i < CLIENT_WINDOW; i++)
        c->jobs[i].connection = c;
}

uint8_t *connection_room(struct connection *c, size_t *n_bytes)
{
    *n_bytes = sizeof c->input - c->n_input;
    ASSERT(*n_bytes > 0);
    return c->input + c->n_input;
}

bool connection_owes(const struct connection *c)
{
    return c->state == PROTOCOL_DATAD_NEW || c->n_input > 0;
}

void connection_refuse(enum err e, struct connection_reply *reply)
{
    struct protocol_message m = {.type = PROTOCOL_ERROR, .error = {.err = e}};
    snprintf(m.error.line, sizeof m.error.line, "%s", err_line());
    *reply = (struct connection_reply){0};
    reply->n_bytes = protocol_encode(&m, reply->bytes);
}

enum err connection_report(struct span json, struct connection_reply *reply)
{
    const struct protocol_message m = {.type = PROTOCOL_REPORT, .report = {json.n_bytes}};
    *reply = (struct connection_reply){0};
    const int fd = memfd_create("datad report", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return fail(ERR_MEMORY, "memory for a report: %s", strerror(errno));
    reply->fds[reply->n_fds++] = fd;
    TRY(file_write(fd, "report", json.data, json.n_bytes));
    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    reply->n_bytes = protocol_encode(&m, reply->bytes);
    return OK;
}

static void welcome(struct connection *c, uint64_t n_rows, struct connection_reply *reply)
{
    struct protocol_message m = {.type = PROTOCOL_WELCOME};
    m.welcome.stream = *stream_info(c->stream);
    m.welcome.stream.stream_hash = stream_history(c->stream, n_rows);
    m.welcome.n_slots = CLIENT_WINDOW;
    m.welcome.prefetch = service_options(c->service)->prefetch;
    m.welcome.layout = c->layout;
    reply->n_bytes = protocol_encode(&m, reply->bytes);
}

static enum err take_hello(struct connection *c, const struct protocol_hello *hello,
                           struct connection_reply *reply)
{
    c->shape = hello->shape;
    TRY(batch_check_shape(&c->shape));
    const struct images_rule *images = &service_options(c->service)->rule.images;
    TRY(batch_layout_build(&c->shape, hello->arrays, &c->layout));
    TRY(batch_images_layout(images, &c->shape, hello->arrays, &c->layout));
    TRY(service_borrow(c->service, &hello->stream, &c->stream));
    TRY(slots_create(CLIENT_WINDOW, c->layout.slot_bytes, reply->fds, &c->slots));
    reply->n_fds = 2;
    welcome(c, hello->n_rows, reply);
    c->state = PROTOCOL_DATAD_READY;
    return OK;
}

static enum err take_request(struct connection *c, uint64_t sequence,
                             const struct protocol_request *request)
{
    struct connection_job *job = &c->jobs[request->slot];
    if (atomic_load(&job->under_way))
        return fail(ERR_DATA, "request for slot %llu, which is being filled",
                    (unsigned long long)request->slot);
    job->step = request->step;
    job->lane = request->lane;
    job->sequence = (uint32_t)sequence;
    c->step = request->step;
    c->lane = request->lane;
    c->waited_ns = request->waited_ns;
    service_reach(c->service, c->stream, batch_rows_before(&c->shape, request->step + 1));
    tally_request(&c->tally);
    tally_request(service_tally(c->service));
    atomic_store(&job->under_way, true);
    atomic_fetch_add(&c->n_jobs, 1);
    const bool room = workers_push(service_workers(c->service), job);
    ASSERT(room); // the queue has room for every slot of every connection
    return OK;
}

static enum err take_message(struct connection *c, const struct protocol_message *m,
                             struct connection_reply *reply)
{
    if (m->type == PROTOCOL_HELLO) return take_hello(c, &m->hello, reply);
    if (m->type == PROTOCOL_STATUS) {
        c->asks_status = true;
        return OK;
    }
    ASSERT(m->type == PROTOCOL_REQUEST); // what the decoder lets through in these states
    return take_request(c, m->sequence, &m->request);
}

static enum err take_frames(struct connection *c, struct connection_reply *reply)
{
    size_t at = 0;
    for (;;) {
        struct protocol_message m;
        size_t n_used;
        TRY(protocol_decode(c->state, c->input + at, c->n_input - at, &m, &n_used));
        if (n_used == 0) break;
        TRY(take_message(c, &m, reply));
        at += n_used;
    }
    memmove(c->input, c->input + at, c->n_input - at);
    c->n_input -= at;
    return OK;
}

enum err connection_take(struct connection *c, size_t n_bytes, struct connection_reply *reply)
{
    *reply = (struct connection_reply){0};
    c->n_input += n_bytes;
    ASSERT(c->n_input <= sizeof c->input);
    const enum err e = take_frames(c, reply);
    workers_wake(service_workers(c->service));
    return e;
}

void connection_run_job(void *context)
{
    struct connection_job *job = context;
    struct connection *c = job->connection;
    const size_t slot = (size_t)(job - c->jobs);
    const uint32_t sequence = job->sequence;
    if (!atomic_load(&c->closing)) {
        const uint64_t begin_ns = clock_now_ns();
        const struct batch_outcome made = batch_assemble(
            c->stream, &c->shape, &c->layout, job->step, job->lane, slots_row(&c->slots, slot));
        const uint64_t ns = clock_now_ns() - begin_ns;
        tally_batch(&c->tally, made.err, made.n_tokens, made.loss_tokens, ns);
        tally_batch(service_tally(c->service), made.err, made.n_tokens, made.loss_tokens, ns);
        tally_lost_images(service_tally(c->service), made.n_lost_images);
        atomic_store(&job->under_way, false); // before the client can ask for the slot again
        slots_publish(&c->slots, slot, sequence);
    }
    atomic_fetch_sub(&c->n_jobs, 1); // the last touch: the connection may be ended now
}

void connection_close(struct connection *c)
{
    atomic_store(&c->closing, true);
}

bool connection_end(struct connection *c)
{
    ASSERT(atomic_load(&c->closing));
    if (atomic_load(&c->n_jobs) > 0) return false;
    slots_unmap(&c->slots);
    if (c->stream != NULL) service_return(c->service, c->stream);
    c->used = false;
    return true;
}
