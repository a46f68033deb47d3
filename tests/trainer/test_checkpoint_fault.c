// Fails the k-th file operation of a save for k = 1, 2, ... until one survives, once and for ever,
// by EIO and by a full disk, and then by kill -9 of a child: afterwards the newest checkpoint is
// exactly the old or the new one, whole, and the next save and prune work. The same for saving a
// step again, for pruning, for loading and for looking.

#include <sys/wait.h>

#include "base/fault.h"
#include "tests/trainer/checkpoint_case.h"
#include "tests/trainer/checkpoint_decoder.h"

enum { OLD = 10, NEW = 20, WALK_LIMIT = 2000 };

static struct arena top;
static struct fabric *f;
static char *run;
static struct checkpoint_case model; // values of the old checkpoint
static struct checkpoint_case fresh; // of the new one

static enum err save(const struct checkpoint_case *c, uint64_t step)
{
    struct arena a;
    arena_init(&a, "save");
    size_t n;
    struct checkpoint_piece *pieces = case_cut(c, &a, 5, 0, 1, &n);
    struct checkpoint_state state = case_state(step);
    char *folder = arena_printf(&a, "%s/checkpoints/step-%06lu", run, step);
    enum err e = checkpoint_save(folder, f, &c->model, pieces, n, &state);
    arena_fini(&a);
    return e;
}

static enum err load_newest(struct checkpoint_case *out, struct arena *a, uint64_t *step)
{
    char *path;
    TRY(checkpoint_newest(run, a, &path, step));
    CHECK(path != NULL);
    case_empty_copy(out, &model, a);
    size_t n;
    struct checkpoint_piece *pieces = case_cut(out, a, 7, 0, 1, &n);
    return checkpoint_load(path, &model.model, pieces, n, CHECKPOINT_ALL);
}

static bool same_values(const struct checkpoint_case *a, const struct checkpoint_case *b)
{
    bool same = true;
    for (uint64_t t = 0; t < a->model.n_tensors; t++)
        for (int k = 0; k < case_components(&a->tensors[t]); k++)
            same &= memcmp(a->values[t][k], b->values[t][k], a->tensors[t].n_elems * 4) == 0;
    return same;
}

// The newest one is whole; true when it is the new one.
static bool newest_is_new(uint64_t new_step)
{
    struct arena a;
    arena_init(&a, "newest");
    struct checkpoint_case got;
    uint64_t step;
    CHECK_OK(load_newest(&got, &a, &step));
    bool is_new = same_values(&got, &fresh);
    CHECK_EQ(step, is_new ? new_step : OLD);
    CHECK(is_new || same_values(&got, &model));
    struct decoder_checkpoint d;
    CHECK(decoder_read(arena_printf(&a, "%s/checkpoints/step-%06lu", run, step), &d));
    CHECK(memcmp(d.tensors[0].data[0], got.values[0][0], d.tensors[0].n_elems * 4) == 0);
    decoder_free(&d);
    arena_fini(&a);
    return is_new;
}

static void begin_again(void)
{
    CHECK_OK(file_remove_tree(run));
    CHECK_OK(save(&model, OLD));
}

static void check_after(uint64_t new_step)
{
    CHECK_OK(save(&fresh, new_step)); // over whatever is left
    CHECK(newest_is_new(new_step));
    CHECK_OK(checkpoint_prune(run, 1));
    CHECK(newest_is_new(new_step));
    struct file_list list;
    CHECK_OK(file_list(arena_printf(&top, "%s/checkpoints", run), &top, &list));
    CHECK_EQ(list.n_names, 1);
    CHECK_OK(file_list(arena_printf(&top, "%s/checkpoints/%s", run, list.names[0]), &top, &list));
    CHECK_EQ(list.n_names, 2);
}

static uint64_t walk_save(enum fault_action action, bool for_ever, uint64_t new_step)
{
    for (uint64_t k = 1;; k++) {
        CHECK(k < WALK_LIMIT);
        begin_again();
        fault_arm("*", k, action, for_ever);
        enum err e = save(&fresh, new_step);
        uint64_t n_hits = fault_count();
        fault_disarm();
        if (e != OK) {
            CHECK_EQ(e, ERR_IO);
            CHECK(strstr(err_line(), action == FAULT_EIO ? "Input/output error" : "No space left"));
        }
        bool is_new = newest_is_new(new_step);
        CHECK(e != OK || is_new);
        if (!is_new && new_step == NEW) // nothing of the attempt is left
            CHECK(!file_exists(arena_printf(&top, "%s/checkpoints/step-%06u", run, NEW)));
        check_after(new_step);
        if (e == OK && n_hits < k) return k - 1;
    }
}

static bool killed_at(uint64_t k, uint64_t new_step)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fault_arm("*", k, FAULT_KILL, false);
        enum err e = save(&fresh, new_step);
        if (e == OK) e = checkpoint_prune(run, 1);
        _exit(e == OK ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static uint64_t walk_kill(uint64_t new_step)
{
    uint64_t n_old = 0, n_new = 0;
    for (uint64_t k = 1;; k++) {
        CHECK(k < WALK_LIMIT);
        begin_again();
        bool killed = killed_at(k, new_step);
        bool is_new = newest_is_new(new_step);
        CHECK(killed || is_new);
        n_old += !is_new;
        n_new += is_new;
        check_after(new_step);
        if (killed) continue;
        CHECK(n_old > 10 && n_new > 5); // both sides of the commit were visited
        return k - 1;
    }
}

// Failing a prune loses nothing that it must keep.
static uint64_t walk_prune(bool for_ever)
{
    for (uint64_t k = 1;; k++) {
        CHECK(k < WALK_LIMIT);
        begin_again();
        CHECK_OK(save(&model, 5));
        CHECK_OK(save(&model, 7));
        CHECK_OK(save(&fresh, NEW));
        fault_arm("*", k, FAULT_EIO, for_ever);
        enum err e = checkpoint_prune(run, 2);
        uint64_t n_hits = fault_count();
        fault_disarm();
        CHECK(e == OK || e == ERR_IO);
        CHECK(newest_is_new(NEW));
        CHECK_OK(file_remove_tree(arena_printf(&top, "%s/checkpoints/step-%06u", run, NEW)));
        CHECK(!newest_is_new(NEW)); // the second one, kept as well
        if (e == OK && n_hits < k) return k - 1;
    }
}

// A disk that fails while looking or loading is an error, never an older or another checkpoint.
static uint64_t walk_load(bool for_ever)
{
    begin_again();
    CHECK_OK(save(&fresh, NEW));
    for (uint64_t k = 1;; k++) {
        CHECK(k < WALK_LIMIT);
        struct arena a;
        arena_init(&a, "load");
        struct checkpoint_case got;
        uint64_t step;
        fault_arm("*", k, FAULT_EIO, for_ever);
        enum err e = load_newest(&got, &a, &step);
        uint64_t n_hits = fault_count();
        fault_disarm();
        CHECK(e == OK || e == ERR_IO);
        CHECK(n_hits >= k ? e == ERR_IO : same_values(&got, &fresh) && step == NEW);
        arena_fini(&a);
        if (n_hits < k) return k - 1;
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "fabric");
    arena_init(&top, "test");
    CHECK_OK(fabric_open_alone(&a, &f));
    run = case_folder(&top, (uint64_t)getpid());
    case_tensor(&model, &top, "a", 3, 2500, true);
    case_tensor(&model, &top, "b", 1, 9, false);
    case_allocate(&model, &top);
    case_fill(&model, seed);
    case_empty_copy(&fresh, &model, &top);
    case_fill(&fresh, seed + 100);
    const struct {
        const char *what;
        uint64_t n;
    } walks[] = {{"saving, once", walk_save(FAULT_EIO, false, NEW)},
                 {"saving, for ever", walk_save(FAULT_ENOSPC, true, NEW)},
                 {"saving again, once", walk_save(FAULT_ENOSPC, false, OLD)},
                 {"saving again, for ever", walk_save(FAULT_EIO, true, OLD)},
                 {"saving, killed", walk_kill(NEW)},
                 {"saving again, killed", walk_kill(OLD)},
                 {"pruning, once", walk_prune(false)},
                 {"pruning, for ever", walk_prune(true)},
                 {"loading, once", walk_load(false)},
                 {"loading, for ever", walk_load(true)}};
    for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++) {
        printf("%s: %lu places\n", walks[i].what, walks[i].n);
        CHECK(walks[i].n > 10);
    }
    CHECK_OK(file_remove_tree(run));
    arena_fini(&top);
    arena_fini(&a);
    return 0;
}
