// ranks: 1 3
// Records arrive at their rank, sorted, none lost, whatever the memory; an error of one rank is
// everyone's, wherever the file system fails, and leaves nothing behind.

#include <unistd.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/rng.h"
#include "shard/dedup/duplicates.h"
#include "shard/dedup/record_sort.h"
#include "shard/dedup/repeats.h"
#include "shard/dedup/shuffle.h"
#include "tests/check.h"

struct place {
    struct fabric *f;
    uint64_t seq, key;
    const char *folder;
    struct arena *arena;
};

static bool is_before(const uint64_t *a, const uint64_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return false;
}

static void check_sort(uint64_t key)
{
    for (uint64_t round = 0; round < 40; round++) {
        struct arena a;
        arena_init(&a, "sort");
        const size_t n_words = 1 + round % SHUFFLE_WORDS_LIMIT, n = rng_u64(key, 0, round) % 3000;
        uint64_t *words = ARENA_ARRAY(&a, uint64_t, n * n_words), sum = 0, sorted_sum = 0;
        const uint64_t mask = UINT64_MAX >> rng_u64(key, 1, round) % 64;
        for (size_t i = 0; i < n * n_words; i++)
            sum += words[i] = (rng_u64(key, 2 + round, i) & mask) << (round % 7 * 8);
        record_sort(words, n, n_words, n_words);
        for (size_t i = 0; i < n * n_words; i++)
            sorted_sum += words[i];
        CHECK(sum == sorted_sum);
        for (size_t i = 1; i < n; i++)
            CHECK(!is_before(words + i * n_words, words + (i - 1) * n_words, n_words));
        arena_fini(&a);
    }
}

static uint64_t mixed(const uint64_t *record, size_t n_words)
{
    uint64_t h = 0;
    for (size_t i = 0; i < n_words; i++)
        h = rng_u64(h, record[i], i);
    return h;
}

// Every rank draws n records; their hashes, summed over all ranks, must come out again.
static enum err run_shuffle(struct place *p, size_t n, size_t n_words, size_t memory_bytes,
                            struct held *held)
{
    struct shuffle s;
    const int rank = fabric_rank(p->f), n_ranks = fabric_size(p->f);
    uint64_t record[SHUFFLE_WORDS_LIMIT] = {0}, last[SHUFFLE_WORDS_LIMIT] = {0};
    uint64_t mine[2] = {0, 0}, all[2 * 16];
    enum err e = shuffle_open(&s, &(struct shuffle_options){p->f, &p->seq, p->folder, "test",
                                                            n_words, memory_bytes, held});
    for (size_t i = 0; i < n && e == OK; i++) {
        for (size_t w = 0; w < n_words; w++)
            record[w] = rng_u64(p->key, (uint64_t)rank << 32 | w, i) % (n / 2 + 1);
        mine[0] += mixed(record, n_words);
        e = shuffle_add(&s, shuffle_rank_of(record[0], n_ranks), record);
    }
    e = shuffle_exchange(&s, e);
    bool more = e == OK;
    for (size_t i = 0; more; i++) {
        e = shuffle_next(&s, record, &more);
        if (e != OK || !more) break;
        CHECK_EQ(shuffle_rank_of(record[0], n_ranks), rank);
        CHECK(i == 0 || !is_before(record, last, n_words));
        memcpy(last, record, sizeof last);
        mine[1] += mixed(record, n_words);
    }
    shuffle_close(&s);
    CHECK_EQ(held->n_bytes, 0);
    TRY(fabric_agree(p->f, e));
    CHECK_OK(fabric_all_gather(p->f, mine, sizeof mine, all));
    uint64_t sent = 0, received = 0;
    for (int i = 0; i < n_ranks; i++) {
        sent += all[2 * i];
        received += all[2 * i + 1];
    }
    CHECK(sent == received);
    return OK;
}

static void check_bounds(struct place *p)
{
    for (size_t n_words = 1; n_words <= SHUFFLE_WORDS_LIMIT; n_words++) {
        const size_t least = shuffle_memory_least(n_words, fabric_size(p->f));
        const size_t bounds[] = {1 << 20, 1 << 14, least};
        for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
            const size_t bound = bounds[i] > least ? bounds[i] : least;
            struct held held = {0};
            CHECK_OK(run_shuffle(p, 3000, n_words, bound, &held));
            CHECK_OK(run_shuffle(p, 0, n_words, bound, &held));
        }
        struct held held = {0};
        CHECK_ERR(run_shuffle(p, 10, n_words, least - 1, &held), ERR_USAGE);
    }
}

// 100 times the records, the same memory, but for a few words for each spilled buffer.
static void check_memory(struct place *p)
{
    enum { BOUND = 1 << 16, FEW = 1000, MANY = 100 * FEW };
    struct held few = {0}, many = {0};
    CHECK_OK(run_shuffle(p, FEW, 2, BOUND, &few));
    CHECK_OK(run_shuffle(p, MANY, 2, BOUND, &many));
    const size_t n_buffers = (size_t)MANY * 3 * 8 / (BOUND / 4) + 1;
    const size_t starts = 2 * n_buffers * 8 * (size_t)fabric_size(p->f);
    if (many.peak_bytes > BOUND + BOUND / 8 + starts)
        printf("peak %zu, bound %d, starts %zu\n", many.peak_bytes, BOUND, starts);
    CHECK(many.peak_bytes <= BOUND + BOUND / 8 + starts);
}

static void check_no_litter(struct place *p)
{
    struct file_list list;
    CHECK_OK(file_list(p->folder, p->arena, &list));
    CHECK_EQ(list.n_names, 0);
}

static enum err run_all(struct place *p)
{
    const struct duplicates_options o = {p->f, &p->seq, p->folder, 1 << 14};
    struct duplicates *d = NULL;
    struct repeats *r = NULL;
    const uint64_t part = (uint64_t)fabric_rank(p->f) << 32;
    enum err e = duplicates_open(&o, &d);
    if (e == OK) e = repeats_open(&o, &r);
    for (uint64_t i = 0; i < 600 && e == OK; i++) {
        const uint64_t keys[2] = {i, i + 1};
        e = duplicates_add(d, part | i, keys, 2);
        if (e == OK) e = repeats_add(r, part | i, 3, i % 50);
    }
    CHECK(d != NULL && r != NULL);
    e = duplicates_resolve(d, e);
    if (e == OK) e = repeats_resolve(r, OK);
    struct duplicate duplicate;
    struct repeat repeat;
    for (bool more = true; more && e == OK;)
        e = duplicates_next(d, &duplicate, &more);
    for (bool more = true; more && e == OK;)
        e = repeats_next(r, &repeat, &more);
    duplicates_close(d);
    repeats_close(r);
    return fabric_agree(p->f, e);
}

// The k-th file call of one rank fails, for k = 1, 2, ... until a run survives.
static void check_faults(struct place *p)
{
    uint64_t k = 1, n_failed = 0;
    for (;; k += 1 + k / 6) {
        const int victim = (int)(k % (uint64_t)fabric_size(p->f));
        if (fabric_rank(p->f) == victim) fault_arm("*", k, k % 2 ? FAULT_EIO : FAULT_ENOSPC, false);
        const enum err e = run_all(p);
        fault_disarm();
        check_no_litter(p);
        if (e == OK) break;
        CHECK_ERR(e, ERR_IO);
        CHECK(strstr(err_line(), k % 2 ? "Input/output error" : "No space left") != NULL);
        CHECK(strstr(err_line(), ".spill") != NULL);
        n_failed++;
    }
    CHECK(n_failed > 10);
    if (fabric_rank(p->f) == 0) printf("%llu faults\n", (unsigned long long)n_failed);
}

// An error that a rank brings along, before or between the stages.
static void check_brought_error(struct place *p)
{
    const bool mine = fabric_rank(p->f) == fabric_size(p->f) - 1;
    const struct duplicates_options o = {p->f, &p->seq, p->folder, 1 << 20};
    struct duplicates *d = NULL;
    CHECK_OK(duplicates_open(&o, &d));
    CHECK_ERR(duplicates_resolve(d, mine ? fail(ERR_DATA, "page 7: bad") : OK), ERR_DATA);
    CHECK(strstr(err_line(), "page 7: bad") != NULL);
    duplicates_close(d);
}

static void check_shared_part(struct place *p)
{
    if (fabric_size(p->f) == 1) return;
    const struct duplicates_options o = {p->f, &p->seq, p->folder, 1 << 20};
    const uint64_t key = 1;
    struct duplicates *d = NULL;
    CHECK_OK(duplicates_open(&o, &d));
    CHECK_OK(duplicates_add(d, (uint64_t)5 << 32 | (uint64_t)fabric_rank(p->f), &key, 1));
    CHECK_ERR(duplicates_resolve(d, OK), ERR_INVARIANT);
    CHECK_LINE("part 5 was added by ranks 0 and 1");
    duplicates_close(d);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    struct place p = {.seq = 100, .key = rng_key(seed, "shuffle"), .arena = &a};
    if (fabric_launched())
        CHECK_OK(fabric_open_mpi(NULL, &a, &p.f));
    else
        CHECK_OK(fabric_open_alone(&a, &p.f));
    p.folder = arena_printf(&a, "shuffle-%d-of-%d.tmp", fabric_rank(p.f), fabric_size(p.f));
    CHECK_OK(file_make_folders(p.folder));
    check_sort(p.key);
    check_bounds(&p);
    check_memory(&p);
    check_brought_error(&p);
    check_shared_part(&p);
    check_faults(&p);
    check_no_litter(&p);
    CHECK_OK(file_remove_tree(p.folder));
    fabric_close(p.f);
    arena_fini(&a);
    return 0;
}
