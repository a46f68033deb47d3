#include "shard/extract/extract.h"

#include <stdbool.h>
#include <string.h>

#include "shard/extract/charset.h"
#include "shard/extract/html_page.h"
#include "shard/extract/html_text.h"
#include "shard/extract/main_text.h"

enum err extract_mode_named(const char *name, enum extract_mode *out)
{
    const bool main_content = strcmp(name, "main") == 0;
    if (!main_content && strcmp(name, "plain") != 0)
        return fail(ERR_USAGE, "--extract %s: choose main or plain", name);
    *out = main_content ? EXTRACT_MAIN : EXTRACT_PLAIN;
    return OK;
}

/// gumbo makes bytes that are not UTF-8 of numeric references beyond Unicode.
static enum err extract_plain(struct span utf8, struct arena *a, struct span *text)
{
    static const struct span hint = {(const uint8_t *)"utf-8", 5};
    struct span plain;
    TRY(html_text_extract(utf8, a, &plain));
    return charset_decode(plain, hint, a, text);
}

enum err extract_page(struct span html, struct span charset_hint,
                      const struct extract_options *options, struct arena *a, struct span *text)
{
    if (html.n_bytes > HTML_PAGE_BYTES_LIMIT)
        return fail(ERR_DATA, "HTML of %zu bytes, the limit is %d", html.n_bytes,
                    HTML_PAGE_BYTES_LIMIT);
    struct span utf8;
    TRY(charset_decode(html, charset_hint, a, &utf8));
    if (options->mode == EXTRACT_PLAIN) return extract_plain(utf8, a, text);
    struct html_page page;
    TRY(html_page_scan(utf8, a, &page));
    *text = main_text_extract(&page, a);
    return OK;
}
