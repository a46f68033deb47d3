// Main content of the labelled pages in pages/: name.html beside name.labels, whose lines are
// "+ text to keep" and "- text to drop". White space is one blank, "|" between cells none. Prints
// each miss, and fails below the floors; extract_peers.sh compares with other extractors.

#include <dirent.h>

#include "base/file.h"
#include "shard/extract/extract.h"
#include "tests/check.h"

enum { PRECISION_PERCENT = 96, RECALL_PERCENT = 96 };

struct score {
    unsigned n_pages, n_kept, n_missed, n_extra;
};

// White space and "|" as single blanks; in place.
static char *squeeze(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        const char c = strchr(" \t\n\r|", *from) ? ' ' : *from;
        if (c != ' ' || (to > text && to[-1] != ' ')) *to++ = c;
    }
    *to = 0;
    return text;
}

static char *read_text(const char *path, struct arena *a)
{
    struct span bytes;
    CHECK_OK(file_read(path, 1 << 20, a, &bytes));
    return arena_strndup(a, (const char *)bytes.data, bytes.n_bytes);
}

static void score_page(const char *path, struct arena *a, struct score *score)
{
    struct span html, text;
    CHECK_OK(file_read(path, 1 << 20, a, &html));
    CHECK_OK(extract_page(html, (struct span){0}, &(struct extract_options){0}, a, &text));
    const char *page = squeeze(arena_strndup(a, (const char *)text.data, text.n_bytes));
    char *labels = arena_printf(a, "%.*s.labels", (int)strlen(path) - 5, path), *rest = NULL;
    labels = read_text(labels, a);
    for (char *l = strtok_r(labels, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest)) {
        const bool keep = l[0] == '+', found = strstr(page, squeeze(l + 2)) != NULL;
        score->n_kept += keep && found;
        score->n_missed += keep && !found;
        score->n_extra += !keep && found;
        if (keep != found) printf("%s: %s %s\n", path, keep ? "misses" : "has", l + 2);
    }
    score->n_pages++;
}

int main(void)
{
    const char *source = getenv("WEFT_SOURCE");
    struct arena a;
    struct score s = {0};
    arena_init(&a, "pages");
    const char *folder = arena_printf(&a, "%s/tests/shard/extract/pages", source ? source : ".");
    DIR *pages = opendir(folder);
    CHECK(pages);
    for (struct dirent *d; (d = readdir(pages));) {
        const size_t n = strlen(d->d_name);
        if (n > 5 && strcmp(d->d_name + n - 5, ".html") == 0)
            score_page(arena_printf(&a, "%s/%s", folder, d->d_name), &a, &s);
    }
    closedir(pages);
    printf("%u pages, kept %u, missed %u, extra %u\n", s.n_pages, s.n_kept, s.n_missed, s.n_extra);
    CHECK(s.n_pages >= 29);
    CHECK(s.n_kept * 100 >= PRECISION_PERCENT * (s.n_kept + s.n_extra));
    CHECK(s.n_kept * 100 >= RECALL_PERCENT * (s.n_kept + s.n_missed));
    arena_fini(&a);
    return 0;
}
