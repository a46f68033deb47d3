#pragma once
// What the fuzz target and the replay of damaged pages do with bytes.

#include <string.h>
#include <utf8proc.h>

#include "shard/extract/extract.h"
#include "shard/extract/html_page.h"

static inline void devour_utf8(struct span text)
{
    for (size_t i = 0; i < text.n_bytes;) {
        utf8proc_int32_t code;
        const utf8proc_ssize_t n =
            utf8proc_iterate(text.data + i, (utf8proc_ssize_t)(text.n_bytes - i), &code);
        ASSERT(n > 0);
        i += (size_t)n;
    }
}

/// Any bytes as a page: the first chooses the mode and what the server said of the encoding. The
/// text must be valid UTF-8, and its memory within bounds of the page's size.
static inline void devour_page(struct span bytes)
{
    static const char *const hints[] = {"",         "utf-8",       "windows-1252", "shift_jis",
                                        "gb18030",  "big5",        "euc-jp",       "euc-kr",
                                        "utf-16le", "iso-2022-jp", "koi8-r",       "utf-7",
                                        "utf-16be", "macintosh",   "tis-620",      "charset=big5"};
    if (bytes.n_bytes == 0) return;
    const char *hint = hints[bytes.data[0] % 16];
    const struct span html = {bytes.data + 1, bytes.n_bytes - 1};
    const struct extract_options options = {.mode = bytes.data[0] & 0x80 ? EXTRACT_PLAIN
                                                                         : EXTRACT_MAIN};
    struct arena a;
    struct span text;
    arena_init(&a, "devour");
    if (extract_page(html, (struct span){(const uint8_t *)hint, strlen(hint)}, &options, &a,
                     &text) == OK)
        devour_utf8(text);
    if (options.mode == EXTRACT_MAIN)
        ASSERT(a.used_bytes <= HTML_PAGE_MEMORY_FACTOR * bytes.n_bytes + HTML_PAGE_MEMORY_BYTES);
    arena_fini(&a);
}
