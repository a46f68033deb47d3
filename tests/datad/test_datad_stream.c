// Batches through a real server are those of the pure function, whoever asks, in whatever order,
// however many at a time, and however often datad is killed meanwhile.

#include "base/hash.h"
#include "base/rng.h"
#include "datad/batch.h"
#include "tests/datad/spawned.h"

enum { STEPS = 12, LANES = 6, ASKED = STEPS * LANES };

struct expected {
    uint64_t hash[STEPS][LANES], loss_tokens[STEPS][LANES], step_loss_tokens[STEPS];
};

static const char *const names[] = {"tokens", "targets", "mask", "positions", "document_start"};

static uint64_t hash_batch(const struct batch *b)
{
    uint64_t h = 0;
    for (size_t i = 0; i < 5; i++) {
        const struct batch_array *array = batch_array(b, names[i]);
        CHECK(array != NULL && array->count == array->capacity);
        CHECK((uintptr_t)array->data % 64 == 0);
        h = hash_xxh3(array->data, array->count * 4, h);
    }
    return h;
}

/// One batch without any server, as the bytes of its slot.
static void expect_one(struct stream *stream, const struct batch_shape *shape, uint64_t step,
                       uint64_t lane, struct expected *out)
{
    static _Alignas(64) uint8_t slot[1 << 16];
    struct batch_layout layout;
    struct batch_header h;
    CHECK_OK(batch_layout_build(shape, "", &layout));
    CHECK(layout.slot_bytes <= sizeof slot);
    batch_assemble(stream, shape, &layout, step, lane, slot);
    CHECK_OK(batch_header_decode(slot, &h));
    CHECK_EQ(h.err, OK);
    uint64_t hash = 0, counted = 0;
    for (size_t i = 0; i < layout.n_fields; i++)
        hash = hash_xxh3(slot + layout.fields[i].offset, layout.fields[i].capacity * 4, hash);
    const struct pack_row row = batch_rows(&layout, slot);
    for (uint64_t i = 0; i < shape->lane_rows * shape->T; i++)
        counted += row.mask[i] > 0;
    CHECK_EQ(h.loss_tokens, counted);
    out->hash[step][lane] = hash;
    out->loss_tokens[step][lane] = h.loss_tokens;
    out->step_loss_tokens[step] = h.step_loss_tokens;
}

static void expect_all(const struct spawned *s, const struct client_options *o,
                       struct expected *out)
{
    struct arena a;
    struct bins *bins;
    struct stream *stream;
    arena_init(&a, "expect");
    const struct bins_options bin_options = {s->sources, 2, 1, 3, 1 << 20};
    CHECK_OK(bins_open(&bin_options, &a, &bins));
    const struct stream_request request = {SPLIT_TRAIN, o->sequence, o->seed};
    CHECK_OK(stream_open(&s->options.service.rule, &request, bins, &a, &stream));
    const struct batch_shape shape = {
        .T = o->sequence, .lane_rows = o->lane_rows, .step_lanes = o->step_lanes};
    for (uint64_t step = 0; step < STEPS; step++) {
        uint64_t sum = 0;
        for (uint64_t lane = 0; lane < LANES; lane++) {
            expect_one(stream, &shape, step, lane, out);
            sum += out->loss_tokens[step][lane];
        }
        CHECK_EQ(out->step_loss_tokens[step], sum);
    }
    stream_close(stream);
    bins_close(bins);
    arena_fini(&a);
}

static void check_batch(const struct batch *b, const struct expected *x)
{
    CHECK(b->step < STEPS && b->lane < LANES);
    CHECK_EQ(b->loss_tokens, x->loss_tokens[b->step][b->lane]);
    CHECK_EQ(b->step_loss_tokens, x->step_loss_tokens[b->step]);
    CHECK(hash_batch(b) == x->hash[b->step][b->lane]);
}

/// Asks for everything in the order (x * multiplier) mod ASKED, ahead at a time, waiting for each
/// in that order; with kill_every > 0 kills and restarts the server before every so many-th wait.
static void check_client(struct spawned *s, const struct expected *x, uint64_t multiplier,
                         uint64_t ahead, uint64_t kill_every)
{
    struct arena a;
    struct client *c;
    arena_init(&a, "client");
    const struct client_options o = spawned_client(s);
    CHECK_OK(client_open(&o, &a, &c));
    uint64_t asked = 0;
    for (uint64_t i = 0; i < ASKED; i++) {
        for (; asked < ASKED && asked < i + ahead; asked++) {
            const uint64_t k = asked * multiplier % ASKED;
            CHECK_OK(client_request(c, k / LANES, k % LANES));
        }
        if (kill_every > 0 && i % kill_every == kill_every - 1) {
            CHECK_EQ(WTERMSIG(spawned_end(s, SIGKILL)), SIGKILL);
            spawned_start(s);
        }
        struct batch b;
        const uint64_t k = i * multiplier % ASKED;
        CHECK_OK(client_wait(c, k / LANES, k % LANES, &b));
        CHECK(b.step == k / LANES && b.lane == k % LANES);
        check_batch(&b, x);
        client_release(c, &b);
    }
    client_close(c);
    arena_fini(&a);
}

/// Asks for a full window, waits in reverse, holds all of it over a death of datad, and releases at
/// the end.
static void check_held(struct spawned *s, const struct expected *x)
{
    struct arena a;
    struct client *c;
    static struct batch held[CLIENT_WINDOW];
    arena_init(&a, "client");
    const struct client_options o = spawned_client(s);
    CHECK_OK(client_open(&o, &a, &c));
    for (size_t i = 0; i < CLIENT_WINDOW; i++)
        CHECK_OK(client_request(c, i / LANES, i % LANES));
    CHECK_ERR(client_request(c, 0, 0), ERR_INVARIANT);
    for (size_t i = CLIENT_WINDOW; i-- > 0;) {
        if (i == CLIENT_WINDOW / 2) {
            (void)spawned_end(s, SIGKILL);
            spawned_start(s);
        }
        CHECK_OK(client_wait(c, i / LANES, i % LANES, &held[i]));
    }
    (void)spawned_end(s, SIGKILL);
    spawned_start(s);
    for (size_t i = 0; i < CLIENT_WINDOW; i++)
        check_batch(&held[i], x);
    for (size_t i = 0; i < CLIENT_WINDOW; i++)
        client_release(c, &held[i]);
    CHECK_ERR(client_wait(c, 0, 0, &held[0]), ERR_INVARIANT);
    CHECK_OK(client_request(c, 0, 0));
    CHECK_OK(client_wait(c, 0, 0, &held[0]));
    check_batch(&held[0], x);
    client_close(c);
    arena_fini(&a);
}

/// Several ranks at once, each with its own lanes: lane l belongs to rank l % n_ranks.
static void check_ranks(struct spawned *s, const struct expected *x, size_t n_ranks)
{
    struct arena a;
    struct client *clients[LANES];
    arena_init(&a, "clients");
    const struct client_options o = spawned_client(s);
    for (size_t r = 0; r < n_ranks; r++)
        CHECK_OK(client_open(&o, &a, &clients[r]));
    for (uint64_t step = 0; step < STEPS; step++) {
        for (uint64_t lane = 0; lane < LANES; lane++)
            CHECK_OK(client_request(clients[lane % n_ranks], step, lane));
        for (uint64_t lane = 0; lane < LANES; lane++) {
            struct batch b;
            CHECK_OK(client_wait(clients[lane % n_ranks], step, lane, &b));
            check_batch(&b, x);
            client_release(clients[lane % n_ranks], &b);
        }
    }
    for (size_t r = 0; r < n_ranks; r++)
        client_close(clients[r]);
    arena_fini(&a);
}

/// Tokens of the first STEPS steps, whatever the shape of a lane.
static uint64_t hash_tokens(struct spawned *s, uint64_t lane_rows, uint64_t step_lanes,
                            uint64_t *hash_stream)
{
    struct arena a;
    struct client *c;
    uint64_t h = 0;
    arena_init(&a, "client");
    struct client_options o = spawned_client(s);
    o.lane_rows = lane_rows;
    o.step_lanes = step_lanes;
    CHECK_OK(client_open(&o, &a, &c));
    *hash_stream = client_info(c)->stream_hash.lo;
    uint64_t loss_tokens = 0;
    for (uint64_t i = 0; i < STEPS * step_lanes; i++) {
        struct batch b;
        CHECK_OK(client_request(c, i / step_lanes, i % step_lanes));
        CHECK_OK(client_wait(c, i / step_lanes, i % step_lanes, &b));
        const int32_t *tokens = batch_array(&b, "tokens")->data;
        for (uint64_t t = 0; t < lane_rows * o.sequence; t++)
            h = h * 31 + (uint64_t)tokens[t];
        loss_tokens = (i % step_lanes == 0 ? 0 : loss_tokens) + b.loss_tokens;
        if (i % step_lanes == step_lanes - 1) CHECK_EQ(loss_tokens, b.step_loss_tokens);
        client_release(c, &b);
    }
    client_close(c);
    arena_fini(&a);
    return h;
}

static void check_shapes(struct spawned *s)
{
    uint64_t a, b;
    CHECK(hash_tokens(s, 2, 6, &a) == hash_tokens(s, 12, 1, &b));
    CHECK(a == b);
    CHECK(hash_tokens(s, 2, 6, &a) == hash_tokens(s, 1, 12, &b));
    CHECK(a == b);
}

static void check_info(struct spawned *s)
{
    struct arena a;
    struct client *train, *validation, *other;
    arena_init(&a, "clients");
    struct client_options o = spawned_client(s);
    CHECK_OK(client_open(&o, &a, &train));
    o.split = "validation";
    CHECK_OK(client_open(&o, &a, &validation));
    o.seed++;
    CHECK_OK(client_open(&o, &a, &other));
    const struct client_info *t = client_info(train), *v = client_info(validation);
    uint64_t n_tokens = 0;
    for (size_t i = 0; i < 2; i++)
        for (uint64_t bin = 0; bin < s->sources[i].n_bins; bin++)
            n_tokens += source_bin(&s->sources[i], bin).n_tokens;
    CHECK_EQ(t->n_tokens + v->n_tokens, n_tokens);
    CHECK(v->n_rows > 0 && v->n_rows < t->n_rows);
    CHECK_EQ(t->vocabulary, MADE_VOCABULARY);
    CHECK_EQ(t->end_of_text, MADE_END_OF_TEXT);
    CHECK(t->stream_hash.lo != v->stream_hash.lo);
    CHECK(client_info(other)->stream_hash.lo ==
          v->stream_hash.lo); // validation is the same for all seeds
    client_close(train);
    client_close(validation);
    client_close(other);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    static struct expected x;
    struct spawned s;
    spawned_init(&s, seed);
    const struct client_options o = spawned_client(&s);
    expect_all(&s, &o, &x);
    spawned_start(&s);
    check_info(&s);
    check_client(&s, &x, 1, 1, 0);
    check_client(&s, &x, 1, CLIENT_WINDOW, 0);
    check_client(&s, &x, 5, 10, 0);
    for (size_t n_ranks = 1; n_ranks <= LANES; n_ranks++)
        check_ranks(&s, &x, n_ranks);
    check_shapes(&s);
    (void)spawned_end(&s, SIGKILL);
    s.options.service.prefetch = 1;
    s.options.service.n_workers = 1;
    spawned_start(&s);
    check_client(&s, &x, 7, 20, 5);
    check_held(&s, &x);
    spawned_fini(&s);
    return 0;
}
