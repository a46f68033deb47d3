#pragma once
// A condition over the columns of documents, as people write it in a run file:
//
//     lang == "en" && quality > 0.4 && !(verdict == "url" || tokens < 50)
//
// Operands are columns, numbers and texts in double quotes (\" and \\ inside); == != < <= > >=
// compare two of one type (texts by bytes); && binds tighter than ||, ! tightest. What is
// compared with a column of f32 is rounded to f32, so that 0.4 is the 0.4 that was stored. A
// comparison with NaN is false, but != true. A column is found by its name, or without the
// "score." before it; `lang` is `language`.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum { EXPRESSION_BYTES_LIMIT = 4096, EXPRESSION_DEPTH_LIMIT = 64 };

enum expression_type { EXPRESSION_NUMBER, EXPRESSION_F32, EXPRESSION_TEXT };

struct expression_column {
    const char *name;
    enum expression_type type;
};

// What a column holds for each document: numbers for NUMBER and F32, texts for TEXT.
struct expression_values {
    const double *numbers;
    const struct span *texts;
};

struct expression;

/// columns [n_columns] are those that text may name. The expression lives in a and borrows nothing.
/// Errors: ERR_CONFIG with the place in text and, for an unknown column, the nearest one.
enum err expression_parse(const char *text, const struct expression_column *columns,
                          size_t n_columns, struct arena *a, struct expression **out) MUST_CHECK;
/// Whether it reads column. Can't fail.
bool expression_uses(const struct expression *e, size_t column);
/// out[i] = 1 where it holds for document i, else 0; values[n_columns], filled for used columns.
/// Can't fail.
void expression_evaluate(const struct expression *e, const struct expression_values *values,
                         size_t n, struct arena *scratch, uint8_t *out);
