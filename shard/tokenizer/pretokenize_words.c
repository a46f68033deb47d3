// Rules for vocabularies whose words begin with a space: " *[^ ]+" keeps spaces together with what
// follows them; " ?[^ ]*", Hugging Face's Metaspace, lets each space begin a piece.
#include <string.h>

#include "shard/tokenizer/pretokenize_scan.h"

// The next space at or after `at`.
static size_t word_end(struct span text, size_t at)
{
    const uint8_t *space = memchr(text.data + at, ' ', text.n_bytes - at);
    return space == NULL ? text.n_bytes : (size_t)(space - text.data);
}

size_t pretokenize_words_next(const struct pretokenize *p, struct span text)
{
    (void)p;
    size_t at = 0;
    while (at < text.n_bytes && text.data[at] == ' ')
        at++;
    return word_end(text, at);
}

size_t pretokenize_metaspace_next(const struct pretokenize *p, struct span text)
{
    (void)p;
    return word_end(text, text.data[0] == ' ');
}
