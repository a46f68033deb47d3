#pragma once
// What counts as the same document, paragraph or line, and a text without those that came before.
//
//     TRY(exact_rule("ccnet", &rule));
//     items = exact_items(rule, text, a, &n_items);
//     for (i..) if (items[i].counts) TRY(repeats_add(r, number, i, items[i].key));
//     ... repeats_resolve, then for each repeat of this document dropped[repeat.item] = true ...
//     text = exact_remove(text, items, n_items, dropped, a);

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum exact_unit {
    EXACT_DOCUMENT,
    EXACT_PARAGRAPH, // between empty lines
    EXACT_LINE,
    EXACT_SPAN // three sentences in a row; each begins another span
};
enum exact_form {
    EXACT_AS_IS, // the bytes
    EXACT_LOWER, // simplify_lower, as C4
    EXACT_CCNET, // simplify_ccnet
    EXACT_SIMPLE // simplify_text
};

struct exact_rule {
    enum exact_unit unit;
    enum exact_form form;
};

struct exact_item {
    struct range bytes; // of the text, without the newlines or spaces around it
    uint64_t key;       // XXH3 64 of its form
    bool counts;        // false when nothing is left in its form: then it is never a repeat
};

/// A rule by its name: "document", "paragraph", "line" (bytes as they are), "c4", "ccnet" (lines in
/// their forms), "c4-spans" (simplified). Errors: ERR_USAGE naming the rules.
enum err exact_rule(const char *name, struct exact_rule *out) MUST_CHECK;
/// The items of text in order, in a. A sentence ends at the end of a line, and where whitespace
/// follows . ? ! or an ellipsis, or those of Chinese, and what closes behind them. Items behind the
/// first 2^32 - 1 are part of the last one. Local. Can't fail.
const struct exact_item *exact_items(struct exact_rule rule, struct span text, struct arena *a,
                                     size_t *n_items);
/// text without the items whose dropped[] is true: each of the others with the newlines before it
/// (the first of them only if it is the text's first item); of spans every sentence that is in one
/// that is dropped, with the space behind it. Lives in a, or is text itself when
/// nothing is dropped. Local. Can't fail.
struct span exact_remove(struct span text, const struct exact_item *items, size_t n_items,
                         const bool *dropped, struct arena *a);
