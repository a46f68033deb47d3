// Which encoding a page is taken to be in, by mark, server, meta and bytes, and what it becomes.

#include "shard/extract/charset.h"

#include "shard/extract/charset_label.h"
#include "tests/check.h"

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static void check_found(const char *html, const char *hint, const char *expected)
{
    CHECK_TEXT(charset_find(span_of(html), span_of(hint)), expected);
}

static void check_text_of(struct span html, const char *hint, const char *expected)
{
    struct arena a;
    struct span text;
    arena_init(&a, "text");
    CHECK_OK(charset_decode(html, span_of(hint), &a, &text));
    CHECK_TEXT(arena_strndup(&a, (const char *)text.data, text.n_bytes), expected);
    arena_fini(&a);
}

static void check_decoded(const char *html, const char *hint, const char *expected)
{
    check_text_of(span_of(html), hint, expected);
}

static void test_order(void)
{
    check_found("\xef\xbb\xbfx\xe9", "koi8-r", "UTF-8");
    check_found("\xfe\xff", "utf-8", "UTF-16BE");
    check_found("<meta charset=koi8-r>\xc1", " Windows-1251\n", "CP1251");
    check_found("<meta charset=koi8-r>\xc1", "text/html; charset=\"windows-1251\"", "CP1251");
    check_found("<meta charset=koi8-r>\xc1", "text/html", "KOI8-R");
    check_found("<meta charset=koi8-r>\xc1", "no-such-encoding", "KOI8-R");
    check_found("a\xe9", "", "CP1252");
    check_found("a", "", "UTF-8");
    check_found("a\xc3\xa9", "", "UTF-8");
}

static void test_meta(void)
{
    check_found("<META content='text/html; CHARSET = gb2312' http-equiv=Content-Type>\xb0\xa1", "",
                "GB18030");
    check_found("<meta http-equiv=refresh content='text/html; charset=gb2312'>\xb0\xa1", "",
                "CP1252");
    check_found("<!-- <meta charset=gb2312> --><meta charset=\"big5\">\xb0\xa1", "", "BIG5-HKSCS");
    check_found("<meta name=a><meta charset=utf-16le>\xe4 <p>\xc3\xa4\xc3\xa4", "", "UTF-8");
    check_found("<?xml version='1.0' encoding='iso-8859-2'?>\xb1", "", "ISO-8859-2");
    check_found("<metal charset=koi8-r>\xc1", "", "CP1252");
    check_found("<meta charset=", "", "UTF-8");
    check_found("<meta", "", "UTF-8");
    check_found("<!-- \xe9", "", "CP1252");
}

// Said wrongly: see charset.h.
static void test_departures(void)
{
    check_found("<meta charset=iso-8859-1>caf\xc3\xa9", "", "UTF-8");
    check_found("\xd0\xb0", "koi8-r", "UTF-8");
    check_found("\xd0\xb0", "gbk", "GB18030");
    check_found("<meta charset=utf-8>caf\xe9 \xe0 la", "", "CP1252");
    check_found("<meta charset=utf-8>caf\xc3\xa9 \xc3\xa0 l\xe0", "", "UTF-8");
}

static void test_refused(void)
{
    static const char *const labels[] = {"utf-7",      "UTF7",        "iso-2022-cn",
                                         "hz-gb-2312", "replacement", "iso-2022-kr"};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        struct arena a;
        struct span text;
        arena_init(&a, "refused");
        CHECK_ERR(charset_decode(span_of("+ADw-script+AD4-"), span_of(labels[i]), &a, &text),
                  ERR_DATA);
        CHECK(strncmp(err_line(), "HTML in an encoding that is not decoded", 39) == 0);
        check_found("x", labels[i], "");
        arena_fini(&a);
    }
}

static void test_decoded(void)
{
    check_decoded("\x80 \x93q\x94 \xe9", "latin1", "\u20ac \u201cq\u201d \u00e9");
    check_decoded("\xd4\xc5\xd3\xd4", "koi8-r", "\u0442\u0435\u0441\u0442");
    check_decoded("\x93\xfa\x96{", "shift_jis", "\u65e5\u672c");
    check_decoded("\xc6\xfc\xcb\xdc", "euc-jp", "\u65e5\u672c");
    check_decoded("\x1b$BF|K\\\x1b(B", "iso-2022-jp", "\u65e5\u672c");
    check_decoded("\xd6\xd0\xb9\xfa", "gb2312", "\u4e2d\u56fd");
    check_decoded("\xa4\xa4\xa4\xe5", "big5", "\u4e2d\u6587");
    check_decoded("\xc7\xd1\xb1\xdb", "euc-kr", "\ud55c\uae00");
    check_text_of((struct span){(const uint8_t *)"\xff\xfe"
                                                 "a\0\xe9\0",
                                6},
                  "", "a\u00e9");
    check_text_of((struct span){(const uint8_t *)"<\0h\0t\0m\0l\0>\0", 12}, "", "<html>");
    check_text_of((struct span){(const uint8_t *)"\0<\0h\0t\0m\0l\0>", 12}, "", "<html>");
}

// One U+FFFD for each part that could have begun a character, as browsers do it.
static void test_invalid(void)
{
    check_decoded("a\xff"
                  "b",
                  "utf-8",
                  "a\u00ff"
                  "b"); // windows-1252 after all
    check_decoded("\u00e9\u00e9 \xff.", "utf-8", "\u00e9\u00e9 \ufffd.");
    check_decoded("\u00e9\u00e9 \xf0\x9f\x98.", "utf-8", "\u00e9\u00e9 \ufffd.");
    check_decoded("\u00e9\u00e9\u00e9 \xed\xa0\x80.", "utf-8",
                  "\u00e9\u00e9\u00e9 \ufffd\ufffd\ufffd.");
    check_decoded("\u00e9\u00e9\u00e9 \xc0\xaf.", "utf-8", "\u00e9\u00e9\u00e9 \ufffd\ufffd.");
    check_decoded("\u00e9 \xe2\x82", "utf-8", "\u00e9 \ufffd");
    check_decoded("a\x81 b", "shift_jis", "a\ufffd b");
    check_decoded("a\x81", "gbk", "a\ufffd");
    check_text_of((struct span){(const uint8_t *)"\0a\xd8\0\0b", 6}, "utf-16be",
                  "a\ufffd"
                  "b");
    check_text_of((struct span){(const uint8_t *)"\0a\0", 3}, "utf-16be", "a\ufffd");
}

int main(void)
{
    test_order();
    test_meta();
    test_departures();
    test_refused();
    test_decoded();
    test_invalid();
    return 0;
}
