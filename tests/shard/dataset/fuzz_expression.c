// Any bytes as an expression: refused with a place, or evaluated to 0 and 1.
//     build/fuzz/fuzz_expression -max_len=300 CORPUS

#include <string.h>

#include "shard/dataset/expression.h"

enum { DOCUMENTS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void evaluate(const struct expression *e, struct arena *a)
{
    static const double numbers[DOCUMENTS] = {0, -1.5, 1e300};
    static const struct span texts[DOCUMENTS] = {
        {NULL, 0}, {(const uint8_t *)"en", 2}, {(const uint8_t *)"kept", 4}};
    const struct expression_values values[] = {
        {.texts = texts}, {.texts = texts}, {.numbers = numbers}, {.numbers = numbers}};
    uint8_t out[DOCUMENTS];
    expression_evaluate(e, values, DOCUMENTS, a, out);
    for (size_t i = 0; i < DOCUMENTS; i++)
        ASSERT(out[i] <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static const struct expression_column columns[] = {{"language", EXPRESSION_TEXT},
                                                       {"verdict", EXPRESSION_TEXT},
                                                       {"tokens", EXPRESSION_NUMBER},
                                                       {"score.quality", EXPRESSION_F32}};
    struct arena a;
    struct expression *e;
    arena_init(&a, "fuzz");
    if (expression_parse(arena_strndup(&a, (const char *)data, n_bytes), columns, 4, &a, &e) == OK)
        evaluate(e, &a);
    arena_fini(&a);
    return 0;
}
