#include "shard/filter/rule.h"

#include "base/err.h"

static const struct score_row scores[] = {
#define X(name, measure, meaning) {#name, measure, meaning},
    SCORE_TABLE(X)
#undef X
};

static const struct rule_row rules[] = {
#define X(name, score, comparison, threshold, reason) \
    {#name, SCORE_##score, #score, COMPARISON_##comparison, threshold, reason},
    RULE_TABLE(X)
#undef X
};

static const struct rule_row line_rules[] = {
#define X(name, measured, comparison, threshold, reason) \
    {#name, SCORE_N, #measured, COMPARISON_##comparison, threshold, reason},
    LINE_RULE_TABLE(X)
#undef X
};

const struct score_row *rule_score(enum score score)
{
    return &scores[score];
}

const struct rule_row *rule_row(enum rule rule)
{
    return &rules[rule];
}

const struct rule_row *rule_line_row(enum line_rule rule)
{
    return &line_rules[rule];
}

const char *rule_measure_cost(enum measure measure)
{
    static const char *const costs[] = {
#define X(name, cost) cost,
        MEASURE_TABLE(X)
#undef X
    };
    return costs[measure];
}

const char *rule_comparison_sign(enum comparison comparison)
{
    static const char *const signs[] = {
#define X(name, sign) sign,
        COMPARISON_TABLE(X)
#undef X
    };
    return signs[comparison];
}

bool rule_lets_through(enum comparison comparison, float score, double threshold)
{
    const float limit = (float)threshold;
    switch (comparison) {
    case COMPARISON_AT_LEAST:
        return score >= limit;
    case COMPARISON_AT_MOST:
        return score <= limit;
    case COMPARISON_ABOVE:
        break;
    }
    ASSERT(comparison == COMPARISON_ABOVE);
    return score > limit;
}
