// weft prof RUN_DIR: what a run did and what its time went into, from log.jsonl and profile.json.

#include <stdio.h>

#include "base/cli.h"
#include "base/file.h"
#include "base/json_text.h"
#include "trainer/config.h"
#include "trainer/prof/log_window.h"
#include "trainer/prof/op_profile.h"

enum { REPORT_WINDOWS = 1024 };

struct options {
    uint64_t n_windows; // a phase
    double memory_bytes_per_s;
    bool json;
};

struct report {
    const char *folder;
    struct config config;
    struct run_log log;
    struct log_window whole, *windows;
    size_t *phases; // of each window
    size_t n_windows;
    struct op_profile profile;
    bool has_profile;
};

static enum err parse(int argc, char **argv, struct options *o, const char **folder)
{
    const struct cli_option options[] = {
        {"windows", 'w', CLI_U64, &o->n_windows, "N", "lines a phase in the table (8)"},
        {"rank-bandwidth", 0, CLI_F64, &o->memory_bytes_per_s, "B/S",
         "memory of a rank, for predictions (1e10)"},
        {"json", 0, CLI_FLAG, &o->json, NULL, "print JSON"},
    };
    const struct cli_usage usage = {.synopsis = "weft prof RUN_DIR [--json]",
                                    .summary = "say what a run did and what its time went into",
                                    .example = "weft prof quickstart-run/run",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    TRY(cli_parse_one(argc, argv, &usage, folder));
    if (o->n_windows < 1 || o->n_windows > REPORT_WINDOWS)
        return fail(ERR_USAGE, "--windows %lu: 1 to %d", o->n_windows, REPORT_WINDOWS);
    if (!(o->memory_bytes_per_s > 0)) return fail(ERR_USAGE, "--rank-bandwidth is above 0");
    return OK;
}

// --- reading ---

static size_t phase_of(const struct report *r, size_t record)
{
    return config_phase_of_step(&r->config, (uint64_t)r->log.records[record].step - 1);
}

// Cuts the records [first, last) of one phase into windows of nearly equal length.
static void cut_phase(struct report *r, size_t first, size_t last, uint64_t n_wanted,
                      struct arena *a)
{
    size_t n = last - first, n_windows = n_wanted < n ? n_wanted : n;
    for (size_t i = 0; i < n_windows; i++) {
        size_t begin = first + i * n / n_windows, end = first + (i + 1) * n / n_windows;
        r->phases[r->n_windows] = phase_of(r, first);
        r->windows[r->n_windows++] = log_window_of(&r->log.records[begin], end - begin, a);
    }
}

static void cut_windows(struct report *r, uint64_t n_wanted, struct arena *a)
{
    size_t capacity = (r->config.n_phases + 1) * n_wanted;
    r->windows = ARENA_ARRAY(a, struct log_window, capacity);
    r->phases = ARENA_ARRAY(a, size_t, capacity);
    for (size_t first = 0, last = 0; first < r->log.n_records; first = last) {
        while (last < r->log.n_records && phase_of(r, last) == phase_of(r, first))
            last++;
        cut_phase(r, first, last, n_wanted, a);
    }
    r->whole = log_window_of(r->log.records, r->log.n_records, a);
}

static enum err read_report(const char *folder, const struct options *o, struct arena *a,
                            struct report *r)
{
    if (!file_is_folder(folder)) return fail(ERR_IO, "%s: no such folder", folder);
    r->folder = folder;
    TRY(run_log_read(arena_printf(a, "%s/log.jsonl", folder), a, &r->log));
    TRY(config_read(arena_printf(a, "%s/run.yaml", folder), NULL, 0, a, &r->config));
    r->has_profile = file_exists(arena_printf(a, "%s/profile.json", folder));
    if (r->has_profile) TRY(op_profile_read(folder, a, &r->profile));
    cut_windows(r, o->n_windows, a);
    return OK;
}

// What the cost rules say of a line: the longer of computing at the peak and moving its bytes.
static double predicted_seconds(const struct report *r, const struct options *o,
                                const struct op_profile_line *l)
{
    double computing = r->profile.peak_flops > 0 ? l->flops / r->profile.peak_flops : 0;
    double moving = l->bytes / o->memory_bytes_per_s;
    return computing > moving ? computing : moving;
}

// --- text ---

static void print_window(const struct log_window *w)
{
    char steps[40], loss[40], validation[16] = "-";
    snprintf(steps, sizeof steps, "%.0f-%.0f", w->first_step, w->last_step);
    snprintf(loss, sizeof loss, "%.3f -> %.3f", w->first_loss, w->last_loss);
    if (w->validated) snprintf(validation, sizeof validation, "%.3f", w->val_loss);
    printf("%-12s %-18s %-8s %8.3f %8.0f %6.1f %6.1f %6.1f %8.1f %6.1f %6.1f %6.1f\n", steps, loss,
           validation, w->step_seconds, w->tokens_per_second, 100 * w->mfu, 100 * w->hfu,
           100 * w->palm, 100 * w->compute, 100 * w->data_wait, 100 * w->comm_exposed,
           100 * w->opt);
}

static void print_steps(const struct report *r)
{
    const struct log_window *w = &r->whole;
    printf("%s: steps %.0f to %.0f of %lu, %.0f tokens in %.0f s of steps; loss %.4f -> %.4f",
           r->folder, w->first_step, w->last_step, config_total_steps(&r->config), w->tokens,
           w->seconds, w->first_loss, w->last_loss);
    if (w->validated) printf(", last val_loss %.4f", w->val_loss);
    printf("\n\n%-12s %-18s %-8s %8s %8s %6s %6s %6s %8s %6s %6s %6s\n", "steps", "loss",
           "val_loss", "seconds", "tok/s", "mfu%", "hfu%", "palm%", "compute%", "data%", "comm%",
           "opt%");
    for (size_t i = 0; i < r->n_windows; i++) {
        if (r->config.n_phases > 0 && (i == 0 || r->phases[i] != r->phases[i - 1]))
            printf("phase %zu\n", r->phases[i]);
        print_window(&r->windows[i]);
    }
    if (r->n_windows > 1) print_window(w);
    printf("\nseconds, tok/s, mfu, hfu, palm: of the median step. mfu: flops counted from the "
           "graph, causal attention as the half it is;\nhfu: recomputed work too; palm: 6 N + 12 L "
           "H Q T a token. Peak = register-resident loop, measured at start.\n");
    if (r->log.cut) printf("the last line of log.jsonl was cut and is left out\n");
}

static double sum_seconds(const struct op_profile_line *lines, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += lines[i].seconds;
    return sum;
}

static void print_ops(const struct report *r, const struct options *o)
{
    const struct op_profile *p = &r->profile;
    double measured = sum_seconds(p->ops, p->n_ops), predicted = 0;
    for (size_t i = 0; i < p->n_ops; i++)
        predicted += predicted_seconds(r, o, &p->ops[i]);
    printf("\nops of rank 0, steps %lu to %lu: prediction against what happened (%s, peak %.3g "
           "flop/s, memory %.3g B/s)\n%-20s %8s %10s %8s %11s %11s %9s %8s\n",
           p->first_step, p->last_step, p->isa, p->peak_flops, o->memory_bytes_per_s, "op", "calls",
           "seconds", "share%", "predicted s", "predicted%", "Gflop/s", "GB/s");
    for (size_t i = 0; i < p->n_ops; i++) {
        const struct op_profile_line *l = &p->ops[i];
        double s = predicted_seconds(r, o, l);
        printf("%-20s %8.0f %10.3f %8.1f %11.3f %11.1f %9.2f %8.2f\n", l->name, l->calls,
               l->seconds, 100 * l->seconds / measured, s, 100 * s / predicted,
               l->flops / l->seconds / 1e9, l->bytes / l->seconds / 1e9);
    }
    printf("%-20s %8s %10.3f %8.1f %11.3f %11.1f\n", "all ops", "", measured, 100.0, predicted,
           100.0);
}

static void print_verbs(const struct report *r)
{
    const struct op_profile *p = &r->profile;
    double least = sum_seconds(p->ops, p->n_ops) / 1000;
    printf("\n%-20s %8s %10s\n", "beside the ops", "calls", "seconds");
    for (size_t i = 0; i < p->n_verbs && p->verbs[i].seconds >= least; i++)
        printf("%-20s %8.0f %10.3f\n", p->verbs[i].name, p->verbs[i].calls, p->verbs[i].seconds);
}

// --- JSON ---

static json_t *json_window(const struct log_window *w, size_t phase)
{
    json_t *j = json_pack(
        "{s:I s:I s:I s:f s:f s:f s:f s:f s:f s:f s:f s:f s:f s:f s:f s:f}", "phase",
        (json_int_t)phase, "first_step", (json_int_t)w->first_step, "last_step",
        (json_int_t)w->last_step, "loss_first", w->first_loss, "loss_last", w->last_loss, "tokens",
        w->tokens, "seconds", w->seconds, "step_seconds", w->step_seconds, "tokens_per_second",
        w->tokens_per_second, "mfu", w->mfu, "hfu", w->hfu, "mfu_palm", w->palm, "compute",
        w->compute, "data_wait", w->data_wait, "comm_exposed", w->comm_exposed, "opt", w->opt);
    if (w->validated) json_object_set_new(j, "val_loss", json_real(w->val_loss));
    return j;
}

static json_t *json_ops(const struct report *r, const struct options *o)
{
    json_t *out = json_array();
    for (size_t i = 0; i < r->profile.n_ops; i++) {
        const struct op_profile_line *l = &r->profile.ops[i];
        json_array_append_new(out, json_pack("{s:s s:f s:f s:f s:f s:f}", "name", l->name, "calls",
                                             l->calls, "seconds", l->seconds, "predicted_seconds",
                                             predicted_seconds(r, o, l), "flops", l->flops, "bytes",
                                             l->bytes));
    }
    return out;
}

static json_t *json_verbs(const struct op_profile *p)
{
    json_t *out = json_array();
    for (size_t i = 0; i < p->n_verbs; i++)
        json_array_append_new(out, json_pack("{s:s s:f s:f}", "name", p->verbs[i].name, "calls",
                                             p->verbs[i].calls, "seconds", p->verbs[i].seconds));
    return out;
}

static enum err print_json(const struct report *r, const struct options *o, struct arena *a)
{
    json_t *windows = json_array();
    for (size_t i = 0; i < r->n_windows; i++)
        json_array_append_new(windows, json_window(&r->windows[i], r->phases[i]));
    json_t *j =
        json_pack("{s:I s:b s:o s:o}", "steps", (json_int_t)config_total_steps(&r->config),
                  "log_cut", r->log.cut, "run", json_window(&r->whole, 0), "windows", windows);
    if (j != NULL && r->has_profile) {
        json_object_set_new(j, "peak_flops_per_second", json_real(r->profile.peak_flops));
        json_object_set_new(j, "ops", json_ops(r, o));
        json_object_set_new(j, "verbs", json_verbs(&r->profile));
    }
    char *text;
    enum err err = json_text(j, a, &text);
    json_decref(j);
    TRY(err);
    fputs(text, stdout);
    return OK;
}

static enum err report(const char *folder, const struct options *o, struct arena *a)
{
    struct report r = {0};
    TRY(read_report(folder, o, a, &r));
    if (o->json) return print_json(&r, o, a);
    print_steps(&r);
    if (!r.has_profile) return OK;
    print_ops(&r, o);
    print_verbs(&r);
    return OK;
}

CLI_COMMAND(prof)
{
    struct options o = {.n_windows = 8, .memory_bytes_per_s = 1e10};
    const char *folder;
    TRY(parse(argc, argv, &o, &folder));
    struct arena a;
    arena_init(&a, "weft prof");
    enum err err = report(folder, &o, &a);
    arena_fini(&a);
    return err;
}
