// ranks: 1 2 4
// What any number of ranks saved with any cut, any other loads with any other, to the bit, and a
// second decoder reads the same; other models are refused by name; an error on one rank is
// everyone's and leaves the older checkpoint; pruning keeps what it must.

#include <math.h>

#include "base/fault.h"
#include "tests/trainer/checkpoint_case.h"
#include "tests/trainer/checkpoint_decoder.h"
#include "topology/fabric.h"

static struct fabric *f;
static int rank, size;
static char *run; // the run folder, of all ranks
static struct arena top;

static void everyone(void)
{
    CHECK_OK(fabric_agree(f, OK));
}

static char *step_folder(struct arena *a, uint64_t step)
{
    return arena_printf(a, "%s/checkpoints/step-%06lu", run, step);
}

static void save(const struct checkpoint_case *c, uint64_t cut, uint64_t step)
{
    struct arena a;
    arena_init(&a, "save");
    size_t n;
    struct checkpoint_piece *pieces = case_cut(c, &a, cut, rank, size, &n);
    struct checkpoint_state state = case_state(step);
    CHECK_OK(checkpoint_save(step_folder(&a, step), f, &c->model, pieces, n, &state));
    arena_fini(&a);
}

// This rank's share of a cut over n_ranks, whatever their number was when it was saved.
static void load(const struct checkpoint_case *c, uint64_t cut, uint64_t step, int n_ranks)
{
    struct arena a;
    arena_init(&a, "load");
    struct checkpoint_case empty;
    case_empty_copy(&empty, c, &a);
    size_t n;
    struct checkpoint_piece *pieces = case_cut(&empty, &a, cut, rank % n_ranks, n_ranks, &n);
    CHECK_OK(checkpoint_load(step_folder(&a, step), &c->model, pieces, n, CHECKPOINT_ALL));
    case_check(c, pieces, n);
    arena_fini(&a);
}

static void check_master_alone(const struct checkpoint_case *c, uint64_t step)
{
    struct arena a;
    arena_init(&a, "master");
    struct checkpoint_case empty;
    case_empty_copy(&empty, c, &a);
    size_t n;
    struct checkpoint_piece *pieces = case_cut(&empty, &a, 3, 0, 1, &n);
    CHECK_OK(checkpoint_load(step_folder(&a, step), &c->model, pieces, n, CHECKPOINT_WEIGHTS));
    for (uint64_t t = 0; t < c->model.n_tensors; t++)
        for (int k = 0; k < case_components(&c->tensors[t]); k++)
            for (uint64_t i = 0; i < c->tensors[t].n_elems; i++)
                if (k > 0) CHECK(empty.values[t][k][i] == 0);
    for (uint64_t t = 0; t < c->model.n_tensors; t++)
        CHECK(memcmp(empty.values[t][0], c->values[t][0], c->tensors[t].n_elems * 4) == 0);
    arena_fini(&a);
}

static void check_decoder(const struct checkpoint_case *c, uint64_t step)
{
    struct decoder_checkpoint d;
    struct checkpoint_state s = case_state(step);
    if (!decoder_read(step_folder(&top, step), &d)) check_failed(__FILE__, __LINE__, "%s", d.error);
    CHECK(d.step == step && d.seed == s.seed && d.state_hash == s.state_hash && d.loss == s.loss);
    CHECK_TEXT(d.run_file, s.run_file);
    CHECK_EQ(d.n_tensors, c->model.n_tensors);
    for (uint64_t t = 0; t < c->model.n_tensors; t++) {
        CHECK_TEXT(d.tensors[t].name, c->tensors[t].name);
        CHECK_EQ(d.tensors[t].moments, c->tensors[t].has_moments);
        CHECK(memcmp(d.tensors[t].dims, c->tensors[t].dims, sizeof d.tensors[t].dims) == 0);
        for (int k = 0; k < case_components(&c->tensors[t]); k++)
            CHECK(memcmp(d.tensors[t].data[k], c->values[t][k], c->tensors[t].n_elems * 4) == 0);
    }
    decoder_free(&d);
}

static void check_state(const struct checkpoint_case *c, uint64_t step)
{
    struct arena a;
    arena_init(&a, "state");
    struct checkpoint_state got, s = case_state(step);
    CHECK_OK(checkpoint_read_state(step_folder(&a, step), &a, &got));
    CHECK(got.step == s.step && got.seed == s.seed && got.state_hash == s.state_hash);
    CHECK(got.stream_hash.lo == s.stream_hash.lo && got.stream_hash.hi == s.stream_hash.hi);
    CHECK(got.loss == s.loss && got.validation_loss == s.validation_loss);
    CHECK_TEXT(got.run_file, s.run_file);
    struct checkpoint_model m;
    CHECK_OK(checkpoint_read_model(step_folder(&a, step), &a, &m));
    CHECK_EQ(m.n_tensors, c->model.n_tensors);
    for (uint64_t t = 0; t < m.n_tensors; t++) {
        CHECK_TEXT(m.tensors[t].name, c->tensors[t].name);
        CHECK(m.tensors[t].n_elems == c->tensors[t].n_elems &&
              m.tensors[t].has_moments == c->tensors[t].has_moments);
    }
    arena_fini(&a);
}

static void check_cuts(uint64_t seed)
{
    for (uint64_t round = 0; round < 6; round++) {
        struct arena a;
        arena_init(&a, "round");
        struct checkpoint_case c;
        case_random(&c, &a, seed + round);
        uint64_t step = 100 + round;
        save(&c, seed * 7 + round, step);
        for (int n_ranks = 1; n_ranks <= 5; n_ranks += 2)
            load(&c, seed * 13 + 5 * round + (uint64_t)n_ranks, step, n_ranks);
        check_master_alone(&c, step);
        if (rank == 0) check_decoder(&c, step);
        check_state(&c, step);
        everyone();
        arena_fini(&a);
    }
}

// A step may be saved again: the folder then holds the second one.
static void check_again(uint64_t seed)
{
    struct checkpoint_case c;
    case_random(&c, &top, seed);
    save(&c, seed, 200);
    case_fill(&c, seed + 1);
    save(&c, seed + 1, 200);
    load(&c, seed + 2, 200, size);
    if (rank == 0) check_decoder(&c, 200);
    everyone();
}

static enum err load_as(const struct checkpoint_case *c, uint64_t step)
{
    size_t n;
    struct checkpoint_case empty;
    case_empty_copy(&empty, c, &top);
    struct checkpoint_piece *pieces = case_cut(&empty, &top, 3, 0, 1, &n);
    return checkpoint_load(step_folder(&top, step), &empty.model, pieces, n, CHECKPOINT_ALL);
}

static void check_line(const char *format, uint64_t step)
{
    CHECK_LINE(arena_printf(&top, "%s%s", step_folder(&top, step), format));
}

static void check_other_models(void)
{
    struct checkpoint_case c = {0};
    case_tensor(&c, &top, "embedding.token.weight", 10, 8, true);
    case_tensor(&c, &top, "head.norm.gain", 1, 8, false);
    case_allocate(&c, &top);
    save(&c, 1, 300);
    struct checkpoint_case other = c;
    other.tensors[0].dims[0] = 5;
    other.tensors[0].dims[1] = 16;
    CHECK_ERR(load_as(&other, 300), ERR_DATA);
    check_line(" holds another model: embedding.token.weight is [10,8] there, [5,16] in the "
               "run file",
               300);
    other = c;
    other.tensors[0].n_dims = 1;
    CHECK_ERR(load_as(&other, 300), ERR_DATA);
    check_line(" holds another model: embedding.token.weight is [10,8] there, [10] in the run file",
               300);
    other = c;
    other.tensors[1].name = "head.norm.gains";
    CHECK_ERR(load_as(&other, 300), ERR_DATA);
    check_line(" holds another model: it has no head.norm.gains", 300);
    other = c;
    other.model.n_tensors = 1;
    CHECK_ERR(load_as(&other, 300), ERR_DATA);
    check_line(" holds another model: the run file has no head.norm.gain", 300);
    other = c;
    other.tensors[1].has_moments = true;
    CHECK_ERR(load_as(&other, 300), ERR_DATA);
    check_line(" has no moment1 of head.norm.gain: it was frozen when that was saved", 300);
    other = c;
    other.tensors[0].has_moments = false; // frozen now: its moments stay where they are
    CHECK_OK(load_as(&other, 300));
    everyone();
}

static void check_odd_losses(void)
{
    struct checkpoint_case c = {0};
    case_tensor(&c, &top, "w", 1, 1, true);
    case_allocate(&c, &top);
    size_t n;
    struct checkpoint_piece *pieces = case_cut(&c, &top, 1, rank, size, &n);
    struct checkpoint_state s = case_state(400), got;
    s.loss = (double)NAN;
    s.validation_loss = -(double)INFINITY;
    s.run_file = NULL;
    char *folder = step_folder(&top, 400);
    CHECK_OK(checkpoint_save(folder, f, &c.model, pieces, n, &s));
    CHECK_OK(checkpoint_read_state(folder, &top, &got));
    CHECK(isnan(got.loss) && isinf(got.validation_loss) && got.validation_loss < 0);
    CHECK_TEXT(got.run_file, "");
    s.run_file = "a: \xff\n";
    CHECK_ERR(checkpoint_save(step_folder(&top, 401), f, &c.model, pieces, n, &s), ERR_DATA);
    everyone();
    CHECK(!file_exists(arena_printf(&top, "%s/manifest", step_folder(&top, 401))));
    everyone();
}

// Only one rank's disk fails: all ranks return its error, and the older checkpoint is the newest.
static void check_one_rank_fails(uint64_t seed)
{
    struct checkpoint_case c;
    case_random(&c, &top, seed);
    save(&c, seed, 500);
    for (int failing = 0; failing < size; failing++)
        for (uint64_t k = 1; k <= 2; k++) {
            size_t n;
            struct checkpoint_piece *pieces = case_cut(&c, &top, seed, rank, size, &n);
            struct checkpoint_state state = case_state(501);
            if (rank == failing) fault_arm("file_write", k, FAULT_ENOSPC, true);
            CHECK_ERR(checkpoint_save(step_folder(&top, 501), f, &c.model, pieces, n, &state),
                      ERR_IO);
            fault_disarm();
            CHECK(strstr(err_line(), "No space left") != NULL);
            everyone();
            char *newest;
            uint64_t step;
            CHECK_OK(checkpoint_newest(run, &top, &newest, &step));
            CHECK_TEXT(newest, step_folder(&top, 500));
            struct file_list left = {0};
            if (file_exists(step_folder(&top, 501)))
                CHECK_OK(file_list(step_folder(&top, 501), &top, &left));
            CHECK_EQ(left.n_names, 0);
            everyone();
        }
    load(&c, seed + 1, 500, size);
    everyone();
}

static void put(const char *name, const char *text)
{
    CHECK_OK(file_make_folders(step_folder(&top, 503)));
    CHECK_OK(file_replace(arena_printf(&top, "%s/checkpoints/%s", run, name), text, strlen(text)));
}

static void check_names(const char *expected)
{
    struct file_list list;
    CHECK_OK(file_list(arena_printf(&top, "%s/checkpoints", run), &top, &list));
    const char *names = "";
    for (size_t i = 0; i < list.n_names; i++)
        names = arena_printf(&top, "%s%s ", names, list.names[i]);
    CHECK_TEXT(names, expected);
}

static void check_prune(uint64_t seed)
{
    struct checkpoint_case c;
    case_random(&c, &top, seed);
    if (rank == 0) CHECK_OK(file_remove_tree(run));
    everyone();
    char *newest;
    uint64_t step;
    CHECK_OK(checkpoint_newest(run, &top, &newest, &step));
    CHECK(newest == NULL);
    for (step = 1; step <= 3; step++)
        save(&c, seed, step);
    save(&c, seed, 1000000); // by number, not by name
    save(&c, seed, 502);
    save(&c, seed + 1, 502); // its first part files are litter now
    if (rank == 0) {
        put("step-000503/part-00000-0123456789abcdef.bin", "half");
        put("step-000502/manifest.new.tmp", "half");
        put("step-12", "not a checkpoint's name");
        CHECK_OK(checkpoint_newest(run, &top, &newest, &step));
        CHECK_EQ(step, 1000000);
        CHECK_OK(checkpoint_prune(run, 3));
        check_names("step-000003 step-000502 step-1000000 step-12 ");
        struct file_list list;
        CHECK_OK(file_list(step_folder(&top, 502), &top, &list));
        CHECK_EQ(list.n_names, size + 1);
        check_decoder(&c, 502);
        check_decoder(&c, 3);
        put("step-000003/manifest", "broken"); // must not stop what comes, nor be touched
        CHECK_OK(checkpoint_prune(run, 3));
        CHECK_OK(checkpoint_prune(run, 1));
        check_names("step-1000000 step-12 ");
        check_decoder(&c, 1000000);
    }
    everyone();
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    arena_init(&top, "cases");
    CHECK_OK(fabric_launched() ? fabric_open_mpi(&(struct fabric_options){0}, &a, &f)
                               : fabric_open_alone(&a, &f));
    rank = fabric_rank(f);
    size = fabric_size(f);
    uint64_t pid = (uint64_t)getpid(), *pids = ARENA_ARRAY(&a, uint64_t, (size_t)size);
    CHECK_OK(fabric_all_gather(f, &pid, sizeof pid, pids));
    run = case_folder(&a, pids[0]);
    check_cuts(seed);
    check_again(seed);
    check_other_models();
    check_odd_losses();
    check_one_rank_fails(seed);
    check_prune(seed);
    if (rank == 0) CHECK_OK(file_remove_tree(run));
    fabric_close(f);
    arena_fini(&top);
    arena_fini(&a);
    return 0;
}
