// Reads steps from a running datad as fast as they come, as one client, and touches every token:
//     bench_loader SOCKET T ROWS STEPS
// Prints tokens, seconds, tokens a second and a sum of the tokens. tests/datad/bench_loader.sh
// compares it with other loaders.
#include "base/clock.h"
#include "datad/client.h"
#include "tests/check.h"

enum { AHEAD = 16 };

static uint64_t sum_tokens(const struct batch *b)
{
    const struct batch_array *tokens = batch_array(b, "tokens");
    const int32_t *at = tokens->data;
    uint64_t sum = 0;
    for (size_t i = 0; i < tokens->count; i++)
        sum += (uint64_t)at[i];
    return sum;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        puts("usage: bench_loader SOCKET T ROWS STEPS");
        return 64;
    }
    const uint64_t T = strtoull(argv[2], NULL, 10), rows = strtoull(argv[3], NULL, 10);
    const uint64_t steps = strtoull(argv[4], NULL, 10);
    const struct client_options options = {.socket = argv[1],
                                           .split = "train",
                                           .sequence = T,
                                           .lane_rows = rows,
                                           .step_lanes = 1,
                                           .seed = 1};
    struct arena a;
    struct client *c;
    arena_init(&a, "bench_loader");
    CHECK_OK(client_open(&options, &a, &c));
    const uint64_t begin_ns = clock_now_ns();
    uint64_t asked = 0, sum = 0;
    for (uint64_t step = 0; step < steps; step++) {
        while (asked < steps && asked < step + AHEAD)
            CHECK_OK(client_request(c, asked++, 0));
        struct batch b;
        CHECK_OK(client_wait(c, step, 0, &b));
        sum += sum_tokens(&b);
        client_release(c, &b);
    }
    const double seconds = (double)(clock_now_ns() - begin_ns) / 1e9;
    const double n = (double)(T * rows * steps);
    printf("tokens %.0f seconds %.3f rate %.0f sum %llu\n", n, seconds, n / seconds,
           (unsigned long long)sum);
    client_close(c);
    arena_fini(&a);
    return 0;
}
