// Time and memory of finding clusters, alone or under mpirun:
//
//     bench_duplicates DOCUMENTS MEMORY_MIB [FOLDER]
//
// DOCUMENTS over all ranks with 14 keys each; a third of them share a key or more with an earlier
// one, up to a thousand in a cluster. Prints totals, seconds, the most memory that buffers held and
// the process had (VmHWM), the slowest and largest rank's.
#include <time.h>

#include "base/arena.h"
#include "base/rng.h"
#include "shard/dedup/duplicates.h"
#include "tests/check.h"

enum { N_KEYS = 14, PART_DOCUMENTS = 10000 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double resident_mib(void)
{
    char line[200];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0) kib = strtod(line + 6, NULL);
    if (f != NULL) fclose(f);
    return kib / 1024;
}

// Document i repeats some bands of an earlier one with probability 1/3.
static void make_keys(uint64_t i, uint64_t keys[N_KEYS])
{
    const uint64_t draw = rng_u64(1, 0, i), model = draw % 3 == 0 ? i - i % 1000 : i;
    for (uint64_t k = 0; k < N_KEYS; k++)
        keys[k] = rng_u64(2, draw >> (2 + k) & 1 ? model : i, k);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "bench_duplicates DOCUMENTS MEMORY_MIB [FOLDER]\n");
        return 64;
    }
    const uint64_t n = strtoull(argv[1], NULL, 10);
    const size_t memory_bytes = (size_t)strtoull(argv[2], NULL, 10) << 20;
    struct arena a;
    struct fabric *f;
    struct duplicates *d;
    uint64_t seq = 1, n_answers = 0;
    arena_init(&a, "bench");
    if (fabric_launched())
        CHECK_OK(fabric_open_mpi(NULL, &a, &f));
    else
        CHECK_OK(fabric_open_alone(&a, &f));
    fabric_set_deadline(f, (uint64_t)3600 * 1000000000);
    const uint64_t n_ranks = (uint64_t)fabric_size(f), rank = (uint64_t)fabric_rank(f);
    const double start_mib = resident_mib(), start_s = now_s();
    const struct duplicates_options o = {f, &seq, argc > 3 ? argv[3] : ".", memory_bytes};
    CHECK_OK(duplicates_open(&o, &d));
    for (uint64_t i = 0; i < n; i++) {
        uint64_t keys[N_KEYS];
        if (i / PART_DOCUMENTS % n_ranks != rank) continue;
        make_keys(i, keys);
        const uint64_t number = i / PART_DOCUMENTS << 32 | i % PART_DOCUMENTS;
        CHECK_OK(duplicates_add(d, number, keys, N_KEYS));
    }
    const double added_s = now_s();
    CHECK_OK(duplicates_resolve(d, OK));
    struct duplicate next;
    for (bool more = true; more; n_answers += more)
        CHECK_OK(duplicates_next(d, &next, &more));
    const struct duplicates_count count = duplicates_count(d);
    CHECK(n_ranks > 1 || n_answers == count.n_dropped);
    double mine[4] = {added_s - start_s, now_s() - added_s,
                      (double)duplicates_peak_bytes(d) / (1 << 20), resident_mib()};
    double all[4 * 64];
    CHECK(n_ranks <= 64);
    CHECK_OK(fabric_all_gather(f, mine, sizeof mine, all));
    for (uint64_t i = 0; i < 4 * n_ranks; i++)
        if (all[i] > mine[i % 4]) mine[i % 4] = all[i];
    if (rank == 0)
        printf("%llu documents, %llu ranks, bound %zu MiB: %llu clusters, %llu dropped, largest "
               "%llu, %llu rounds; added in %.1f s, resolved in %.1f s; held %.1f MiB, resident "
               "%.1f MiB (%.1f before)\n",
               (unsigned long long)n, (unsigned long long)n_ranks, memory_bytes >> 20,
               (unsigned long long)count.n_clusters, (unsigned long long)count.n_dropped,
               (unsigned long long)count.largest, (unsigned long long)count.n_rounds, mine[0],
               mine[1], mine[2], mine[3], start_mib);
    duplicates_close(d);
    fabric_close(f);
    arena_fini(&a);
    return 0;
}
