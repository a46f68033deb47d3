// Texts of files, for comparisons: reads paths, a line each, and writes for each "<bytes>\n" and
// the text, or "-1\n" if it was refused (why: stderr). Last, stderr says bytes and seconds of CPU.
//     bench_extract [plain] < paths > texts

#include <time.h>

#include "base/file.h"
#include "shard/extract/extract.h"
#include "tests/check.h"

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void write_text(const char *path, enum err e, struct span text)
{
    if (e != OK) fprintf(stderr, "%s: %s\n", path, err_line());
    printf("%lld\n", e == OK ? (long long)text.n_bytes : -1);
    if (e == OK) fwrite(text.data, 1, text.n_bytes, stdout);
}

int main(int argc, char **argv)
{
    const struct extract_options options = {
        .mode = argc > 1 && strcmp(argv[1], "plain") == 0 ? EXTRACT_PLAIN : EXTRACT_MAIN};
    char path[4096];
    struct arena a;
    size_t n_bytes = 0;
    double seconds = 0;
    arena_init(&a, "bench");
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        struct span html, text = {0};
        CHECK_OK(file_read(path, 1 << 30, &a, &html));
        const double before = cpu_seconds();
        const enum err e = extract_page(html, (struct span){0}, &options, &a, &text);
        seconds += cpu_seconds() - before;
        n_bytes += html.n_bytes;
        write_text(path, e, text);
        arena_reset(&a);
    }
    arena_fini(&a);
    fprintf(stderr, "%zu bytes, %.3f s of CPU, %.1f MB/s\n", n_bytes, seconds,
            1e-6 * (double)n_bytes / seconds);
    return 0;
}
