#include "shard/extract/extract.h"

#include "shard/extract/html_text.h"

enum err extract_page(struct span html, struct span charset_hint,
                      const struct extract_options *options, struct arena *a, struct span *text)
{
    (void)charset_hint;
    (void)options;
    return html_text_extract(html, a, text);
}
