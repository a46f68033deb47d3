#include "datad/bin_cache.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size.h"

enum { HUGE_PAGE_BYTES = 1 << 21 };

enum slot_state { SLOT_EMPTY, SLOT_LOADING, SLOT_READY };

struct slot {
    enum slot_state state;
    uint64_t key, n;
    size_t n_holds;
    uint64_t used; // tick of the last use
};

struct bin_cache {
    struct bin_cache_options options;
    uint32_t *memory;
    size_t memory_bytes;
    pthread_mutex_t lock; // guards slots and tick
    pthread_cond_t changed;
    struct slot *slots;
    uint64_t tick;
};

enum err bin_cache_open(const struct bin_cache_options *o, struct arena *a, struct bin_cache **out)
{
    size_t n_elems, n_bytes;
    if (!size_mul(o->n_slots, o->slot_elems, &n_elems) ||
        !size_mul(n_elems, sizeof(uint32_t), &n_bytes))
        return fail(ERR_MEMORY, "cache of %zu bins: too large", o->n_slots);
    ASSERT(n_bytes > 0);
    void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return fail(ERR_MEMORY, "cache of %zu bins, %zu bytes: %s", o->n_slots, n_bytes,
                    strerror(errno));
    // Rows are read from all over: fewer misses of the TLB. Small slots would only cost memory.
    if (o->slot_elems * sizeof(uint32_t) >= HUGE_PAGE_BYTES)
        (void)madvise(memory, n_bytes, MADV_HUGEPAGE);
    struct bin_cache *c = ARENA_NEW(a, struct bin_cache);
    c->options = *o;
    c->memory = memory;
    c->memory_bytes = n_bytes;
    c->slots = ARENA_ARRAY(a, struct slot, o->n_slots);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    *out = c;
    return OK;
}

void bin_cache_close(struct bin_cache *c)
{
    for (size_t i = 0; i < c->options.n_slots; i++)
        ASSERT(c->slots[i].n_holds == 0);
    munmap(c->memory, c->memory_bytes);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
}

static struct slot *find(struct bin_cache *c, uint64_t key)
{
    for (size_t i = 0; i < c->options.n_slots; i++)
        if (c->slots[i].state != SLOT_EMPTY && c->slots[i].key == key) return &c->slots[i];
    return NULL;
}

/// An empty slot or the least recently used that nobody holds; NULL when all are held.
static struct slot *find_room(struct bin_cache *c)
{
    struct slot *best = NULL;
    for (size_t i = 0; i < c->options.n_slots; i++) {
        struct slot *s = &c->slots[i];
        if (s->state == SLOT_EMPTY) return s;
        if (s->state == SLOT_READY && s->n_holds == 0 && (best == NULL || s->used < best->used))
            best = s;
    }
    return best;
}

static uint32_t *data_of(const struct bin_cache *c, const struct slot *s)
{
    return c->memory + (size_t)(s - c->slots) * c->options.slot_elems;
}

static void hold(struct bin_cache *c, struct slot *s, struct bin_cache_hold *out)
{
    s->n_holds++;
    s->used = ++c->tick;
    out->slot = (size_t)(s - c->slots);
    out->data = data_of(c, s);
    out->n = s->n;
}

/// Called with the lock; gives it up while loading.
static enum err load(struct bin_cache *c, struct slot *s, uint64_t key)
{
    uint32_t *memory = data_of(c, s);
    s->state = SLOT_LOADING;
    s->key = key;
    pthread_mutex_unlock(&c->lock);
    uint64_t n = 0;
    const enum err e = c->options.load(c->options.context, key, memory, &n);
    pthread_mutex_lock(&c->lock);
    s->n = n;
    s->state = e == OK ? SLOT_READY : SLOT_EMPTY;
    pthread_cond_broadcast(&c->changed);
    return e;
}

static enum err acquire_locked(struct bin_cache *c, uint64_t key, struct bin_cache_hold *out)
{
    for (;;) {
        struct slot *s = find(c, key);
        if (s != NULL && s->state == SLOT_READY) {
            hold(c, s, out);
            return OK;
        }
        if (s == NULL)
            s = find_room(c);
        else
            s = NULL; // somebody loads it
        if (s != NULL)
            TRY(load(c, s, key));
        else
            pthread_cond_wait(&c->changed, &c->lock);
    }
}

enum err bin_cache_acquire(struct bin_cache *c, uint64_t key, struct bin_cache_hold *out)
{
    pthread_mutex_lock(&c->lock);
    const enum err e = acquire_locked(c, key, out);
    pthread_mutex_unlock(&c->lock);
    return e;
}

const uint32_t *bin_cache_peek(struct bin_cache *c, uint64_t key)
{
    pthread_mutex_lock(&c->lock);
    const struct slot *s = find(c, key);
    const uint32_t *data = s != NULL && s->state == SLOT_READY ? data_of(c, s) : NULL;
    pthread_mutex_unlock(&c->lock);
    return data;
}

void bin_cache_release(struct bin_cache *c, const struct bin_cache_hold *held)
{
    pthread_mutex_lock(&c->lock);
    ASSERT(c->slots[held->slot].n_holds > 0);
    c->slots[held->slot].n_holds--;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}
