// Batches with some of the arrays: each is what it is in a batch with all, in any order and number
// of names; names that no array has are refused, by datad and without one.

#include "datad/batch.h"
#include "tests/datad/spawned.h"

enum { STEPS = 8 };

static const char *const lists[] = {"tokens",
                                    "document_start",
                                    "mask,tokens",
                                    "targets,positions",
                                    "tokens,targets,mask,positions,document_start",
                                    "tokens,,tokens"};

static size_t count_names(const char *list)
{
    size_t n = 0;
    for (const char *const *name = (const char *const[]){"tokens", "targets", "mask", "positions",
                                                         "document_start", NULL};
         *name != NULL; name++)
        n += strstr(list, *name) != NULL;
    return n;
}

static void get(struct client *c, uint64_t i, struct batch *out)
{
    CHECK_OK(client_request(c, i / 6, i % 6));
    CHECK_OK(client_wait(c, i / 6, i % 6, out));
}

/// Every array of some is all's, and loss tokens do not depend on what is wanted.
static void check_same(const struct batch *all, const struct batch *some)
{
    CHECK_EQ(some->loss_tokens, all->loss_tokens);
    CHECK_EQ(some->step_loss_tokens, all->step_loss_tokens);
    for (size_t i = 0; i < some->n_arrays; i++) {
        const struct batch_array *x = &some->arrays[i], *y = batch_array(all, x->name);
        CHECK(y != NULL && x->dtype == y->dtype);
        CHECK(x->count == x->capacity && x->count == y->count);
        CHECK((uintptr_t)x->data % BATCH_ALIGN_BYTES == 0);
        CHECK(memcmp(x->data, y->data, x->count * batch_dtype_bytes(x->dtype)) == 0);
    }
}

static void check_list(const struct client_options *with_all, const char *list)
{
    struct arena a;
    struct client *all, *some;
    struct client_options o = *with_all;
    arena_init(&a, "clients");
    CHECK_OK(client_open(&o, &a, &all));
    o.arrays = list;
    CHECK_OK(client_open(&o, &a, &some));
    for (uint64_t i = 0; i < (uint64_t)STEPS * 6; i++) {
        struct batch x, y;
        get(all, i, &x);
        get(some, i, &y);
        CHECK_EQ(x.n_arrays, 5);
        CHECK_EQ(y.n_arrays, count_names(list));
        check_same(&x, &y);
        client_release(all, &x);
        client_release(some, &y);
    }
    client_close(all);
    client_close(some);
    arena_fini(&a);
}

static void check_refused(const struct client_options *with_all, const char *list, const char *line)
{
    struct arena a;
    struct client *c;
    struct client_options o = *with_all;
    arena_init(&a, "client");
    o.arrays = list;
    CHECK_ERR(client_open(&o, &a, &c), ERR_CONFIG);
    CHECK(strstr(err_line(), line) != NULL);
    arena_fini(&a);
}

static void check_all(const struct client_options *o)
{
    char long_list[BATCH_NAMES_BYTES + 1];
    memset(long_list, 't', sizeof long_list - 1);
    long_list[sizeof long_list - 1] = '\0';
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        check_list(o, lists[i]);
    check_refused(o, "tokens,token", "no array 'token': there are tokens, targets, mask, ");
    check_refused(o, "Tokens", "no array 'Tokens'");
    check_refused(o, "tokens,tiles", "this datad's config has no images");
    check_refused(o, long_list, "the names of arrays are longer than 127 bytes");
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct spawned s;
    spawned_init(&s, seed);
    spawned_start(&s);
    struct client_options o = spawned_client(&s);
    check_all(&o);
    s.options.service.rule.packing = PACK_BEST_FIT;
    (void)spawned_end(&s, SIGKILL);
    spawned_start(&s);
    check_list(&o, lists[0]);
    o.socket = "random:1000";
    check_all(&o);
    spawned_fini(&s);
    return 0;
}
