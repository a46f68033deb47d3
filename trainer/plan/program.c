#include "trainer/plan/program.h"

enum stage {
    STAGE_PREPARE,
    STAGE_LANES,
    STAGE_UPDATE,
    STAGE_PREPARE_NEXT,
    STAGE_EVALUATE,
    STAGE_EVALUATE_END,
    STAGE_SAVE,
    STAGE_NEXT
};

void program_begin(struct program *p, const struct plan *plan, const struct program_options *o)
{
    *p = (struct program){
        .plan = plan, .options = *o, .step = o->first_step, .stage = STAGE_PREPARE};
}

static bool last_step(const struct program *p)
{
    return p->step + 1 == p->options.last_step;
}

static bool due(uint64_t every, uint64_t step)
{
    return every > 0 && (step + 1) % every == 0;
}

static bool must_evaluate(const struct program *p)
{
    return p->plan->evaluate != NULL && p->options.eval_every > 0 &&
           (due(p->options.eval_every, p->step) || last_step(p));
}

static bool must_save(const struct program *p)
{
    return due(p->options.save_every, p->step) || p->save_now ||
           (p->options.save_at_end && last_step(p));
}

static uint64_t n_rounds(const struct program *p)
{
    return p->stage == STAGE_LANES ? p->plan->lanes->lanes.n_rounds
                                   : p->plan->eval_lanes->lanes.n_rounds;
}

// Runs section and moves on to stage `next`.
static bool call(struct program *p, enum section_kind section, enum stage next,
                 struct program_call *out)
{
    *out = (struct program_call){section, p->step, p->round};
    p->stage = next;
    return true;
}

static bool call_round(struct program *p, enum section_kind section, enum stage next,
                       struct program_call *out)
{
    *out = (struct program_call){section, p->step, p->round++};
    if (p->round < n_rounds(p)) return true;
    p->round = 0;
    p->stage = next;
    return true;
}

bool program_next(struct program *p, struct program_call *out)
{
    for (;;) {
        switch ((enum stage)p->stage) {
        case STAGE_PREPARE:
            return call(p, SECTION_PREPARE, STAGE_LANES, out);
        case STAGE_LANES:
            if (p->step >= p->options.last_step) return false;
            return call_round(p, SECTION_LANES, STAGE_UPDATE, out);
        case STAGE_UPDATE:
            return call(p, SECTION_UPDATE, STAGE_PREPARE_NEXT, out);
        case STAGE_PREPARE_NEXT:
            return call(p, SECTION_PREPARE, must_evaluate(p) ? STAGE_EVALUATE : STAGE_SAVE, out);
        case STAGE_EVALUATE:
            return call_round(p, SECTION_EVALUATE, STAGE_EVALUATE_END, out);
        case STAGE_EVALUATE_END:
            return call(p, SECTION_EVALUATE_END, STAGE_SAVE, out);
        case STAGE_SAVE:
            if (must_save(p)) return call(p, SECTION_SAVE, STAGE_NEXT, out);
            p->stage = STAGE_NEXT;
            break;
        case STAGE_NEXT:
            if (p->save_now) return false;
            p->step++;
            p->stage = STAGE_LANES;
            break;
        }
    }
}

bool program_step_ended(const struct program *p)
{
    return p->stage == STAGE_SAVE;
}
