#include "trainer/run/train.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/size.h"
#include "topology/place.h"
#include "trainer/kernel/isa.h"
#include "trainer/kernel/peak.h"
#include "trainer/model.h"
#include "trainer/prof/op_profile.h"
#include "trainer/run/feed.h"
#include "trainer/run/launch.h"
#include "trainer/run/run_folder.h"
#include "trainer/run/state.h"
#include "trainer/run/step_log.h"
#include "trainer/run/stop.h"

// A run on this rank. One phase at a time has an executor.
struct training {
    const struct train_options *options;
    struct config config; // of the whole run
    struct fabric *fabric;
    struct arena *arena;
    struct run_folder folder;
    const char *path;   // of the run folder
    char program[4096]; // this executable
    struct place place;
    struct pool *pool;
    struct step_log log;
    double own_peak_flops, peak_flops; // of this rank, of all
    double matmul_flops;               // of all: the best matrix product
    uint64_t most_threads;             // of any rank
    uint64_t next_step;                // first that is not done
    char *checkpoint;                  // to load before the phase; NULL = initialise
    char *run_text;

    struct config phase; // of the phase under way
    struct executor executor;
    struct state state;
    struct feed feed;
    double last_loss, last_validation;
    bool agreed; // an error now is every rank's already
};

static bool is_first(const struct training *t)
{
    return fabric_rank(t->fabric) == 0;
}

// --- start: folder, resume point, place, threads ---

static enum err open_folder(struct training *t)
{
    const struct train_options *o = t->options;
    t->path = o->run_folder != NULL ? o->run_folder : run_folder_default(o->run_file, t->arena);
    t->folder.lock = -1;
    if (!is_first(t)) return OK;
    return run_folder_open(&t->folder, t->path, o->resume, t->arena);
}

// The resolved run file, once it is known to fit what the folder holds: what sample, prof and eval
// read.
static enum err write_run_file(const struct training *t)
{
    if (!is_first(t)) return OK;
    char *path = arena_printf(t->arena, "%s/run.yaml", t->path);
    return file_replace(path, t->run_text, strlen(t->run_text));
}

// All ranks must work from the same text. Collective.
static enum err compare(const struct training *t, const char *what, struct hash128 mine)
{
    struct arena a;
    arena_init(&a, "compare");
    struct hash128 *all = ARENA_ARRAY(&a, struct hash128, (size_t)fabric_size(t->fabric));
    enum err err = fabric_all_gather(t->fabric, &mine, sizeof mine, all);
    for (int r = 0; err == OK && r < fabric_size(t->fabric); r++)
        if (all[r].lo != all[0].lo || all[r].hi != all[0].hi)
            err = fail(ERR_INVARIANT,
                       "rank %d has another %s than rank 0: do all nodes run the "
                       "same weft on the same run file?",
                       r, what);
    arena_fini(&a);
    return err;
}

// Rank 0 finds the newest checkpoint; all hear its step.
static enum err find_resume_point(struct training *t)
{
    char *newest = NULL;
    uint64_t step = 0;
    enum err err = OK;
    if (t->options->resume && is_first(t)) {
        err = checkpoint_newest(t->path, t->arena, &newest, &step);
        if (err == OK && newest == NULL)
            log_line("%s has no checkpoint: starting from step 0", t->path);
        if (err == OK) err = run_folder_rewind_log(t->path, step);
    }
    TRY(fabric_agree(t->fabric, err));
    struct arena a;
    arena_init(&a, "resume");
    uint64_t *all = ARENA_ARRAY(&a, uint64_t, (size_t)fabric_size(t->fabric));
    uint64_t mine = newest == NULL ? 0 : step;
    err = fabric_all_gather(t->fabric, &mine, sizeof mine, all);
    t->next_step = all[0];
    arena_fini(&a);
    if (t->next_step > 0)
        t->checkpoint = arena_printf(t->arena, "%s/checkpoints/step-%06lu", t->path, t->next_step);
    return err;
}

static enum err bind(struct training *t)
{
    struct place_map map;
    TRY(place_bind_ranks(t->fabric, t->arena, &map));
    t->place = map.places[fabric_rank(t->fabric)];
    if (is_first(t))
        fputs(place_table(map.places, map.hosts, (size_t)fabric_size(t->fabric), t->arena), stdout);
    return OK;
}

static enum err open_pool(struct training *t)
{
    uint64_t n_threads = t->config.train.n_threads;
    if (n_threads == 0) n_threads = t->place.bound ? t->place.n_cores : 1;
    TRY(fabric_agree(t->fabric, pool_open(t->arena, n_threads, &t->pool)));
    uint64_t *all = ARENA_ARRAY(t->arena, uint64_t, (size_t)fabric_size(t->fabric));
    TRY(fabric_all_gather(t->fabric, &n_threads, sizeof n_threads, all));
    for (int r = 0; r < fabric_size(t->fabric); r++)
        t->most_threads = size_max(t->most_threads, all[r]);
    return OK;
}

// Flops per second that a rank can reach.
struct peak {
    double loop_flops, matmul_flops;
};

static enum err measure_peak(struct training *t)
{
    enum dtype type = t->config.train.precision == CONFIG_BF16 ? DTYPE_BF16 : DTYPE_F32;
    struct arena a; // a product's operands: of no use later
    arena_init(&a, "peak");
    struct peak mine = {peak_flops_per_second(t->pool, type),
                        peak_matmul_flops_per_second(t->pool, type, &a)};
    t->own_peak_flops = mine.loop_flops;
    struct peak *all = ARENA_ARRAY(&a, struct peak, (size_t)fabric_size(t->fabric));
    enum err err = fabric_all_gather(t->fabric, &mine, sizeof mine, all);
    for (int r = 0; r < fabric_size(t->fabric); r++) {
        t->peak_flops += all[r].loop_flops;
        t->matmul_flops += all[r].matmul_flops;
    }
    arena_fini(&a);
    return err;
}

static enum err start(struct training *t)
{
    const struct train_options *o = t->options;
    enum err err = config_read(o->run_file, o->overrides, o->n_overrides, t->arena, &t->config);
    if (err == OK) err = launch_program(t->program, sizeof t->program);
    if (err == OK) err = open_folder(t);
    TRY(fabric_agree(t->fabric, err));
    t->run_text = config_print(&t->config, t->arena);
    TRY(compare(t, "resolved run file", hash_xxh3_128(t->run_text, strlen(t->run_text))));
    TRY(find_resume_point(t));
    TRY(bind(t));
    TRY(open_pool(t));
    TRY(measure_peak(t));
    err = is_first(t) ? step_log_open(&t->log, t->path, t->arena) : OK;
    return fabric_agree(t->fabric, err);
}

// --- a phase: plan, slab, state, data ---

static enum err print_start(const struct training *t, const struct plan *p)
{
    if (!is_first(t)) return OK;
    char hash[33];
    hash_hex(p->hash, hash);
    struct plan_bytes b = plan_bytes(p, 0);
    printf("plan %s  ranks %d x %zu threads (%s)  lanes %lu in %lu rounds  zero %d  slab %.1f MiB "
           "a rank\n",
           hash, fabric_size(t->fabric), pool_n_threads(t->pool), isa_name(isa_get()),
           p->lanes->lanes.n_lanes, p->lanes->lanes.n_rounds, p->options.zero,
           (double)b.peak / (1024 * 1024));
    printf("mfu: flops counted from the graph, causal attention as the half it is; peak %.4g "
           "flop/s = register-resident FMA loop of this process on all ranks (best matrix product "
           "%.4g)\n",
           t->peak_flops, t->matmul_flops);
    return OK;
}

// Scratch is planned for the rank with most threads: uneven shares of cores give one plan.
static struct model_ranks ranks_of(const struct training *t)
{
    return (struct model_ranks){fabric_size(t->fabric), fabric_n_nodes(t->fabric), t->most_threads};
}

// Before step 0 every phase is planned and all ranks agree on every plan: what cannot run is found
// out now.
static enum err plan_all_phases(const struct training *t)
{
    struct model_ranks ranks = ranks_of(t);
    enum err err = OK;
    for (size_t i = 0; err == OK && i <= t->config.n_phases; i++) {
        struct arena a;
        arena_init(&a, "plans");
        struct config phase = config_of_phase(&t->config, i);
        struct plan *plan;
        err = fabric_agree(t->fabric, model_plan(&phase, &ranks, &a, &plan));
        if (err == OK) err = compare(t, "plan", plan->hash);
        arena_fini(&a);
    }
    return err;
}

static enum err plan_phase(struct training *t, struct arena *a, struct plan **out)
{
    struct model_ranks ranks = ranks_of(t);
    TRY(model_plan(&t->phase, &ranks, a, out));
    return print_start(t, *out);
}

// The stream must be the one that the checkpoint was trained on, or positions mean other rows.
static enum err check_stream(const struct training *t, const struct checkpoint_state *saved)
{
    struct hash128 now = client_info(t->feed.train)->stream_hash;
    size_t phase_then = config_phase_of_step(&t->config, saved->step > 0 ? saved->step - 1 : 0);
    if (phase_then != config_phase_of_step(&t->config, t->next_step))
        return OK; // another T: another stream
    if (now.lo == saved->stream_hash.lo && now.hi == saved->stream_hash.hi) return OK;
    return fail(
        ERR_DATA,
        "%s was trained on other data (dataset, weights, filter, packing, seed or sequence "
        "differ, or an edit of the mixture or a skip begins before step %lu): restore them, "
        "or start a new run",
        t->checkpoint, t->next_step);
}

// A step's rows follow from the tokens of the steps before it: no batch or length that was trained
// with can change.
static enum err check_position(const struct training *t, const struct checkpoint_state *saved,
                               struct arena *a)
{
    struct config then;
    if (config_parse(saved->run_file, t->checkpoint, a, &then) != OK)
        return fail_at(ERR_DATA, "%s: the run file that it holds", t->checkpoint);
    if (config_tokens_before(&then, saved->step) == config_tokens_before(&t->config, saved->step))
        return OK;
    struct config before = config_of_phase(&then, config_phase_of_step(&then, saved->step - 1));
    return fail(ERR_DATA,
                "%s was trained with train.global_batch %lu, the run file says %lu: rows would be "
                "repeated or skipped; restore it, or change it in a new phase at step %lu",
                t->checkpoint, before.train.global_batch, t->phase.train.global_batch, saved->step);
}

static enum err load(struct training *t, struct arena *a, struct checkpoint_state *saved)
{
    TRY(checkpoint_read_state(t->checkpoint, a, saved));
    if (saved->step != t->next_step)
        return fail(ERR_DATA, "%s holds step %lu: its folder was renamed", t->checkpoint,
                    saved->step);
    TRY(checkpoint_load(t->checkpoint, &t->state.model, t->state.kept, t->state.n_kept,
                        CHECKPOINT_ALL));
    TRY(check_stream(t, saved));
    TRY(check_position(t, saved, a));
    t->last_loss = saved->loss;
    t->last_validation = saved->validation_loss;
    return OK;
}

// Collective: every rank has the same sum, and so the same answer.
static enum err check_loaded(const struct training *t, const struct checkpoint_state *saved)
{
    uint64_t hash;
    TRY(state_hash(&t->state, &t->executor, &hash));
    if (hash == saved->state_hash) return OK;
    return fail(ERR_CORRUPT, "%s: parameters hash to %016lx, saved was %016lx", t->checkpoint, hash,
                saved->state_hash);
}

static enum err fill_state(struct training *t, struct arena *a)
{
    if (t->checkpoint == NULL) {
        state_initialize(&t->state, &t->executor, t->config.train.seed);
        return OK;
    }
    struct checkpoint_state saved;
    TRY(fabric_agree(t->fabric, load(t, a, &saved)));
    TRY(check_loaded(t, &saved));
    if (is_first(t)) printf("resumed from %s (loss %.4f)\n", t->checkpoint, t->last_loss);
    return OK;
}

static enum err save(void *context, uint64_t step)
{
    struct training *t = context;
    struct arena a;
    arena_init(&a, "save");
    char *folder = arena_printf(&a, "%s/checkpoints/step-%06lu", t->path, step);
    struct checkpoint_state state = {.step = step,
                                     .stream_hash = t->executor.history,
                                     .seed = t->config.train.seed,
                                     .loss = t->executor.result.loss,
                                     .validation_loss = t->last_validation,
                                     .run_file = t->run_text};
    enum err err = state_hash(&t->state, &t->executor, &state.state_hash);
    if (err == OK) err = fabric_agree(t->fabric, step_log_sync(&t->log));
    if (err == OK)
        err = checkpoint_save(folder, t->fabric, &t->state.model, t->state.home, t->state.n_home,
                              &state);
    enum err pruned = OK;
    if (err == OK && is_first(t)) {
        printf("saved %s  parameters %016lx\n", folder, state.state_hash);
        fflush(stdout);
        pruned = checkpoint_prune(t->path, t->config.train.keep);
    }
    if (err == OK) err = fabric_agree(t->fabric, pruned);
    arena_fini(&a);
    return err;
}

static double palm_flops(const struct training *t, const struct plan *p)
{
    const struct config_model *m = &t->config.model;
    const struct graph *g = p->train;
    double n = 0;
    for (int i = 0; i < g->n_parameters; i++)
        n += (double)g->parameters[i].n_elems;
    double tokens = (double)(t->phase.train.global_batch * t->phase.train.sequence);
    // Chowdhery et al. 2022, appendix B: 6 N + 12 L H Q T a token.
    return tokens * (6 * n + 12.0 * (double)(m->n_layers * m->n_heads * m->head_size *
                                             t->phase.train.sequence));
}

static enum err open_trace(struct training *t)
{
    if (!t->options->trace) return OK;
    char *folder = arena_printf(t->arena, "%s/trace", t->path);
    TRY(file_make_folders(folder));
    char *path = arena_printf(t->arena, "%s/rank-%04d.txt", folder, fabric_rank(t->fabric));
    t->executor.trace = fopen(path, "we");
    return t->executor.trace != NULL ? OK : fail(ERR_IO, "create %s", path);
}

static enum err open_phase(struct training *t, size_t index, struct arena *a)
{
    struct plan *plan;
    TRY(plan_phase(t, a, &plan));
    t->executor = (struct executor){.config = &t->phase,
                                    .plan = plan,
                                    .fabric = t->fabric,
                                    .pool = t->pool,
                                    .save = save,
                                    .save_context = t,
                                    .schedule_steps = config_total_steps(&t->config),
                                    .first_step = t->next_step,
                                    .last_step = config_phase_first_step(&t->config, index + 1)};
    enum err err = execute_open(&t->executor, a);
    if (err == OK) err = open_trace(t);
    TRY(fabric_agree(t->fabric, err));
    state_open(&t->state, &t->executor, a);
    const struct feed_start start = {.whole = &t->config,
                                     .first_step = config_phase_first_step(&t->config, index),
                                     .first_row = config_phase_first_row(&t->config, index),
                                     .next_step = t->next_step};
    TRY(feed_open(&t->feed, &t->phase, &start, t->path, t->program, t->fabric, a));
    t->executor.history = client_info(t->feed.train)->stream_hash;
    t->executor.train = t->feed.train;
    t->executor.validation = t->feed.validation;
    t->log.model_flops = plan_model_flops(plan);
    t->log.hardware_flops = plan_hardware_flops(plan);
    t->log.palm_flops = palm_flops(t, plan);
    t->log.peak_flops = t->peak_flops;
    t->log.last_step = config_total_steps(&t->config);
    TRY(fill_state(t, a));
    return fabric_agree(t->fabric, write_run_file(t));
}

static void close_phase(struct training *t)
{
    feed_close(&t->feed);
    if (t->executor.trace != NULL) fclose(t->executor.trace);
    execute_close(&t->executor);
}

// --- steps ---

struct stopwatch {
    uint64_t begin_ns;
    uint64_t time_ns[TIME_N];
};

static void stopwatch_begin(struct stopwatch *s, const struct executor *e)
{
    s->begin_ns = clock_now_ns();
    memcpy(s->time_ns, e->time_ns, sizeof s->time_ns);
}

// After a step's last section but its save: reports it.
static enum err end_step(struct training *t, const struct stopwatch *s, uint64_t step)
{
    struct executor *e = &t->executor;
    if (e->result.validated) t->last_validation = e->result.validation_loss;
    uint64_t time_ns[TIME_N];
    for (int i = 0; i < TIME_N; i++)
        time_ns[i] = e->time_ns[i] - s->time_ns[i];
    double seconds = (double)(clock_now_ns() - s->begin_ns) / 1e9;
    enum err err = is_first(t) ? step_log_write(&t->log, e, step, seconds, time_ns) : OK;
    e->result.validated = false;
    return err;
}

static enum err run_sections(struct training *t, struct program *program)
{
    struct executor *e = &t->executor;
    struct program_call call;
    struct stopwatch watch = {0};
    stopwatch_begin(&watch, e);
    while (program_next(program, &call)) {
        err_set_place(fabric_rank(t->fabric), (long)call.step);
        e->step = call.step;
        e->stop_wanted = stop_wanted();
        t->agreed = call.section == SECTION_SAVE;
        TRY(execute_section(e, &call));
        if (e->result.stop) program->save_now = true;
        if (program_step_ended(program)) {
            TRY(end_step(t, &watch, call.step));
            TRY(feed_supervise(&t->feed));
        }
        if (program_step_ended(program) || call.section == SECTION_SAVE) stopwatch_begin(&watch, e);
    }
    return program->save_now && program->step + 1 < config_total_steps(&t->config) ? ERR_REQUEUE
                                                                                   : OK;
}

static enum err write_profile(const struct training *t)
{
    struct arena a;
    arena_init(&a, "profile");
    struct op_profile profile = {.first_step = t->next_step + 1,
                                 .last_step = t->executor.step + 1,
                                 .n_ranks = (uint64_t)fabric_size(t->fabric),
                                 .n_threads = pool_n_threads(t->pool),
                                 .peak_flops = t->own_peak_flops,
                                 .isa = isa_name(isa_get())};
    op_profile_fill(&profile, &t->executor);
    enum err err = op_profile_write(&profile, t->path, &a);
    arena_fini(&a);
    return err;
}

// An error that all ranks share is said by rank 0 alone; any other ends the job from the rank that
// has it, while what MPI has in flight is still mapped. A hang is never shared, whatever was being
// agreed on.
static enum err settle(const struct training *t, enum err err)
{
    if (err == OK) return OK;
    bool shared = (t->agreed && err != ERR_HANG) || err == ERR_DIVERGED || err == ERR_REQUEUE;
    if (!shared) fabric_abort(t->fabric, err, (long)t->executor.step);
    if (err == ERR_REQUEUE) err_record("saved on a signal: start again with --resume");
    return err;
}

static enum err run_phase(struct training *t, size_t index)
{
    struct arena a;
    arena_init(&a, "phase");
    t->phase = config_of_phase(&t->config, index);
    t->executor = (struct executor){0};
    t->agreed = true;
    enum err err = open_phase(t, index, &a);
    if (err == OK) {
        uint64_t last_step = config_phase_first_step(&t->config, index + 1);
        struct program program;
        program_begin(&program, t->executor.plan,
                      &(struct program_options){.first_step = t->next_step,
                                                .last_step = last_step,
                                                .eval_every = t->config.train.eval_every,
                                                .save_every = t->config.train.save_every,
                                                .save_at_end = true});
        err = run_sections(t, &program);
        if (is_first(t) && (err == OK || err == ERR_REQUEUE)) {
            enum err written = write_profile(t);
            if (err == OK && written != OK) t->agreed = false; // rank 0's alone
            if (err == OK) err = written;
        }
        t->next_step = last_step;
        t->checkpoint = arena_printf(t->arena, "%s/checkpoints/step-%06lu", t->path, last_step);
    }
    err = settle(t, err);
    close_phase(t);
    arena_fini(&a);
    return err;
}

static enum err run_phases(struct training *t)
{
    uint64_t total = config_total_steps(&t->config);
    if (t->next_step >= total && is_first(t))
        printf("nothing to do: %lu of %lu steps are done\n", t->next_step, total);
    while (t->next_step < total) {
        size_t phase = config_phase_of_step(&t->config, t->next_step);
        TRY(run_phase(t, phase));
    }
    return OK;
}

enum err train_run(const struct train_options *o, struct fabric *f, struct arena *a)
{
    struct training t = {.options = o, .fabric = f, .arena = a, .agreed = true};
    err_set_place(fabric_rank(f), -1);
    enum err err = start(&t);
    if (err == OK) err = plan_all_phases(&t);
    err = settle(&t, err);
    if (err == OK) err = run_phases(&t);
    enum err closed = step_log_close(&t.log);
    if (t.pool != NULL) pool_close(t.pool);
    run_folder_close(&t.folder);
    if (err == OK) err = closed;
    if (err != OK && !is_first(&t)) err_clear(); // rank 0 says it
    return err;
}
