// "random:V" clients: batches of the right shape, uniform tokens, the same whoever asks in whatever
// order; and bad options.

#include "base/hash.h"
#include "base/rng.h"
#include "datad/client.h"
#include "tests/check.h"

enum { V = 7, T = 33, ROWS = 3, LANES = 4, STEPS = 50 };

static struct client *open_one(struct arena *a, const char *split, uint64_t seed)
{
    struct client *c;
    const struct client_options o = {.socket = "random:7",
                                     .split = split,
                                     .sequence = T,
                                     .lane_rows = ROWS,
                                     .step_lanes = LANES,
                                     .seed = seed};
    CHECK_OK(client_open(&o, a, &c));
    return c;
}

static uint64_t hash_batch(struct client *c, uint64_t step, uint64_t lane)
{
    struct batch b;
    CHECK_OK(client_request(c, step, lane));
    CHECK_OK(client_wait(c, step, lane, &b));
    const struct batch_array *tokens = batch_array(&b, "tokens");
    CHECK_EQ(tokens->count, T * ROWS);
    const uint64_t h = hash_xxh3(tokens->data, tokens->count * sizeof(int32_t), 0);
    client_release(c, &b);
    return h;
}

static void check_row(const struct batch *b, uint64_t row, uint64_t counts[V])
{
    const int32_t *tokens = batch_array(b, "tokens")->data,
                  *targets = batch_array(b, "targets")->data;
    const int32_t *positions = batch_array(b, "positions")->data;
    const int32_t *starts = batch_array(b, "document_start")->data;
    const float *mask = batch_array(b, "mask")->data;
    for (uint64_t k = 0; k < T; k++) {
        const uint64_t i = row * T + k;
        CHECK(tokens[i] >= 0 && tokens[i] < V);
        CHECK(positions[i] == (int32_t)k && starts[i] == 0);
        CHECK(mask[i] == (k + 1 < T ? 1.0F : 0.0F));
        CHECK_EQ(targets[i], k + 1 < T ? tokens[i + 1] : 0);
        counts[tokens[i]]++;
    }
}

static void check_content(uint64_t seed)
{
    struct arena a;
    uint64_t counts[V] = {0};
    arena_init(&a, "test");
    struct client *c = open_one(&a, "train", seed);
    CHECK_EQ(client_info(c)->vocabulary, V);
    for (uint64_t step = 0; step < STEPS; step++) {
        struct batch b;
        CHECK_OK(client_request(c, step, 1));
        CHECK_OK(client_wait(c, step, 1, &b));
        CHECK_EQ(b.loss_tokens, ROWS * (T - 1));
        CHECK_EQ(b.step_loss_tokens, LANES * ROWS * (T - 1));
        for (uint64_t row = 0; row < ROWS; row++)
            check_row(&b, row, counts);
        client_release(c, &b);
    }
    for (size_t v = 0; v < V; v++) // 707 expected, standard deviation 25
        CHECK(counts[v] > STEPS * ROWS * T / V - 150 && counts[v] < STEPS * ROWS * T / V + 150);
    client_close(c);
    arena_fini(&a);
}

static void check_dependence(uint64_t seed)
{
    struct arena a;
    arena_init(&a, "test");
    struct client *x = open_one(&a, "train", seed), *y = open_one(&a, "train", seed);
    struct client *validation = open_one(&a, "validation", seed),
                  *other = open_one(&a, "train", seed + 1);
    for (uint64_t i = STEPS; i-- > 0;)
        CHECK(hash_batch(x, i, 2) == hash_batch(y, i, 2));
    CHECK(hash_batch(x, 0, 0) != hash_batch(x, 0, 1));
    CHECK(hash_batch(x, 0, 0) != hash_batch(x, 1, 0));
    CHECK(hash_batch(x, 0, 0) != hash_batch(other, 0, 0));
    CHECK(hash_batch(x, 0, 0) != hash_batch(validation, 0, 0));
    CHECK(client_info(x)->stream_hash.lo == client_info(y)->stream_hash.lo);
    CHECK(client_info(x)->stream_hash.lo != client_info(other)->stream_hash.lo);
    client_close(x);
    client_close(y);
    client_close(validation);
    client_close(other);
    arena_fini(&a);
}

static void check_window(uint64_t seed)
{
    static struct batch held[CLIENT_WINDOW];
    struct arena a;
    arena_init(&a, "test");
    struct client *c = open_one(&a, "train", seed);
    for (uint64_t i = 0; i < CLIENT_WINDOW; i++)
        CHECK_OK(client_request(c, i, 0));
    CHECK_ERR(client_request(c, 0, 0), ERR_INVARIANT);
    for (uint64_t i = 0; i < CLIENT_WINDOW; i++)
        CHECK_OK(client_wait(c, i, 0, &held[i]));
    for (uint64_t i = 0; i < CLIENT_WINDOW; i++) {
        const int32_t *tokens = batch_array(&held[i], "tokens")->data;
        const uint64_t h = hash_xxh3(tokens, (size_t)T * ROWS * sizeof *tokens, 0);
        client_release(c, &held[i]);
        CHECK(hash_batch(c, i, 0) == h);
    }
    CHECK(batch_array(&held[0], "tokens") == NULL); // released
    CHECK_OK(client_request(c, 0, LANES));
    CHECK_ERR(client_wait(c, 0, LANES, &held[0]), ERR_CONFIG);
    client_close(c);
    arena_fini(&a);
}

static void check_options(void)
{
    struct arena a;
    struct client *c;
    arena_init(&a, "test");
    const char *const bad[] = {"random:",   "random:0",  "random:x",
                               "random:-1", "random:3x", "random:9999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct client_options o = {.socket = bad[i],
                                         .split = "train",
                                         .sequence = T,
                                         .lane_rows = ROWS,
                                         .step_lanes = LANES};
        CHECK_ERR(client_open(&o, &a, &c), ERR_CONFIG);
    }
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    check_content(seed);
    check_dependence(seed);
    check_window(seed);
    check_options();
    return 0;
}
