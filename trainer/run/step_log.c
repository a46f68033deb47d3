#include "trainer/run/step_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum { RECORD_BYTES = 1024 };

struct report {
    uint64_t step, tokens;
    double seconds, tokens_per_second, mfu, hfu, palm;
    double share[TIME_N]; // of the step
};

enum err step_log_open(struct step_log *l, const char *run_folder, struct arena *a)
{
    l->path = arena_printf(a, "%s/log.jsonl", run_folder);
    l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    l->is_open = l->fd >= 0;
    return l->is_open ? OK : fail(ERR_IO, "open %s: %s", l->path, strerror(errno));
}

enum err step_log_sync(const struct step_log *l)
{
    return l->is_open ? file_fsync(l->fd, l->path) : OK;
}

enum err step_log_close(struct step_log *l)
{
    if (!l->is_open) return OK;
    l->is_open = false;
    return file_close(l->fd, l->path);
}

static struct report make_report(const struct step_log *l, const struct executor *e, uint64_t step,
                                 double seconds, const uint64_t time_ns[TIME_N])
{
    const struct config_train *t = &e->config->train;
    struct report r = {
        .step = step + 1, .tokens = t->global_batch * t->sequence, .seconds = seconds};
    r.tokens_per_second = (double)r.tokens / seconds;
    double peak = l->peak_flops * seconds;
    if (peak > 0) {
        r.mfu = l->model_flops / peak;
        r.hfu = l->hardware_flops / peak;
        r.palm = l->palm_flops / peak;
    }
    for (int i = 0; i < TIME_N; i++)
        r.share[i] = (double)time_ns[i] / 1e9 / seconds;
    return r;
}

static void print_line(const struct step_log *l, const struct executor *e, const struct report *r)
{
    const struct execute_result *result = &e->result;
    double left_minutes = (double)(l->last_step - r->step) * l->mean_seconds / 60;
    char validation[48] = "";
    if (result->validated)
        snprintf(validation, sizeof validation, " val_loss %.4f", result->validation_loss);
    printf("step %lu/%lu loss %.4f%s |g| %.3g lr %.2e %.2fs %.1fk tok/s mfu %.0f%% data %.1f%% "
           "comm %.1f%% opt %.1f%% eta %.0fm\n",
           r->step, l->last_step, result->loss, validation, result->gradient_norm,
           result->learning_rate, r->seconds, r->tokens_per_second / 1000, 100 * r->mfu,
           100 * r->share[TIME_DATA], 100 * r->share[TIME_FABRIC], 100 * r->share[TIME_OPTIMIZER],
           left_minutes);
    fflush(stdout);
}

// Seventeen digits: the bits of the loss can be compared from the log. One write a record, so that
// a kill cuts none.
static enum err write_record(const struct step_log *l, const struct executor *e,
                             const struct report *r)
{
    const struct execute_result *result = &e->result;
    char line[RECORD_BYTES], validation[48] = "";
    if (result->validated)
        snprintf(validation, sizeof validation, ", \"val_loss\": %.17g", result->validation_loss);
    int n = snprintf(
        line, sizeof line,
        "{\"step\": %lu, \"loss\": %.17g, \"grad_norm\": %.17g, \"lr\": %.17g, \"seconds\": "
        "%.6f, \"tokens\": %lu, \"loss_tokens\": %lu, \"tokens_per_second\": %.3f, \"mfu\": %.6f, "
        "\"hfu\": %.6f, \"mfu_palm\": %.6f, \"data_wait\": %.6f, \"comm_exposed\": %.6f, "
        "\"opt\": %.6f%s}\n",
        r->step, result->loss, result->gradient_norm, result->learning_rate, r->seconds, r->tokens,
        result->loss_tokens, r->tokens_per_second, r->mfu, r->hfu, r->palm, r->share[TIME_DATA],
        r->share[TIME_FABRIC], r->share[TIME_OPTIMIZER], validation);
    ASSERT(n > 0 && n < RECORD_BYTES);
    return file_write(l->fd, l->path, line, (size_t)n);
}

enum err step_log_write(struct step_log *l, const struct executor *e, uint64_t step, double seconds,
                        const uint64_t time_ns[TIME_N])
{
    l->mean_seconds = l->mean_seconds == 0 ? seconds : 0.9 * l->mean_seconds + 0.1 * seconds;
    struct report r = make_report(l, e, step, seconds, time_ns);
    print_line(l, e, &r);
    return write_record(l, e, &r);
}
