#include "shard/extract/extract.h"

#include "shard/extract/charset.h"
#include "shard/extract/html_page.h"
#include "shard/extract/html_text.h"
#include "shard/extract/main_text.h"

enum err extract_page(struct span html, struct span charset_hint,
                      const struct extract_options *options, struct arena *a, struct span *text)
{
    if (html.n_bytes > HTML_PAGE_BYTES_LIMIT)
        return fail(ERR_DATA, "HTML of %zu bytes, the limit is %d", html.n_bytes,
                    HTML_PAGE_BYTES_LIMIT);
    struct span utf8;
    TRY(charset_decode(html, charset_hint, a, &utf8));
    if (options->mode == EXTRACT_PLAIN) return html_text_extract(utf8, a, text);
    struct html_page page;
    TRY(html_page_scan(utf8, a, &page));
    *text = main_text_extract(&page, a);
    return OK;
}
