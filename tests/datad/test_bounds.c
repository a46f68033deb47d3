// Memory does not grow with the dataset, but for a hundred bytes a bin: a stream over 100 times as
// many bins, all of them visited, takes no more than the cache it was given.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datad/stream.h"
#include "tests/check.h"

enum {
    FEW_BINS = 60,
    MANY_BINS = 100 * FEW_BINS,
    BIN_DOCUMENTS = 40,
    BIN_TOKENS = 16384,
    T = 512,
    VOCABULARY = 60000,
    CACHE_BYTES = 2 << 20,
    BYTES_A_BIN = 128,
    SLACK_BYTES = 1 << 20 // of the allocator
};

static struct source_bin bin_of(const void *context, uint64_t bin)
{
    (void)context;
    return (struct source_bin){.n_documents = BIN_DOCUMENTS,
                               .n_tokens = BIN_TOKENS,
                               .first_document = bin * BIN_DOCUMENTS};
}

static enum err read_lengths(const void *context, uint64_t bin, uint32_t *out)
{
    (void)context;
    uint32_t rest = BIN_TOKENS;
    for (uint32_t i = 0; i + 1 < BIN_DOCUMENTS; i++) {
        out[i] = (uint32_t)((bin * 7 + i * 31) % 400 + 1);
        rest -= out[i];
    }
    out[BIN_DOCUMENTS - 1] = rest;
    return OK;
}

static enum err read_tokens(const void *context, uint64_t bin, uint32_t *out)
{
    (void)context;
    for (uint32_t i = 0; i < BIN_TOKENS; i++)
        out[i] = (uint32_t)((bin * 40503 + i * 2654435761U) % VOCABULARY);
    return OK;
}

static void walk(uint64_t n_bins, enum pack_rule packing)
{
    struct arena a;
    struct bins *bins;
    struct stream *s;
    arena_init(&a, "walk");
    const struct source source = {.name = "large",
                                  .weight = 1,
                                  .hash = {n_bins, 1},
                                  .n_bins = n_bins,
                                  .max_bin_tokens = BIN_TOKENS,
                                  .max_bin_documents = BIN_DOCUMENTS,
                                  .vocabulary = VOCABULARY,
                                  .bin = bin_of,
                                  .read_lengths = read_lengths,
                                  .read_tokens = read_tokens};
    const struct bins_options b = {&source, 1, 1, 8, CACHE_BYTES};
    CHECK_OK(bins_open(&b, &a, &bins));
    const struct stream_rule rule = {
        .sources = &source, .n_sources = 1, .window_bins = 8, .packing = packing};
    const struct stream_request request = {SPLIT_TRAIN, T, 1};
    CHECK_OK(stream_open(&rule, &request, bins, &a, &s));
    static int32_t ids[4][T];
    static float mask[T];
    const struct pack_row row = {ids[0], ids[1], mask, ids[2], ids[3]};
    const uint64_t n_rows = stream_info(s)->n_rows;
    for (uint64_t i = 0; i < n_rows; i += BIN_TOKENS / T / 2) { // into each bin
        uint64_t loss_tokens;
        CHECK_OK(stream_fill(s, (struct range){i, i + 1}, &row, &loss_tokens));
        CHECK(loss_tokens > 0);
    }
    stream_close(s);
    bins_close(bins);
    arena_fini(&a);
}

/// Most resident bytes of a process that walks.
static uint64_t measure(uint64_t n_bins, enum pack_rule packing)
{
    int status;
    struct rusage usage;
    fflush(NULL);
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        walk(n_bins, packing);
        _exit(0);
    }
    CHECK(wait4(pid, &status, 0, &usage) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return (uint64_t)usage.ru_maxrss * 1024;
}

#ifdef WEFT_ASAN
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

int main(void)
{
    if (SANITIZED) CHECK_SKIP("a sanitizer keeps what was freed");
    for (int packing = PACK_CONCAT; packing <= PACK_BEST_FIT; packing++) {
        const uint64_t few = measure(FEW_BINS, (enum pack_rule)packing);
        const uint64_t many = measure(MANY_BINS, (enum pack_rule)packing);
        printf("%d bins %.1f MiB, %d bins %.1f MiB\n", FEW_BINS, (double)few / (1 << 20), MANY_BINS,
               (double)many / (1 << 20));
        CHECK(many <= few + SLACK_BYTES + (uint64_t)MANY_BINS * BYTES_A_BIN);
    }
    return 0;
}
