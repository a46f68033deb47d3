// datad's config: what it says of sources, mixture and skips comes back, and what is refused.

#include "datad/datad_config.h"

#include <unistd.h>

#include "base/file.h"
#include "tests/check.h"

static const char text[] = "socket: run/socket\n"
                           "packing: best-fit\n"
                           "sources:\n"
                           "  - {name: web, path: data/web, weight: 3, "
                           "filter: 'lang == \"en\" && quality > 0.4'}\n"
                           "  - {name: books, path: data/books}\n"
                           "mixture:\n"
                           "  - {from_tokens: 100, weights: web=1 books=2.5}\n"
                           "  - {from_tokens: 200, weights: 'books=1'}\n"
                           "skip:\n"
                           "  - {from_tokens: 300, tokens: 40}\n"
                           "skip_documents: bad.txt\n";

static void check_same(const struct datad_config *c, struct arena *a)
{
    double weights[2];
    CHECK_EQ(c->n_sources, 2);
    CHECK_TEXT(c->sources[0].filter, "lang == \"en\" && quality > 0.4");
    CHECK_TEXT(c->sources[1].filter, "");
    CHECK_EQ(c->packing, 1);
    CHECK_EQ(c->n_changes, 2);
    CHECK_EQ(c->changes[1].from_tokens, 200);
    CHECK_OK(datad_config_weights(c, c->changes[0].weights, a, weights));
    CHECK(weights[0] == 1 && weights[1] == 2.5);
    CHECK_OK(datad_config_weights(c, c->changes[1].weights, a, weights));
    CHECK(weights[0] == 0 && weights[1] == 1);
    CHECK_EQ(c->n_skips, 1);
    CHECK_EQ(c->skips[0].from_tokens, 300);
    CHECK_EQ(c->skips[0].n_tokens, 40);
    CHECK_TEXT(c->skip_documents, "bad.txt");
}

static void refuse(const char *path, const char *override, const char *line, struct arena *a)
{
    struct datad_config c;
    CHECK_ERR(datad_config_read(path, &override, 1, a, &c), ERR_CONFIG);
    CHECK(strstr(err_line(), line) != NULL);
}

int main(void)
{
    struct arena a;
    struct datad_config c;
    char folder[] = "test-config-XXXXXX", path[64];
    arena_init(&a, "test");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/datad.yaml", folder);
    CHECK_OK(file_replace(path, text, strlen(text)));
    CHECK_OK(datad_config_read(path, NULL, 0, &a, &c));
    check_same(&c, &a);
    CHECK_OK(datad_config_write(&c, path));
    CHECK_OK(datad_config_read(path, NULL, 0, &a, &c));
    check_same(&c, &a);
    refuse(path, "mixture[1].weights=boks=1",
           "mixture[1]: no source is named 'boks'; did you mean 'books'?", &a);
    refuse(path, "mixture[0].weights=web", "mixture[0]: 'web' is not name=weight", &a);
    refuse(path, "mixture[0].weights=web=-1", "mixture[0]: 'web=-1' is not name=weight", &a);
    refuse(path, "mixture[0].weights=web=0", "give no source any weight", &a);
    refuse(path, "sources[1].name=web", "two sources are named 'web'", &a);
    refuse(path, "packing=first-fit", "packing", &a);
    CHECK_OK(file_remove_tree(folder));
    arena_fini(&a);
    return 0;
}
