// The cache: loads once, keeps what is held, makes room by age, forgets what failed; and from
// several threads at once.

#include "datad/bin_cache.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/rng.h"
#include "tests/check.h"

enum { ELEMS = 100, THREADS = 4, KEYS = 20, ROUNDS = 2000 };

struct loads {
    atomic_uint n[KEYS];
    uint64_t failing; // key whose load fails; UINT64_MAX = none
};

static enum err load(const void *context, uint64_t key, uint32_t *slot, uint64_t *n)
{
    struct loads *l = *(struct loads *const *)context;
    atomic_fetch_add(&l->n[key], 1);
    if (key == l->failing) return fail(ERR_DATA, "key %d", (int)key);
    for (uint32_t i = 0; i < ELEMS; i++)
        slot[i] = (uint32_t)key * ELEMS + i;
    *n = ELEMS - key;
    return OK;
}

static struct bin_cache *open_cache(size_t n_slots, struct loads **loads, struct arena *a)
{
    struct bin_cache *c;
    const struct bin_cache_options o = {
        .n_slots = n_slots, .slot_elems = ELEMS, .load = load, .context = loads};
    CHECK_OK(bin_cache_open(&o, a, &c));
    return c;
}

static void check_held(const struct bin_cache_hold *h, uint64_t key)
{
    CHECK(h->n == ELEMS - key);
    for (uint32_t i = 0; i < ELEMS; i++)
        CHECK(h->data[i] == key * ELEMS + i);
}

static void touch(struct bin_cache *c, uint64_t key)
{
    struct bin_cache_hold h;
    CHECK_OK(bin_cache_acquire(c, key, &h));
    check_held(&h, key);
    bin_cache_release(c, &h);
}

static void check_room(void)
{
    struct arena a;
    struct loads loads = {.failing = UINT64_MAX}, *context = &loads;
    struct bin_cache_hold held, again;
    arena_init(&a, "test");
    struct bin_cache *c = open_cache(3, &context, &a);
    CHECK_OK(bin_cache_acquire(c, 1, &held));
    CHECK_OK(bin_cache_acquire(c, 1, &again));
    bin_cache_release(c, &again);
    for (uint64_t key = 2; key < 10; key++)
        touch(c, key); // 1 is the oldest, but it is held
    check_held(&held, 1);
    CHECK_EQ(loads.n[1], 1);
    touch(c, 8); // 8 and 9 are there
    touch(c, 10);
    touch(c, 8);
    CHECK_EQ(loads.n[8], 1);
    touch(c, 9); // was older than 8
    CHECK_EQ(loads.n[9], 2);
    bin_cache_release(c, &held);
    bin_cache_close(c);
    arena_fini(&a);
}

static void check_failure(void)
{
    struct arena a;
    struct loads loads = {.failing = 5}, *context = &loads;
    struct bin_cache_hold held;
    arena_init(&a, "test");
    struct bin_cache *c = open_cache(1, &context, &a);
    CHECK_ERR(bin_cache_acquire(c, 5, &held), ERR_DATA);
    loads.failing = UINT64_MAX;
    touch(c, 5);
    CHECK_EQ(loads.n[5], 2);
    touch(c, 4);
    bin_cache_close(c);
    arena_fini(&a);
}

struct thread {
    struct bin_cache *cache;
    uint64_t key;
};

static void *hammer(void *context)
{
    const struct thread *t = context;
    for (uint64_t i = 0; i < ROUNDS; i++)
        touch(t->cache, rng_u64(t->key, i, 0) % KEYS);
    return NULL;
}

static void check_threads(uint64_t seed)
{
    struct arena a;
    struct loads loads = {.failing = UINT64_MAX}, *context = &loads;
    pthread_t threads[THREADS];
    struct thread contexts[THREADS];
    arena_init(&a, "test");
    struct bin_cache *c = open_cache(THREADS + 1, &context, &a);
    for (size_t i = 0; i < THREADS; i++) {
        contexts[i] = (struct thread){c, seed + i};
        CHECK(pthread_create(&threads[i], NULL, hammer, &contexts[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    bin_cache_close(c); // asserts that nothing is held
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    check_room();
    check_failure();
    check_threads(check_seed(argc, argv));
    return 0;
}
