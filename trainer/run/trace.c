#include "trainer/run/trace.h"

void trace_step(FILE *out, const struct plan *p, const struct program_call *call, int step)
{
    if (out == NULL) return;
    const struct step *s = &p->sections[call->section].steps[step];
    fprintf(out, "%lu %lu %s %d %s %d\n", call->step, call->round, section_name(call->section),
            step, verb_name(s->verb), s->argument);
}
