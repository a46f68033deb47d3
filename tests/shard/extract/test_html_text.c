// What is kept of pages, and that hostile ones are refused or done with soon: deep nesting (also
// behind end tags of nothing, comments and quotes), tags of many attributes, formatting that gumbo
// copies into every paragraph.

#include "shard/extract/html_text.h"

#include "base/text.h"
#include "tests/check.h"

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static void check_page(const char *html, const char *expected)
{
    struct arena a;
    struct span text;
    arena_init(&a, "page");
    CHECK_OK(html_text_extract(span_of(html), &a, &text));
    CHECK_TEXT(arena_strndup(&a, (const char *)text.data, text.n_bytes), expected);
    arena_fini(&a);
}

static void test_pages(void)
{
    check_page("", "");
    check_page("just text", "just text");
    check_page("<html><head><title>t</title></head><body>  a\n b<br>c </body></html>", "a b\nc");
    check_page("<p>one</p><p>two <i>and</i> <b>three</b></p>", "one\n\ntwo and three");
    check_page("a<script>if (x < y) z('<p>')</script>b<style>p{}</style>c<nav>menu<p>x</nav>d",
               "abc\nd");
    check_page("<table><tr><td>1<td>2<tr><td>3</table>x", "1 2\n3\n\nx");
    check_page("<pre>  keep\n   this\n</pre>  not   this", "  keep\n   this\n\n\nnot this");
    check_page("&lt;&eacute;&#x1f600;&unknown;", "<\xc3\xa9\xf0\x9f\x98\x80&unknown;");
    check_page("bad \xff\xc3 bytes", "bad \xef\xbf\xbd\xef\xbf\xbd bytes");
    check_page("<template>no</template>yes<!-- no --><ul><li>a<ul><li>b</ul></ul>",
               "yes\n\na\n\nb");
    check_page("<frameset><frame></frameset>", "");
    check_page("<svg><text>in svg</text></svg> &amp; <math>m</math>", "in svg & m");
}

// head, then unit again and again up to about n_bytes.
static enum err read_repeated(const char *head, const char *unit, size_t n_bytes)
{
    struct arena a;
    struct span text;
    arena_init(&a, "hostile");
    const size_t n_head = strlen(head), n_unit = strlen(unit), n = n_bytes / n_unit;
    char *html = arena_alloc(&a, n_head + n * n_unit, 1);
    memcpy(html, head, n_head);
    for (size_t i = 0; i < n; i++)
        memcpy(html + n_head + i * n_unit, unit, n_unit);
    const enum err e =
        html_text_extract((struct span){(const uint8_t *)html, n_head + n * n_unit}, &a, &text);
    arena_fini(&a);
    return e;
}

static void check_refused(const char *head, const char *unit, const char *why)
{
    CHECK_ERR(read_repeated(head, unit, 4 << 20), ERR_DATA);
    CHECK(strncmp(err_line(), why, strlen(why)) == 0);
}

// 300 different font elements, which gumbo goes through for every paragraph.
static char *make_fonts(struct arena *a)
{
    struct text fonts;
    text_begin(&fonts, a);
    for (int i = 0; i < 300; i++)
        text_printf(&fonts, "<font a=%d>", i);
    return fonts.data;
}

static void test_hostile(void)
{
    const char *deep = "HTML nested deeper than 512 at offset ";
    check_refused("", "<div>", deep);
    check_refused("", "<div></x>", deep);
    check_refused("", "<div><!--</div>-->", deep);
    check_refused("", "<div title='</div>'>", deep);
    check_refused("", "<b>", deep);
    check_refused("<a", " b=c", "HTML tag with more than 1024 attributes");
    check_refused("<a", "/b", "HTML tag with more than 1024 attributes");
    CHECK_OK(read_repeated("", "<p>", 1 << 19));
    CHECK_OK(read_repeated("", "<li>", 1 << 19));
    CHECK_OK(read_repeated("<table>", "x<tr>", 1 << 19));
    CHECK_OK(read_repeated("", "<", 1 << 19));
    CHECK_OK(read_repeated("", "&", 1 << 19));
    struct arena a;
    arena_init(&a, "fonts");
    check_refused(make_fonts(&a), "<p>x</p>", "HTML with too many tags too deep at offset ");
    arena_fini(&a);
}

int main(void)
{
    test_pages();
    test_hostile();
    return 0;
}
