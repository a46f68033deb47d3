// Reads steps from a running datad as fast as they come, as one client, and touches every token:
//     bench_loader SOCKET T ROWS STEPS [ARRAYS]
// Prints tokens, seconds, tokens a second and a sum of the tokens. tests/datad/bench_loader.sh
// compares it with other loaders.
#include "base/clock.h"
#include "datad/client.h"
#include "tests/check.h"

enum { AHEAD = 16, STRIDE = 16 };

// In strides, so that compilers make vector code of it, as a peer's library has it.
static uint64_t sum_tokens(const struct batch *b)
{
    const struct batch_array *tokens = batch_array(b, "tokens");
    const uint32_t *at = tokens->data;
    uint32_t sums[STRIDE] = {0}; // of ids below 2^16 in batches below 2^20 tokens
    uint64_t sum = 0;
    for (size_t i = 0; i + STRIDE <= tokens->count; i += STRIDE)
        for (size_t k = 0; k < STRIDE; k++)
            sums[k] += at[i + k];
    for (size_t k = 0; k < STRIDE; k++)
        sum += sums[k];
    return sum;
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) {
        puts("usage: bench_loader SOCKET T ROWS STEPS [ARRAYS]");
        return 64;
    }
    const uint64_t T = strtoull(argv[2], NULL, 10), rows = strtoull(argv[3], NULL, 10);
    const uint64_t steps = strtoull(argv[4], NULL, 10);
    const struct client_options options = {.socket = argv[1],
                                           .split = "train",
                                           .arrays = argc == 6 ? argv[5] : NULL,
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
