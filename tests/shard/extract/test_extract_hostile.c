// Pages made to hurt: what is nested a million deep is refused in one line, all else is done with
// in memory that a factor bounds. That time is linear as well is checked by extract_work.sh, which
// counts instructions; its pages are these, by `test_extract_hostile --page N --bytes B`.

#include "base/text.h"
#include "shard/extract/extract.h"
#include "shard/extract/html_page.h"
#include "tests/check.h"

enum { REFUSED = 1 };

// head, then unit again and again.
static const struct attack {
    const char *name, *head, *unit;
    size_t n_unit; // 0 = strlen(unit)
    int flags;
} attacks[] = {
    {"deep div", "", "<div>", 0, REFUSED},
    {"deep div with text", "", "<div>x", 0, REFUSED},
    {"deep lists", "", "<ul><li>x", 0, REFUSED},
    {"deep tables", "", "<table><tr><td>x", 0, REFUSED},
    {"deep hidden", "", "<select>", 0, REFUSED},
    {"deep behind end tags of nothing", "", "<div></x></p>", 0, REFUSED},
    {"deep formatting", "", "<b><i><font>x", 0, 0},
    {"deep unknown", "", "<x-y>x", 0, 0},
    {"links", "", "<a href=x>y", 0, 0},
    {"paragraphs", "", "<p>x", 0, 0},
    {"empty blocks", "", "<div></div>", 0, 0},
    {"items within blocks", "<ul><li><div><div><div>", "<li>x", 0, 0},
    {"cells", "<table>", "<td>x<tr>", 0, 0},
    {"end tags", "<div><p><b>", "</div></table></li></h1>", 0, 0},
    {"named blocks", "", "<div class=side>x</div>", 0, 0},
    {"attributes", "<a", " b=c", 0, 0},
    {"attributes without a value", "<div", "/b", 0, 0},
    {"classes", "<div class='", "nav ", 0, 0},
    {"one class", "<div class='", "navNav", 0, 0},
    {"entities", "", "&amp;&lt;&NotEqualTilde;", 0, 0},
    {"half entities", "", "&CounterClockwiseContourIntegra", 0, 0},
    {"digits", "&#", "9", 0, 0},
    {"ampersands", "", "&", 0, 0},
    {"less-thans", "", "<", 0, 0},
    {"tags begun", "", "<a ", 0, 0},
    {"comments", "", "<!-->", 0, 0},
    {"comments begun", "", "<!--", 0, 0},
    {"scripts begun", "", "<script>", 0, 0},
    {"end of a script", "<script>", "</script", 0, 0},
    {"titles", "", "<title><", 0, 0},
    {"quotes", "<a b=\"", "<p x='", 0, 0},
    {"one huge tag", "<", "x", 0, 0},
    {"one huge word", "<p>", "x", 0, 0},
    {"blanks", "<p>", " ", 0, 0},
    {"breaks", "<p>", "<br>", 0, 0},
    {"NULs", "", "\0", 1, 0},
    {"NULs in tags", "", "<p\0>\0", 5, 0},
    {"bytes of no encoding", "<meta charset=gbk>", "\xff\x80", 2, 0},
    {"bytes of many encodings", "", "\xff\xfe\x1b$B\xe9\xc3\xa9\x81", 0, 0},
    {"metas", "", "<meta charset=x>", 0, 0},
    {"metas begun", "", "<meta x ", 0, 0},
    {"UTF-16 of nothing", "\xff\xfe", "\0\xd8", 2, 0},
};
enum { N_ATTACKS = sizeof attacks / sizeof attacks[0] };

static struct span make_page(const struct attack *k, size_t n_bytes, struct arena *a)
{
    const size_t n_unit = k->n_unit ? k->n_unit : strlen(k->unit), n_head = strlen(k->head);
    const size_t n = n_bytes / n_unit;
    uint8_t *html = arena_alloc(a, n_head + n * n_unit, 1);
    memcpy(html, k->head, n_head);
    for (size_t i = 0; i < n; i++)
        memcpy(html + n_head + i * n_unit, k->unit, n_unit);
    return (struct span){html, n_head + n * n_unit};
}

static void run(const struct attack *k, size_t n_bytes)
{
    struct arena pages, a;
    arena_init(&pages, "pages");
    arena_init(&a, "extract");
    const struct span html = make_page(k, n_bytes, &pages);
    struct span text;
    const enum err e =
        extract_page(html, (struct span){0}, &(struct extract_options){0}, &a, &text);
    if (k->flags & REFUSED) {
        CHECK_EQ(e, ERR_DATA);
        CHECK(strncmp(err_line(), "HTML nested deeper than 1024 at offset ", 39) == 0);
    } else {
        if (e != OK) printf("%s\n", k->name);
        CHECK_OK(e);
    }
    const size_t limit = HTML_PAGE_MEMORY_FACTOR * html.n_bytes + HTML_PAGE_MEMORY_BYTES;
    if (a.used_bytes > limit) printf("%s: %zu bytes\n", k->name, a.used_bytes);
    CHECK(a.used_bytes <= limit);
    arena_fini(&a);
    arena_fini(&pages);
}

int main(int argc, char **argv)
{
    if (argc == 5) {
        const size_t i = strtoull(argv[2], NULL, 10);
        if (i >= N_ATTACKS) return 1;
        printf("%s\n", attacks[i].name);
        fflush(stdout);
        run(&attacks[i], strtoull(argv[4], NULL, 10));
        return 0;
    }
    for (size_t i = 0; i < N_ATTACKS; i++)
        run(&attacks[i], i < 2 ? 6 << 20 : 1 << 19); // more than 10^6 deep
    return 0;
}
