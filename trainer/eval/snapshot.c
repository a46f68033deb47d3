#include "trainer/eval/snapshot.h"

#include "base/file.h"

static enum err find_checkpoint(struct snapshot *s, uint64_t step, struct arena *a)
{
    char *newest;
    TRY(checkpoint_newest(s->run_folder, a, &newest, &s->step));
    if (newest == NULL) return fail(ERR_DATA, "%s has no checkpoint yet", s->run_folder);
    s->checkpoint = newest;
    if (step == SNAPSHOT_NEWEST) return OK;
    s->checkpoint = arena_printf(a, "%s/checkpoints/step-%06lu", s->run_folder, step);
    if (!file_exists(arena_printf(a, "%s/manifest", s->checkpoint)))
        return fail(ERR_DATA, "%s has no checkpoint of step %lu; the newest is of step %lu",
                    s->run_folder, step, s->step);
    s->step = step;
    return OK;
}

enum err snapshot_open(const char *run_folder, uint64_t step, struct arena *a, struct snapshot *out)
{
    struct snapshot s = {.run_folder = arena_strdup(a, run_folder)};
    char *run_file = arena_printf(a, "%s/run.yaml", run_folder);
    if (!file_exists(run_file))
        return fail(ERR_IO, "%s is not a run directory: it has no run.yaml", run_folder);
    TRY(find_checkpoint(&s, step, a));
    TRY(checkpoint_read_state(s.checkpoint, a, &s.saved));
    if (s.saved.step != s.step)
        return fail(ERR_DATA, "%s holds step %lu: its folder was renamed", s.checkpoint,
                    s.saved.step);
    struct config whole;
    TRY(config_read(run_file, NULL, 0, a, &whole));
    s.config = config_of_phase(&whole, config_phase_of_step(&whole, s.step > 0 ? s.step - 1 : 0));
    *out = s;
    return OK;
}

enum err snapshot_load(const struct snapshot *s, const struct executor *e, struct arena *a)
{
    struct state state;
    state_open(&state, e, a);
    TRY(fabric_agree(e->fabric, checkpoint_load(s->checkpoint, &state.model, state.kept,
                                                state.n_kept, CHECKPOINT_WEIGHTS)));
    uint64_t hash;
    TRY(state_hash(&state, e, &hash));
    if (hash == s->saved.state_hash) return OK;
    return fail(ERR_CORRUPT, "%s: parameters hash to %016lx, saved was %016lx", s->checkpoint, hash,
                s->saved.state_hash);
}
