// The reports of weft prof: logs read back, cut and damaged ones, and windows of steps.

#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/check.h"
#include "trainer/prof/log_window.h"
#include "trainer/prof/op_profile.h"
#include "trainer/prof/run_log.h"

static char folder[] = "/tmp/weft-test-XXXXXX";
static struct arena arena;

static const char *record(unsigned step, double loss, double seconds, const char *more)
{
    return arena_printf(
        &arena,
        "{\"step\": %u, \"loss\": %g, \"seconds\": %g, \"tokens\": 100, \"mfu\": 0.2, "
        "\"hfu\": 0.25, \"mfu_palm\": 0.3, \"data_wait\": 0.1, \"comm_exposed\": "
        "0.2, \"opt\": 0.05%s}\n",
        step, loss, seconds, more);
}

static enum err read_text(const char *text, struct run_log *out)
{
    const char *path = arena_printf(&arena, "%s/log.jsonl", folder);
    CHECK_OK(file_replace(path, text, strlen(text)));
    return run_log_read(path, &arena, out);
}

static bool is_near(double actual, double expected)
{
    return fabs(actual - expected) < 1e-12;
}

static void test_cut_line(void)
{
    char *whole = arena_printf(&arena, "%s%s%s", record(1, 9, 1, ""), record(2, 8, 3, ""),
                               record(3, 7, 2, ", \"val_loss\": 7.5"));
    struct run_log log;
    CHECK_OK(read_text(whole, &log));
    CHECK(log.n_records == 3 && !log.cut && log.records[2].validated);
    // Cut anywhere: whole lines stay, the rest is left out, and nothing is made up.
    for (size_t n = strlen(whole); n-- > 1;) {
        size_t n_lines = 0;
        for (size_t i = 0; i < n; i++)
            n_lines += whole[i] == '\n';
        enum err err = read_text(arena_strndup(&arena, whole, n), &log);
        CHECK(err == (n_lines > 0 ? OK : ERR_DATA));
        if (err != OK) continue;
        CHECK_EQ(log.n_records, n_lines);
        CHECK(log.cut == (whole[n - 1] != '\n'));
    }
}

static void test_bad_lines(void)
{
    struct run_log log = {0};
    CHECK_ERR(run_log_read("/nowhere/log.jsonl", &arena, &log), ERR_IO);
    CHECK_LINE("open /nowhere/log.jsonl: No such file or directory");
    const char *bad[] = {"not JSON\n",       "{}\n", "[]\n", "", "{\"step\": \"1\"}\n",
                         record(1, 9, 0, "")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_ERR(read_text(bad[i], &log), ERR_DATA);
    const char *back = arena_printf(&arena, "%s%s", record(2, 8, 1, ""), record(2, 8, 1, ""));
    CHECK_ERR(read_text(back, &log), ERR_DATA);
    CHECK(strstr(err_line(), "log.jsonl:2: step 2 after step 2") != NULL);
    CHECK(log.n_records == 0);
}

static void test_window(void)
{
    char *text = arena_printf(&arena, "%s%s%s%s", record(1, 9, 1, ""), record(2, 8, 3, ""),
                              record(3, 7, 100, ", \"val_loss\": 7.5"), record(4, 6, 2, ""));
    struct run_log log;
    CHECK_OK(read_text(text, &log));
    struct log_window w = log_window_of(log.records, 4, &arena);
    CHECK(w.first_step == 1 && w.last_step == 4 && w.first_loss == 9 && w.last_loss == 6);
    CHECK(w.validated && w.val_loss == 7.5);
    CHECK(w.step_seconds == 2.5 && w.seconds == 106 && w.tokens == 400);
    CHECK(is_near(w.tokens_per_second, 40) && is_near(w.mfu, 0.2) && is_near(w.palm, 0.3));
    CHECK(is_near(w.compute + w.data_wait + w.comm_exposed + w.opt, 1));
    CHECK(is_near(w.comm_exposed, 0.2));
}

static void test_profile(void)
{
    struct op_profile p = {.first_step = 3,
                           .last_step = 9,
                           .n_ranks = 2,
                           .n_threads = 4,
                           .peak_flops = 1e11,
                           .isa = "avx2",
                           .ops = {{"linear", 12, 1.5, 3e9, 4e9}, {"add", 2, 0.5, 0, 1e9}},
                           .n_ops = 2,
                           .verbs = {{"CAST", 3, 0.25, 0, 0}},
                           .n_verbs = 1};
    struct op_profile back;
    CHECK_ERR(op_profile_read(folder, &arena, &back), ERR_IO);
    CHECK_OK(op_profile_write(&p, folder, &arena));
    CHECK_OK(op_profile_read(folder, &arena, &back));
    CHECK(back.first_step == 3 && back.last_step == 9 && back.n_ranks == 2 && back.n_ops == 2);
    CHECK(back.peak_flops == 1e11 && back.ops[0].flops == 3e9 && back.verbs[0].seconds == 0.25);
    CHECK_TEXT(back.ops[1].name, "add");
    const char *path = arena_printf(&arena, "%s/profile.json", folder);
    CHECK_OK(file_replace(path, "{\"first_step\": 1}", 17));
    CHECK_ERR(op_profile_read(folder, &arena, &back), ERR_DATA);
}

int main(void)
{
    CHECK(mkdtemp(folder) != NULL);
    arena_init(&arena, "test");
    test_cut_line();
    test_bad_lines();
    test_window();
    test_profile();
    arena_fini(&arena);
    CHECK_OK(file_remove_tree(folder));
    return 0;
}
