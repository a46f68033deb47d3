// Fails the k-th file operation of a build for k = 1, 2, ... until one survives, once and for ever,
// by EIO and by a full disk: the dataset is absent or whole, nothing is left when the disk works
// again, and the next build succeeds. Then the same by kill -9 of a child.

#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "shard/build/dataset_build.h"
#include "shard/dataset/dataset.h"
#include "shard/dataset/dataset_verify.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"

static const char *in, *out, *partial;

static enum err build(void)
{
    struct arena a;
    arena_init(&a, "build");
    char *inputs[] = {arena_strdup(&a, in)};
    struct dataset_build_options options = corpus_options(out, inputs, 1);
    options.n_workers = 2;
    options.bin_tokens = 1000;
    options.shard_tokens = 2500;
    options.separator = "\f";
    struct dataset_build_result result;
    const enum err e = dataset_build(&options, &result);
    arena_fini(&a);
    return e;
}

// Absent, or the empty folder that a build leaves when it could not even open it.
static int nothing_left(void)
{
    struct arena a;
    struct file_list list = {0};
    arena_init(&a, "left");
    if (file_exists(partial)) CHECK_OK(file_list(partial, &a, &list));
    arena_fini(&a);
    return list.n_names == 0;
}

// OUT, if it is there, is a whole dataset; then clears the way for the next build.
static int check_and_clear(void)
{
    const int there = file_exists(out);
    if (there) CHECK_OK(dataset_verify(out, NULL, NULL));
    CHECK_OK(file_remove_tree(out));
    return there;
}

static uint64_t walk(enum fault_action action, bool for_ever)
{
    for (uint64_t k = 1;; k++) {
        CHECK(k < 1000);
        fault_arm("*", k, action, for_ever);
        const enum err e = build();
        const uint64_t n_hits = fault_count();
        fault_disarm();
        if (e != OK) {
            CHECK(e == ERR_IO);
            CHECK(strstr(err_line(), action == FAULT_EIO ? "Input/output error" : "No space left"));
        }
        const int there = check_and_clear();
        CHECK(e != OK || there);
        if (!for_ever) CHECK(nothing_left());
        if (e == OK && n_hits < k) return k;
    }
}

static uint64_t walk_kill(void)
{
    for (uint64_t k = 1;; k++) {
        CHECK(k < 1000);
        const pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            fault_arm("*", k, FAULT_KILL, false);
            const enum err e = build();
            _exit(e == OK ? 0 : 1);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child);
        const int killed = WIFSIGNALED(status);
        CHECK(killed || WEXITSTATUS(status) == 0);
        check_and_clear(); // what was killed may have been complete
        CHECK_OK(build()); // whatever is left in OUT.partial
        CHECK(!file_exists(partial));
        CHECK(check_and_clear());
        if (!killed) return k;
    }
}

static void make_input(struct arena *a, const char *folder, uint64_t seed)
{
    in = arena_printf(a, "%s/in", folder);
    out = arena_printf(a, "%s/below/out", folder);
    partial = arena_printf(a, "%s.partial", out);
    corpus_put(a, folder, "in/a.txt", "one\ftwo\fthree", 0);
    corpus_put(a, folder, "in/b.html", "<p>four", 0);
    corpus_random_jsonl(a, arena_printf(a, "%s/c.jsonl", in), seed, 25);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    make_input(&a, corpus_folder(&a, "fault"), seed);
    const uint64_t n_once = walk(FAULT_EIO, false);
    const uint64_t n_for_ever = walk(FAULT_ENOSPC, true);
    const uint64_t n_kill = walk_kill();
    printf("failed at %llu places once, %llu for ever, killed at %llu\n",
           (unsigned long long)n_once - 1, (unsigned long long)n_for_ever - 1,
           (unsigned long long)n_kill - 1);
    CHECK(n_once > 50 && n_for_ever > 50 && n_kill > 50);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
