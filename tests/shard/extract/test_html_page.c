// Lines and elements of pages; random pages against gumbo, a full parser of HTML, whose text
// html_text_extract gives: same letters in the same order. Left out there: what gumbo repairs and
// the scanner does not (misnested formatting, text between the cells of a table), and what one of
// the two leaves out (nav, controls, ruby).

#include "shard/extract/html_page.h"

#include "base/rng.h"
#include "base/text.h"
#include "shard/extract/html_hint.h"
#include "shard/extract/html_tag.h"
#include "shard/extract/html_text.h"
#include "tests/check.h"

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

// Lines, "/" between them, "\n" as it is.
static char *lines_of(const struct html_page *page, struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    for (uint32_t i = 0; i < page->n_lines; i++) {
        if (i) text_put(&t, "/", 1);
        text_put(&t, (const char *)page->text.data + page->lines[i].first, page->lines[i].n_bytes);
    }
    return t.data;
}

static void check_lines(const char *html, const char *expected)
{
    struct arena a;
    struct html_page page;
    arena_init(&a, "page");
    CHECK_OK(html_page_scan(span_of(html), &a, &page));
    CHECK_TEXT(lines_of(&page, &a), expected);
    arena_fini(&a);
}

static void test_lines(void)
{
    check_lines("", "");
    check_lines(" just \n text ", "just text");
    check_lines("<title>t</title><p>one<p>two <i>and</i> <b>th</b>ree", "one/two and three");
    check_lines("a<br><br>b<br/>c<hr>d", "a\nb\nc/d");
    check_lines("x<script>if (a < b) z('</p>')</script>y<style>p{}</style>z", "xyz");
    check_lines("a<!-- <p>no --> b<!doctype x> c<?php no ?> d</ no>e<!-->f<!--->g", "a b c defg");
    check_lines("<p title='>' class=\"a>b\" x=y>in</p>out", "in/out");
    check_lines("1 < 2 && 3 <4 &lt;b&gt; a&b;", "1 < 2 && 3 <4 <b> a&b;");
    check_lines("&eacute;&#233;&#xE9;&#x80;&notit;&notin;&amp&nbsp;&copy2",
                "\u00e9\u00e9\u00e9\u20ac\u00acit;\u2209& \u00a92");
    check_lines("&#0;&#xD800;&#1114112;&#;&#x;&NotEqualTilde;",
                "\ufffd\ufffd\ufffd&#;&#x;\u2242\u0338");
    check_lines("<pre>\n  a\n\n\tb </pre>", "  a\n\n\tb");
    check_lines("<ul><li>a<ul><li>b<li>c</ul><li>d</ul>", "a/b/c/d");
    check_lines("<table><tr><td>1<td>2<tr><td><p>3</table>x", "1/2/3/x");
    check_lines("<select><option>a</select>b<button>c</button><textarea><p></textarea>d", "bd");
    check_lines("<svg><title/><style/><text>s</text></svg>a", "a");
    check_lines("a<span class=sr-only>no<span>no</span>no</span>b<p hidden>no</p>c", "ab/c");
    check_lines("<div style='x:y; display : none'>no<p>no</p></div>a", "a");
    check_lines("<h2>T <a class=x href=#t>\u00b6</a></h2>a<a href=#>#</a>", "T/a");
    check_lines("so\u00adft wide\u200bspace a\u00a0 b\x01", "soft widespace a b");
    check_lines("\u6f22<ruby>\u5b57<rp>(</rp><rt>ji</rt><rp>)</rp></ruby>", "\u6f22\u5b57");
    check_lines("<div><p>a</div></p></div>b</table>c", "a/bc");
    check_lines("<a href=x>a<a href=y>b", "ab");
    check_lines("a<p", "a");
    check_lines("a<p x='", "a");
    check_lines("a<script>b", "a");
    check_lines("a<!--b", "a");
}

static void test_elements(void)
{
    struct arena a;
    struct html_page page;
    arena_init(&a, "page");
    CHECK_OK(html_page_scan(
        span_of("<div><div></div><nav class='top-menu'><ul><li><a href=x>four</a></ul></nav>"
                "<div id=postContent><p>text <a href=y>link</a> text</p></div></div>"),
        &a, &page));
    // The page, div, nav, ul, li, div, p; the empty div is forgotten.
    static const uint8_t tags[] = {HTML_TAG_NONE, HTML_TAG_DIV, HTML_TAG_NAV, HTML_TAG_UL,
                                   HTML_TAG_LI,   HTML_TAG_DIV, HTML_TAG_P};
    static const uint32_t parents[] = {0, 0, 1, 2, 3, 1, 5}, ends[] = {7, 7, 5, 5, 5, 7, 7};
    CHECK_EQ(page.n_elements, 7);
    for (uint32_t i = 0; i < 7; i++) {
        CHECK_EQ(page.elements[i].tag, tags[i]);
        CHECK_EQ(page.elements[i].parent, parents[i]);
        CHECK_EQ(page.elements[i].end, ends[i]);
    }
    CHECK_EQ(page.elements[2].hints, HTML_HINT_NAV);
    CHECK(page.elements[5].hints & HTML_HINT_CONTENT);
    CHECK_EQ(page.elements[2].n_link_bytes, 4);
    CHECK_EQ(page.elements[1].n_bytes, 4 + 14);
    CHECK_EQ(page.lines[1].n_link_bytes, 5);
    CHECK_EQ(page.elements[5].first_line, 1);
    CHECK_EQ(page.elements[5].end_line, 2);
    arena_fini(&a);
}

// Random pages

struct maker {
    uint64_t key, counter;
    struct text html;
};

static uint32_t draw(struct maker *m, uint32_t n)
{
    return (uint32_t)(rng_u64(m->key, 0, m->counter++) % n);
}

#define PICK(m, list) (list)[draw((m), sizeof(list) / sizeof(list)[0])]

static void put(struct maker *m, const char *s)
{
    text_put(&m->html, s, strlen(s));
}

static void put_words(struct maker *m)
{
    static const char *const words[] = {
        "word",      " two words ", "&amp;",         "&eacute",  "&nosuch;",   "&#8212;",
        "&lt;b&gt;", "\n",          "\u00e9t\u00e9", "\u4e2d",   "1 < 2",      "a&b",
        "&notin;",   "&notit;",     "&#x41",         "\"q'",     "<!-- c -->", "<br>",
        "&",         "<3",          "&sup1x",        "&Aacute;", "&ngE;",      "&phone;"};
    for (uint32_t n = draw(m, 4) + 1; n > 0; n--)
        put(m, PICK(m, words));
}

static void put_attributes(struct maker *m)
{
    static const char *const attributes[] = {
        "",   " class=x", " id='a>b'",  " title=\"</p>\"", " data-x = y",
        " /", " a=b/c",   " x='1' y=2", "\n href=\"#\" ",  " style=color:red"};
    put(m, PICK(m, attributes));
}

static void put_element(struct maker *m, const char *name, int depth);

static void put_content(struct maker *m, int depth)
{
    static const char *const inlines[] = {"b", "i", "span", "code", "em"};
    static const char *const blocks[] = {"div", "p",          "section", "ul", "table",
                                         "h2",  "blockquote", "pre",     "dl", "article"};
    for (uint32_t n = draw(m, 4); n > 0; n--) {
        put_words(m);
        if (draw(m, 3) == 0) put_element(m, PICK(m, inlines), 99);
        if (depth < 5 && draw(m, 2) == 0) put_element(m, PICK(m, blocks), depth + 1);
        if (draw(m, 12) == 0) put(m, "<script>'<p>no</p>' <!- </ script></script>");
        if (draw(m, 12) == 0) put(m, "</nosuch></i></td></li></table>");
    }
}

static void put_rows(struct maker *m, int depth)
{
    for (uint32_t n = draw(m, 3) + 1; n > 0; n--) {
        put(m, "<tr>");
        for (uint32_t cells = draw(m, 3) + 1; cells > 0; cells--) {
            put(m, draw(m, 3) ? "<td>" : "<th>");
            put_content(m, depth + 1);
            if (draw(m, 2)) put(m, "</td>"); // of th: passed over
        }
    }
}

static void put_items(struct maker *m, const char *tag, int depth)
{
    for (uint32_t n = draw(m, 3) + 1; n > 0; n--) {
        put(m, tag);
        put_content(m, depth + 1);
    }
}

static void put_element(struct maker *m, const char *name, int depth)
{
    text_printf(&m->html, "<%s", name);
    put_attributes(m);
    put(m, ">");
    if (strcmp(name, "table") == 0)
        put_rows(m, depth);
    else if (strcmp(name, "ul") == 0)
        put_items(m, "<li>", depth);
    else if (strcmp(name, "dl") == 0)
        put_items(m, draw(m, 2) ? "<dt>" : "<dd>", depth);
    else if (depth == 99 || strcmp(name, "p") == 0 || name[0] == 'h')
        put_words(m);
    else
        put_content(m, depth);
    text_printf(&m->html, "</%s>", name);
}

static char *without_blanks(struct span text, struct arena *a)
{
    char *out = arena_alloc(a, text.n_bytes + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n_bytes; i++)
        if (!strchr(" \t\n\v\f\r", text.data[i])) out[n++] = (char)text.data[i];
    return out;
}

static void check_random(uint64_t seed, uint64_t i)
{
    struct arena a;
    arena_init(&a, "random");
    struct maker m = {.key = rng_key(seed, "html"), .counter = i << 32};
    text_begin(&m.html, &a);
    put_content(&m, 0);
    const struct span html = {(const uint8_t *)m.html.data, m.html.n_bytes};
    struct span text;
    struct html_page page;
    CHECK_OK(html_text_extract(html, &a, &text));
    CHECK_OK(html_page_scan(html, &a, &page));
    const char *expected = without_blanks(text, &a), *actual = without_blanks(page.text, &a);
    if (strcmp(actual, expected) != 0) printf("page %llu:\n%s\n", (unsigned long long)i, html.data);
    CHECK_TEXT(actual, expected);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    test_lines();
    test_elements();
    for (uint64_t i = 0; i < 3000; i++)
        check_random(seed, i);
    return 0;
}
