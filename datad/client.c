// A client's window: each of its CLIENT_WINDOW places is one batch, from request to release, and
// names the slot of shared memory that datad fills for it. Places change so:
//
//     FREE --client_request--> ASKED --send--> SENT --client_wait--> HELD --client_release--> FREE
//
// datad going away turns every SENT into ASKED (answers are idempotent, so asking again loses and
// repeats nothing). A HELD batch keeps the mapping that it lies in until its release, so the caller
// never sees that datad was replaced. At most `prefetch` places are SENT, but for the one that is
// being waited for, which is always sent. Others are sent once half of them have come, all in one
// piece: a call of the system for each would cost more than to make a small batch.

#include "datad/client.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "datad/link.h"
#include "datad/protocol.h"
#include "datad/slots.h"
#include "datad/synthetic.h"

#define DEFAULT_DEADLINE_NS UINT64_C(30000000000)
#define TICK_NS UINT64_C(200000)    // between calls of keep_waiting
#define NAP_NS UINT64_C(20000000)   // without keep_waiting: between looks at the socket
#define RETRY_NS UINT64_C(10000000) // between attempts to connect

enum { YIELDS = 8, MAPPINGS = CLIENT_WINDOW + 1 };

enum place_state { PLACE_FREE, PLACE_ASKED, PLACE_SENT, PLACE_HELD, PLACE_STATES };

struct place {
    enum place_state state;
    uint64_t step, lane;
    uint32_t sequence; // of the request sent last
    uint64_t asked;    // order of client_request
    size_t mapping;    // HELD: where the batch lies
};

struct mapping {
    struct slots slots; // zero = none
    size_t n_held;
};

struct client {
    struct client_options options;
    struct client_info info;
    struct synthetic *synthetic; // or NULL
    struct link link;
    bool known;             // info came once
    uint64_t n_rows;        // of the run up to the last step that came
    struct hash128 history; // of those
    uint64_t prefetch;
    struct batch_layout layout;
    size_t mapping; // of the current connection
    struct mapping mappings[MAPPINGS];
    struct place places[CLIENT_WINDOW];
    size_t n_in[PLACE_STATES]; // places in each state
    uint64_t n_asked, n_sent;  // ever
    uint64_t waited_ns;        // in client_wait
    uint64_t next_attempt_ns;
};

// Waiting.

struct wait {
    struct client *client;
    const char *what;
    uint64_t begin_ns, limit_ns;
    bool over; // the caller or the deadline has ended it
};

static struct wait wait_begin(struct client *c, const char *what)
{
    const uint64_t limit_ns =
        c->options.deadline_ns > 0 ? c->options.deadline_ns : DEFAULT_DEADLINE_NS;
    return (struct wait){
        .client = c, .what = what, .begin_ns = clock_now_ns(), .limit_ns = limit_ns};
}

/// Lets the caller's own work go on; fails when it (its line is kept) or the deadline says so.
/// cause is what stood in the way last, or NULL.
static enum err wait_tick(struct wait *w, const char *cause)
{
    const struct client_options *o = &w->client->options;
    if (o->keep_waiting != NULL) {
        err_record("%s", "");
        w->over = !o->keep_waiting(o->context);
        if (w->over && *err_line() != '\0') return ERR_GONE; // it said why
        if (w->over)
            return fail(ERR_GONE, "gave up waiting for %s of datad at %s", w->what, o->socket);
    }
    w->over = clock_now_ns() - w->begin_ns >= w->limit_ns;
    if (!w->over) return OK;
    return fail(ERR_GONE, "datad at %s: %s not done within %.1f s%s%s", o->socket, w->what,
                (double)w->limit_ns / 1e9, cause != NULL ? ": " : "", cause != NULL ? cause : "");
}

static uint64_t wait_nap_ns(const struct wait *w)
{
    return w->client->options.keep_waiting != NULL ? TICK_NS : NAP_NS;
}

static void set_state(struct client *c, struct place *p, enum place_state state)
{
    c->n_in[p->state]--;
    c->n_in[state]++;
    p->state = state;
}

// The connection.

static void disconnect(struct client *c)
{
    link_close(&c->link);
    for (size_t i = 0; i < CLIENT_WINDOW; i++)
        if (c->places[i].state == PLACE_SENT) set_state(c, &c->places[i], PLACE_ASKED);
    struct mapping *m = &c->mappings[c->mapping];
    if (m->n_held == 0) slots_unmap(&m->slots);
}

static struct batch_shape shape_of(const struct client_options *o)
{
    return (struct batch_shape){.T = o->sequence,
                                .lane_rows = o->lane_rows,
                                .step_lanes = o->step_lanes,
                                .first_step = o->first_step,
                                .first_row = o->first_row};
}

static bool send_hello(struct client *c)
{
    const struct client_options *o = &c->options;
    const bool train = strcmp(o->split, split_name(SPLIT_TRAIN)) == 0;
    struct protocol_message m = {.type = PROTOCOL_HELLO};
    m.hello.stream.split = train ? SPLIT_TRAIN : SPLIT_VALIDATION;
    m.hello.stream.T = o->sequence;
    m.hello.stream.seed = o->seed;
    m.hello.shape = shape_of(o);
    m.hello.n_rows = c->n_rows;
    snprintf(m.hello.arrays, sizeof m.hello.arrays, "%s", o->arrays);
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    return link_send(&c->link, frame, protocol_encode(&m, frame));
}

static struct client_info info_of(const struct protocol_welcome *w)
{
    return (struct client_info){.stream_hash = w->stream.stream_hash,
                                .vocabulary = w->stream.vocabulary,
                                .end_of_text = w->stream.end_of_text,
                                .n_rows = w->stream.n_rows,
                                .n_tokens = w->stream.n_tokens};
}

static bool same_hash(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/// A mapping that is not in use: each one that is holds at least one of the CLIENT_WINDOW places.
static size_t free_mapping(const struct client *c)
{
    size_t i = 0;
    while (c->mappings[i].slots.rows != NULL)
        i++;
    ASSERT(i < MAPPINGS);
    return i;
}

static enum err take_welcome(struct client *c, const struct protocol_welcome *w, const int fds[2])
{
    const struct client_info info = info_of(w);
    if (fds[0] < 0 || fds[1] < 0)
        return fail(ERR_DATA, "datad at %s passed no memory", c->options.socket);
    if (c->known && !same_hash(info.stream_hash, c->history))
        return fail(ERR_DATA, "datad at %s was restarted with other data or another mixture",
                    c->options.socket);
    c->mapping = free_mapping(c);
    TRY(slots_map(w->n_slots, w->layout.slot_bytes, fds, &c->mappings[c->mapping].slots));
    if (!c->known) c->info = info;
    c->history = info.stream_hash;
    c->layout = w->layout;
    c->prefetch = w->prefetch < 1 ? 1 : size_min(w->prefetch, CLIENT_WINDOW);
    c->known = true;
    return OK;
}

static enum err take_frame(struct client *c, enum protocol_state state, struct protocol_message *m,
                           bool *taken)
{
    const enum err e = link_take(&c->link, state, m, taken);
    return e == OK ? OK : fail_at(e, "datad at %s", c->options.socket);
}

static enum err await_answer(struct client *c, struct wait *w, int fds[2])
{
    const int wait_ms = c->options.keep_waiting != NULL ? 0 : (int)(NAP_NS / 1000000U);
    for (;;) {
        const bool readable = link_readable(&c->link, wait_ms);
        const bool open = !readable || link_receive(&c->link, fds);
        struct protocol_message m;
        bool taken;
        TRY(take_frame(c, PROTOCOL_CLIENT_NEW, &m, &taken));
        if (taken) return take_welcome(c, &m.welcome, fds);
        if (!open) return fail(ERR_GONE, "datad hung up");
        if (!readable && wait_ms == 0) clock_nap_ns(TICK_NS);
        TRY(wait_tick(w, NULL));
    }
}

/// One attempt to connect. Errors: ERR_GONE when nobody answers (yet); others are final.
static enum err attempt(struct client *c, struct wait *w)
{
    int fds[2] = {-1, -1};
    TRY(link_open(&c->link, c->options.socket));
    enum err e = send_hello(c) ? OK : fail(ERR_GONE, "datad hung up");
    if (e == OK) e = await_answer(c, w, fds);
    link_close_passed(fds);
    if (e != OK) link_close(&c->link);
    return e;
}

/// Connected afterwards, or an error that is final.
static enum err ensure_connected(struct client *c, struct wait *w)
{
    while (c->link.fd < 0) {
        if (clock_now_ns() >= c->next_attempt_ns) {
            const enum err e = attempt(c, w);
            c->next_attempt_ns = clock_now_ns() + RETRY_NS;
            if (e != OK && (e != ERR_GONE || w->over)) return e;
            if (e == OK) break;
        }
        char cause[PROTOCOL_LINE_BYTES];
        snprintf(cause, sizeof cause, "%s", err_line());
        TRY(wait_tick(w, cause));
        clock_nap_ns(c->options.keep_waiting != NULL ? TICK_NS : RETRY_NS);
    }
    return OK;
}

/// Looks whether datad has hung up or said why it will; never waits.
static enum err watch_socket(struct client *c)
{
    if (!link_readable(&c->link, 0)) return OK;
    int fds[2] = {-1, -1};
    const bool open = link_receive(&c->link, fds);
    link_close_passed(fds);
    struct protocol_message m;
    bool taken;
    TRY(take_frame(c, PROTOCOL_CLIENT_READY, &m, &taken));
    if (!open) disconnect(c);
    return OK;
}

// The window.

/// The request of place i, which is sent with it; returns its bytes.
static size_t write_request(struct client *c, size_t i, uint8_t out[PROTOCOL_FRAME_LIMIT])
{
    struct place *p = &c->places[i];
    struct protocol_message m = {.type = PROTOCOL_REQUEST};
    do
        m.sequence = ++c->n_sent;
    while ((uint32_t)m.sequence == 0); // what a slot's word is before its first answer
    m.request.step = p->step;
    m.request.lane = p->lane;
    m.request.slot = i;
    m.request.waited_ns = c->waited_ns;
    p->sequence = (uint32_t)m.sequence;
    set_state(c, p, PLACE_SENT);
    return protocol_encode(&m, out);
}

static void send_place(struct client *c, size_t i)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    if (!link_send(&c->link, frame, write_request(c, i, frame))) disconnect(c);
}

/// The ASKED place that was asked first; there is one.
static size_t first_asked(const struct client *c)
{
    size_t first = CLIENT_WINDOW;
    for (size_t i = 0; i < CLIENT_WINDOW; i++) {
        const struct place *p = &c->places[i];
        if (p->state != PLACE_ASKED) continue;
        if (first == CLIENT_WINDOW || p->asked < c->places[first].asked) first = i;
    }
    ASSERT(first < CLIENT_WINDOW);
    return first;
}

static void send_some(struct client *c)
{
    uint8_t frames[CLIENT_WINDOW * PROTOCOL_REQUEST_BYTES + PROTOCOL_FRAME_LIMIT];
    size_t n_bytes = 0;
    if (c->link.fd < 0 || c->n_in[PLACE_SENT] > c->prefetch / 2) return;
    while (c->n_in[PLACE_ASKED] > 0 && c->n_in[PLACE_SENT] < c->prefetch)
        n_bytes += write_request(c, first_asked(c), frames + n_bytes);
    if (n_bytes > 0 && !link_send(&c->link, frames, n_bytes)) disconnect(c);
}

static size_t find_place(const struct client *c, uint64_t step, uint64_t lane)
{
    for (size_t i = 0; i < CLIENT_WINDOW; i++) {
        const struct place *p = &c->places[i];
        const bool asked = p->state == PLACE_ASKED || p->state == PLACE_SENT;
        if (asked && p->step == step && p->lane == lane) return i;
    }
    return CLIENT_WINDOW;
}

/// Waits until place i is answered in the current mapping; connects again and asks again as often
/// as needed.
static enum err await_place(struct client *c, size_t i)
{
    char what[64];
    struct place *p = &c->places[i];
    snprintf(what, sizeof what, "step %llu lane %llu", (unsigned long long)p->step,
             (unsigned long long)p->lane);
    struct wait w = wait_begin(c, what);
    for (unsigned n_rounds = 0;; n_rounds++) {
        TRY(ensure_connected(c, &w));
        if (p->state == PLACE_ASKED) send_place(c, i);
        send_some(c);
        if (c->link.fd < 0) continue;
        const struct slots *slots = &c->mappings[c->mapping].slots;
        if (slots_ready(slots, i, p->sequence)) return OK;
        if (n_rounds < YIELDS) {
            sched_yield(); // to datad, where it shares the core: it fills all that was asked for
            continue;
        }
        TRY(wait_tick(&w, NULL));
        slots_sleep(slots, i, p->sequence, wait_nap_ns(&w));
        if (slots_ready(slots, i, p->sequence)) return OK;
        TRY(watch_socket(c));
    }
}

static enum err describe(const struct client *c, const struct batch_header *h, const uint8_t *slot,
                         size_t i, struct batch *out)
{
    *out = (struct batch){.step = h->step,
                          .lane = h->lane,
                          .loss_tokens = h->loss_tokens,
                          .step_loss_tokens = h->step_loss_tokens,
                          .history = h->history,
                          .n_arrays = c->layout.n_fields,
                          .slot = i};
    for (size_t k = 0; k < c->layout.n_fields; k++) {
        const struct batch_field *f = &c->layout.fields[k];
        struct batch_array *array = &out->arrays[k];
        if (h->counts[k] > f->capacity)
            return fail(ERR_CORRUPT, "batch array %s: count %llu above its capacity", f->name,
                        (unsigned long long)h->counts[k]);
        memcpy(array->name, f->name, sizeof f->name);
        array->dtype = f->dtype;
        array->capacity = f->capacity;
        array->count = h->counts[k];
        array->data = slot + f->offset;
    }
    return OK;
}

/// The answer in place i's slot, checked.
static void note_history(struct client *c, const struct batch_header *h)
{
    const struct batch_shape shape = shape_of(&c->options);
    const uint64_t n_rows = batch_rows_before(&shape, h->step + 1);
    if (n_rows <= c->n_rows) return;
    c->n_rows = n_rows;
    c->history = h->history;
}

static enum err take_batch(struct client *c, size_t i, struct batch *out)
{
    const struct place *p = &c->places[i];
    const uint8_t *slot = slots_row(&c->mappings[c->mapping].slots, i);
    struct batch_header h;
    TRY(batch_header_decode(slot, &h));
    if (h.step != p->step || h.lane != p->lane)
        return fail(ERR_CORRUPT, "datad answered step %llu lane %llu with step %llu lane %llu",
                    (unsigned long long)p->step, (unsigned long long)p->lane,
                    (unsigned long long)h.step, (unsigned long long)h.lane);
    if (h.err != OK)
        return fail(h.err, "step %llu lane %llu: %s", (unsigned long long)h.step,
                    (unsigned long long)h.lane, h.line);
    note_history(c, &h);
    return describe(c, &h, slot, i, out);
}

// What the header declares.

static enum err check_options(const struct client_options *o)
{
    const bool known = strcmp(o->split, split_name(SPLIT_TRAIN)) == 0 ||
                       strcmp(o->split, split_name(SPLIT_VALIDATION)) == 0;
    if (!known) return fail(ERR_CONFIG, "split %s: train or validation", o->split);
    if (o->arrays != NULL && strlen(o->arrays) >= BATCH_NAMES_BYTES)
        return fail(ERR_CONFIG, "the names of arrays are longer than %d bytes",
                    BATCH_NAMES_BYTES - 1);
    const struct batch_shape shape = shape_of(o);
    if (o->next_step != 0 && (o->next_step < o->first_step || o->next_step > BATCH_ROW_LIMIT))
        return fail(ERR_CONFIG, "step %llu is not one of this shape's",
                    (unsigned long long)o->next_step);
    return batch_check_shape(&shape);
}

bool client_answers(const char *socket)
{
    struct link l;
    if (link_open(&l, socket) != OK) return false;
    link_close(&l);
    return true;
}

enum err client_open(const struct client_options *o, struct arena *a, struct client **out)
{
    TRY(check_options(o));
    struct client *c = ARENA_NEW(a, struct client);
    c->options = *o;
    c->options.socket = arena_strdup(a, o->socket);
    c->options.split = arena_strdup(a, o->split);
    c->options.arrays = o->arrays != NULL ? arena_strdup(a, o->arrays) : "";
    c->link.fd = -1;
    c->n_in[PLACE_FREE] = CLIENT_WINDOW;
    const struct batch_shape shape = shape_of(o);
    c->n_rows = batch_rows_before(&shape, size_max(o->next_step, o->first_step));
    if (synthetic_named(o->socket)) {
        TRY(synthetic_open(&c->options, a, &c->synthetic));
        c->info = *synthetic_info(c->synthetic);
    } else {
        struct wait w = wait_begin(c, "hello");
        if (o->open_deadline_ns > 0) w.limit_ns = o->open_deadline_ns;
        TRY(ensure_connected(c, &w));
    }
    *out = c;
    return OK;
}

void client_close(struct client *c)
{
    if (c->synthetic != NULL) synthetic_close(c->synthetic);
    link_close(&c->link);
    for (size_t i = 0; i < MAPPINGS; i++)
        slots_unmap(&c->mappings[i].slots);
}

const struct client_info *client_info(const struct client *c)
{
    return &c->info;
}

enum err client_request(struct client *c, uint64_t step, uint64_t lane)
{
    size_t i = 0;
    while (i < CLIENT_WINDOW && c->places[i].state != PLACE_FREE)
        i++;
    if (i == CLIENT_WINDOW)
        return fail(ERR_INVARIANT,
                    "request of step %llu lane %llu: %d batches are under way or held already",
                    (unsigned long long)step, (unsigned long long)lane, CLIENT_WINDOW);
    struct place *p = &c->places[i];
    p->step = step;
    p->lane = lane;
    p->asked = ++c->n_asked;
    set_state(c, p, PLACE_ASKED);
    if (c->synthetic == NULL) send_some(c);
    return OK;
}

/// Place i is answered; it is free again when the answer is an error.
static enum err hold(struct client *c, size_t i, struct batch *out)
{
    struct place *p = &c->places[i];
    const enum err e = c->synthetic != NULL ? synthetic_fill(c->synthetic, p->step, p->lane, i, out)
                                            : take_batch(c, i, out);
    set_state(c, p, e == OK ? PLACE_HELD : PLACE_FREE);
    p->mapping = c->mapping;
    if (e == OK) c->mappings[c->mapping].n_held++;
    if (c->synthetic == NULL) send_some(c);
    return e;
}

enum err client_wait(struct client *c, uint64_t step, uint64_t lane, struct batch *out)
{
    const size_t i = find_place(c, step, lane);
    if (i == CLIENT_WINDOW)
        return fail(ERR_INVARIANT, "wait for step %llu lane %llu, which was not requested",
                    (unsigned long long)step, (unsigned long long)lane);
    const uint64_t begin_ns = clock_now_ns();
    const enum err e = c->synthetic == NULL ? await_place(c, i) : OK;
    c->waited_ns += clock_now_ns() - begin_ns;
    return e == OK ? hold(c, i, out) : e;
}

void client_release(struct client *c, struct batch *b)
{
    struct place *p = &c->places[b->slot];
    ASSERT(b->slot < CLIENT_WINDOW && p->state == PLACE_HELD);
    struct mapping *m = &c->mappings[p->mapping];
    m->n_held--;
    const bool old = p->mapping != c->mapping || c->link.fd < 0;
    if (c->synthetic == NULL && old && m->n_held == 0) slots_unmap(&m->slots);
    set_state(c, p, PLACE_FREE);
    b->n_arrays = 0;
}

const struct batch_array *batch_array(const struct batch *b, const char *name)
{
    for (size_t i = 0; i < b->n_arrays; i++)
        if (strcmp(b->arrays[i].name, name) == 0) return &b->arrays[i];
    return NULL;
}
