#include "trainer/prof/op_profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_text.h"
#include "trainer/run/execute.h"

enum { LIMIT_BYTES = 1 << 20 };

_Static_assert((int)OP_N <= (int)OP_PROFILE_LINES && (int)VERB_N <= (int)OP_PROFILE_LINES,
               "every op and verb has a line");

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct op_profile_line *)a)->seconds;
    double y = ((const struct op_profile_line *)b)->seconds;
    return (x < y) - (x > y);
}

void op_profile_fill(struct op_profile *p, const struct executor *e)
{
    p->n_ops = p->n_verbs = 0;
    for (int i = 0; i < OP_N; i++) {
        if (e->op_calls[i] == 0) continue;
        p->ops[p->n_ops++] = (struct op_profile_line){.name = op_row(i)->name,
                                                      .calls = (double)e->op_calls[i],
                                                      .seconds = (double)e->op_ns[i] / 1e9,
                                                      .flops = e->op_cost[i].flops,
                                                      .bytes = e->op_cost[i].bytes};
    }
    for (int i = 0; i < VERB_N; i++) {
        if (e->verb_calls[i] == 0 || i == VERB_RUN) continue; // its time is the ops'
        p->verbs[p->n_verbs++] = (struct op_profile_line){.name = verb_name((enum verb)i),
                                                          .calls = (double)e->verb_calls[i],
                                                          .seconds = (double)e->verb_ns[i] / 1e9};
    }
    qsort(p->ops, p->n_ops, sizeof p->ops[0], by_seconds);
    qsort(p->verbs, p->n_verbs, sizeof p->verbs[0], by_seconds);
}

// --- writing ---

static json_t *json_lines(const struct op_profile_line *lines, size_t n)
{
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct op_profile_line *l = &lines[i];
        json_array_append_new(out, json_pack("{s:s s:f s:f s:f s:f}", "name", l->name, "calls",
                                             l->calls, "seconds", l->seconds, "flops", l->flops,
                                             "bytes", l->bytes));
    }
    return out;
}

enum err op_profile_write(const struct op_profile *p, const char *run_folder, struct arena *a)
{
    json_t *j =
        json_pack("{s:I s:I s:I s:I s:f s:s s:o s:o}", "first_step", (json_int_t)p->first_step,
                  "last_step", (json_int_t)p->last_step, "ranks", (json_int_t)p->n_ranks, "threads",
                  (json_int_t)p->n_threads, "peak_flops_per_second", p->peak_flops, "isa", p->isa,
                  "ops", json_lines(p->ops, p->n_ops), "verbs", json_lines(p->verbs, p->n_verbs));
    char *text;
    enum err err = json_text(j, a, &text);
    json_decref(j);
    TRY(err);
    return file_replace(arena_printf(a, "%s/profile.json", run_folder), text, strlen(text));
}

// --- reading ---

static enum err read_lines(const json_t *j, struct op_profile_line *out, size_t *n, struct arena *a)
{
    if (!json_is_array(j) || json_array_size(j) > OP_PROFILE_LINES)
        return fail(ERR_DATA, "ops and verbs are lists of at most %d", OP_PROFILE_LINES);
    *n = json_array_size(j);
    for (size_t i = 0; i < *n; i++) {
        const char *name;
        json_t *line = json_array_get(j, i);
        struct op_profile_line *l = &out[i];
        if (json_unpack(line, "{s:s s:F s:F s:F s:F}", "name", &name, "calls", &l->calls, "seconds",
                        &l->seconds, "flops", &l->flops, "bytes", &l->bytes) != 0)
            return fail(ERR_DATA, "a line has name, calls, seconds, flops and bytes");
        l->name = arena_strdup(a, name);
    }
    return OK;
}

static enum err read_all(json_t *j, struct arena *a, struct op_profile *out)
{
    struct op_profile p = {0};
    json_int_t first, last, ranks, threads;
    const char *isa;
    json_t *ops, *verbs;
    if (json_unpack(j, "{s:I s:I s:I s:I s:F s:s s:o s:o}", "first_step", &first, "last_step",
                    &last, "ranks", &ranks, "threads", &threads, "peak_flops_per_second",
                    &p.peak_flops, "isa", &isa, "ops", &ops, "verbs", &verbs) != 0)
        return fail(ERR_DATA, "not the profile of a run");
    p.first_step = (uint64_t)first;
    p.last_step = (uint64_t)last;
    p.n_ranks = (uint64_t)ranks;
    p.n_threads = (uint64_t)threads;
    p.isa = arena_strdup(a, isa);
    TRY(read_lines(ops, p.ops, &p.n_ops, a));
    TRY(read_lines(verbs, p.verbs, &p.n_verbs, a));
    *out = p;
    return OK;
}

enum err op_profile_read(const char *run_folder, struct arena *a, struct op_profile *out)
{
    struct span text;
    const char *path = arena_printf(a, "%s/profile.json", run_folder);
    TRY(file_read(path, LIMIT_BYTES, a, &text));
    json_error_t cause;
    json_t *j = json_loadb((const char *)text.data, text.n_bytes, 0, &cause);
    if (j == NULL) return fail(ERR_DATA, "%s: not JSON: %s", path, cause.text);
    enum err err = read_all(j, a, out);
    json_decref(j);
    return err == OK ? OK : fail_at(err, "%s", path);
}
