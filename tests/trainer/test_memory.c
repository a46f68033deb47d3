// ranks: 1 2 4
// The slab is the plan's number of bytes, and a step uses it to the last one: the mapping is filled
// with a pattern, two steps run, and the highest byte that changed is the plan's peak but for
// alignment. What ranks keep of parameters, gradients and moments adds up to what one rank keeps;
// the gradient's norm is that of what they keep.

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/check.h"
#include "topology/fabric.h"
#include "trainer/model.h"
#include "trainer/run/execute_verbs.h"
#include "trainer/run/state.h"

enum { PATTERN = 0xA5, ALIGN_BYTES = 64 };

static const char run_file[] =
    "model: {layers: 2, width: 64, heads: 4, vocabulary: 600, inner_width: 160}\n"
    "data: {kind: random}\n"
    "train: {steps: 2, sequence: 32, global_batch: 8, micro_batch: 1, lr: 1e-3, eval_every: 1}\n";

static void write_run_file(char *path)
{
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, run_file, sizeof run_file - 1) == (ssize_t)sizeof run_file - 1);
    close(fd);
}

static struct client *open_client(const struct config *c, const char *split, uint64_t n_lanes,
                                  struct arena *a)
{
    struct client_options o = {.socket = "random:600",
                               .split = split,
                               .sequence = c->train.sequence,
                               .lane_rows = c->train.micro_batch,
                               .step_lanes = n_lanes};
    struct client *client;
    CHECK_OK(client_open(&o, a, &client));
    return client;
}

static void run_two_steps(struct executor *e)
{
    struct program program;
    program_begin(&program, e->plan, &(struct program_options){.last_step = 2, .eval_every = 1});
    struct program_call call;
    while (program_next(&program, &call))
        CHECK_OK(execute_section(e, &call));
}

static size_t high_water(const struct executor *e)
{
    size_t n = e->slab.n_bytes;
    while (n > 0 && e->slab.data[n - 1] == PATTERN)
        n--;
    return n;
}

static void check_kept(struct fabric *f, const struct plan *p)
{
    struct plan_bytes mine = plan_bytes(p, fabric_rank(f));
    size_t kept = mine.parameters + mine.gradients + mine.optimizer, all[64];
    CHECK_OK(fabric_all_gather(f, &kept, sizeof kept, all));
    size_t sum = 0, n_ranks = (size_t)fabric_size(f);
    for (size_t r = 0; r < n_ranks; r++)
        sum += all[r];
    size_t n_elems = 0;
    for (int u = 0; u < p->train->n_units; u++)
        n_elems += p->ownership->units[u].n_elems;
    size_t vectors = 3 + p->lanes->n_slots; // master, two moments, gradient slots
    CHECK(sum >= vectors * n_elems * 4);
    CHECK(sum <= vectors * (n_elems * 4 + n_ranks * (size_t)p->train->n_units * ALIGN_BYTES));
}

// The norm of the last step is the root of the squares of all gradients that ranks hold after it.
static void check_norm(const struct executor *e)
{
    const struct ownership *o = e->plan->ownership;
    double mine = 0, all[64], squares = 0;
    for (int u = 0; u < o->graph->n_units; u++) {
        struct range kept = ownership_kept_elems(o, u, fabric_rank(e->fabric));
        const float *gradient = execute_segment(e, e->at.slots[u]);
        for (uint64_t i = 0; i < kept.last - kept.first; i++)
            mine += (double)gradient[i] * (double)gradient[i];
    }
    CHECK_OK(fabric_all_gather(e->fabric, &mine, sizeof mine, all));
    for (int r = 0; r < fabric_size(e->fabric); r++)
        squares += all[r];
    CHECK(squares > 0);
    CHECK(fabs(sqrt(squares) - e->result.gradient_norm) <= 1e-12 * e->result.gradient_norm);
}

int main(void)
{
    struct arena a;
    arena_init(&a, "test");
    struct fabric *f;
    CHECK_OK(fabric_open_mpi(&(struct fabric_options){0}, &a, &f));
    char path[] = "/tmp/weft-memory-XXXXXX";
    write_run_file(path);
    struct config c;
    CHECK_OK(config_read(path, NULL, 0, &a, &c));
    unlink(path);
    struct pool *pool;
    CHECK_OK(pool_open(&a, 1, &pool));
    struct plan *p;
    CHECK_OK(model_plan(&c, &(struct model_ranks){fabric_size(f), 1, 1}, &a, &p));
    struct executor e = {
        .config = &c, .plan = p, .fabric = f, .pool = pool, .last_step = 2, .schedule_steps = 2};
    e.train = open_client(&c, "train", config_step_lanes(&c), &a);
    e.validation = open_client(&c, "validation", config_eval_lanes(&c), &a);
    CHECK_OK(execute_open(&e, &a));
    CHECK_EQ(e.slab.n_bytes, plan_bytes(p, fabric_rank(f)).peak);

    memset(e.slab.data, PATTERN, e.slab.n_bytes);
    execute_fill_constants(&e);
    struct state state;
    state_open(&state, &e, &a);
    state_initialize(&state, &e, 1);
    run_two_steps(&e);
    size_t used = high_water(&e);
    CHECK(used <= e.slab.n_bytes && used + ALIGN_BYTES >= e.slab.n_bytes);
    check_kept(f, p);
    check_norm(&e);

    client_close(e.train);
    client_close(e.validation);
    execute_close(&e);
    pool_close(pool);
    fabric_close(f);
    arena_fini(&a);
    return 0;
}
