// The rules by name, by expression and by number. Each is in a file with its kin, pretokenize_*.c.
#include <string.h>

#include "base/err.h"
#include "shard/tokenizer/pretokenize_scan.h"

typedef size_t (*next_fn)(const struct pretokenize *p, struct span text);

static const struct {
    const char *name, *regex;
    next_fn next;
} rules[PRETOKENIZE_N_RULES] = {
#define X(NAME, name, regex) [PRETOKENIZE_##NAME] = {#name, regex, pretokenize_##name##_next},
    PRETOKENIZE_TABLE(X)
#undef X
};

// Other ways to write the same.
static const struct {
    enum pretokenize_rule rule;
    const char *regex;
} others[] = {
    {PRETOKENIZE_GPT2,
     "'s|'t|'re|'ve|'m|'ll|'d| ?[\\p{L}]+| ?[\\p{N}]+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
    {PRETOKENIZE_GPT2,
     "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
    {PRETOKENIZE_CL100K, "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                         " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"},
    {PRETOKENIZE_CL100K, "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                         " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
};

size_t pretokenize_next(const struct pretokenize *p, enum pretokenize_rule rule, struct span text)
{
    DASSERT(text.n_bytes > 0);
    return rules[rule].next(p, text);
}

const char *pretokenize_name(enum pretokenize_rule rule)
{
    return rules[rule].name;
}

const char *pretokenize_regex(enum pretokenize_rule rule)
{
    return rules[rule].regex;
}

enum pretokenize_rule pretokenize_rule_named(const char *name, size_t n_name)
{
    unsigned rule = 0;
    while (rule < PRETOKENIZE_N_RULES &&
           (strlen(rules[rule].name) != n_name || memcmp(rules[rule].name, name, n_name) != 0))
        rule++;
    return (enum pretokenize_rule)rule;
}

enum pretokenize_rule pretokenize_rule_of_regex(const char *regex)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].regex, regex) == 0) return others[i].rule;
    unsigned rule = 0;
    while (rule < PRETOKENIZE_N_RULES &&
           (rules[rule].regex == NULL || strcmp(rules[rule].regex, regex) != 0))
        rule++;
    return (enum pretokenize_rule)rule;
}
