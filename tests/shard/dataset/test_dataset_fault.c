// Fails the k-th file operation of a build for k = 1, 2, ... until one survives, once and for ever,
// by EIO and by a full disk: the dataset is absent or whole, nothing is left when the disk works
// again unless a part was finished, and the next build, which goes on from there, gives the same
// files as one that never failed. Then the same by kill -9 of a child, also with a file cut into
// pieces.

#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "shard/build/dataset_build.h"
#include "shard/dataset/dataset.h"
#include "shard/dataset/dataset_verify.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"

static const char *in, *out, *partial, *reference;
static uint64_t part_bytes; // 0, or so small that a file is cut

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
    options.part_bytes = part_bytes;
    struct dataset_build_result result;
    const enum err e = dataset_build(&options, &a, &result);
    arena_fini(&a);
    return e;
}

// Absent, or the folders that a build leaves when it could not even open them, or with work in them
// of which a part is finished.
static int nothing_left(struct arena *a)
{
    const char *work = arena_printf(a, "%s/work", partial);
    struct file_list list = {0};
    if (file_exists(partial)) CHECK_OK(file_list(partial, a, &list));
    if (list.n_names == 0) return 1;
    CHECK_OK(file_list(work, a, &list));
    for (size_t i = 0; i < list.n_names; i++) {
        if (strstr(list.names[i], ".done")) return 1;
    }
    return list.n_names == 0;
}

// OUT, if it is there, is the whole dataset; then clears the way for the next build.
static int check_and_clear(struct arena *a)
{
    const int there = file_exists(out);
    if (there) CHECK_OK(dataset_verify(out, NULL, NULL));
    if (there) CHECK(corpus_same_files(a, out, reference));
    CHECK_OK(file_remove_tree(out));
    return there;
}

static uint64_t walk(struct arena *a, enum fault_action action, bool for_ever)
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
        const int there = check_and_clear(a);
        CHECK(e != OK || there);
        if (!for_ever) CHECK(nothing_left(a));
        if (!there) CHECK_OK(build());
        if (!there) CHECK(check_and_clear(a));
        CHECK(!file_exists(partial));
        arena_reset(a);
        if (e == OK && n_hits < k) return k;
    }
}

static uint64_t walk_kill(struct arena *a, uint64_t step)
{
    for (uint64_t k = 1;; k += step) {
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
        check_and_clear(a); // what was killed may have been complete
        CHECK_OK(build());  // whatever is left in OUT.partial
        CHECK(!file_exists(partial));
        CHECK(check_and_clear(a));
        arena_reset(a);
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
    struct arena scratch;
    arena_init(&scratch, "walk");
    CHECK_OK(build());
    reference = arena_printf(&a, "%s-reference", out);
    CHECK_OK(file_rename(out, reference));
    const uint64_t n_once = walk(&scratch, FAULT_EIO, false);
    const uint64_t n_for_ever = walk(&scratch, FAULT_ENOSPC, true);
    const uint64_t n_kill = walk_kill(&scratch, 1);
    part_bytes = 3000;
    const uint64_t n_cut = walk_kill(&scratch, 7);
    arena_fini(&scratch);
    printf("failed at %llu places once, %llu for ever, killed at %llu, "
           "in pieces at each 7th of %llu\n",
           (unsigned long long)n_once - 1, (unsigned long long)n_for_ever - 1,
           (unsigned long long)n_kill - 1, (unsigned long long)n_cut - 1);
    CHECK(n_once > 50 && n_for_ever > 50 && n_kill > 50 && n_cut > n_kill);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
