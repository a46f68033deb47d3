// Expressions against trees that are evaluated while they are written down; what is refused, and
// how it is said.

#include "shard/dataset/expression.h"

#include <math.h>

#include "base/rng.h"
#include "base/text.h"
#include "tests/check.h"

enum { DOCUMENTS = 40, COLUMNS = 6 };

static const struct expression_column columns[COLUMNS] = {
    {"language", EXPRESSION_TEXT},       {"verdict", EXPRESSION_TEXT},
    {"tokens", EXPRESSION_NUMBER},       {"score.quality", EXPRESSION_F32},
    {"score.dup.top_2", EXPRESSION_F32}, {"text_bytes", EXPRESSION_NUMBER}};
static const char *const words[] = {"en", "de", "", "kept", "gopher \"x\" \\"};
static const char *const quoted[] = {"\"en\"", "\"de\"", "\"\"", "\"kept\"",
                                     "\"gopher \\\"x\\\" \\\\\""};

struct world {
    struct arena arena;
    struct expression_values values[COLUMNS];
    uint64_t key, at;
};

static uint64_t draw(struct world *w, uint64_t n)
{
    return rng_u64(w->key, 1, w->at++) % n;
}

static struct span text_span(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static void begin(struct world *w, uint64_t seed)
{
    *w = (struct world){.key = rng_key(seed, "expressions")};
    arena_init(&w->arena, "world");
    for (size_t c = 0; c < COLUMNS; c++) {
        double *numbers = ARENA_ARRAY(&w->arena, double, DOCUMENTS);
        struct span *texts = ARENA_ARRAY(&w->arena, struct span, DOCUMENTS);
        for (size_t i = 0; i < DOCUMENTS; i++) {
            texts[i] = text_span(words[draw(w, 5)]);
            numbers[i] = (double)draw(w, 10) / 10;
            if (columns[c].type == EXPRESSION_F32) numbers[i] = (double)(float)numbers[i];
            if (draw(w, 20) == 0) numbers[i] = (double)NAN;
        }
        if (columns[c].type == EXPRESSION_TEXT)
            w->values[c].texts = texts;
        else
            w->values[c].numbers = numbers;
    }
}

static void put_blanks(struct world *w, struct text *t)
{
    for (uint64_t i = draw(w, 4); i >= 3; i--)
        text_printf(t, " ");
}

static bool holds(uint64_t sign, double x, double y)
{
    const bool results[] = {x == y, x != y, x<y, x <= y, x> y, x >= y};
    return results[sign];
}

static void write_comparison(struct world *w, struct text *t, bool *out)
{
    static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
    static const char *const names[COLUMNS] = {"lang",    "verdict",   "tokens",
                                               "quality", "dup.top_2", "text_bytes"};
    const size_t c = draw(w, COLUMNS), sign = draw(w, 6), k = draw(w, 5);
    const bool full = draw(w, 2), swap = draw(w, 4) == 0;
    const double number = (double)draw(w, 10) / 10;
    const char *name = full ? columns[c].name : names[c];
    const char *constant =
        columns[c].type == EXPRESSION_TEXT ? quoted[k] : arena_printf(&w->arena, "%g", number);
    text_printf(t, "%s", swap ? constant : name);
    put_blanks(w, t);
    text_printf(t, "%s", signs[sign]);
    put_blanks(w, t);
    text_printf(t, "%s", swap ? name : constant);
    for (size_t i = 0; i < DOCUMENTS; i++) {
        double x, y = columns[c].type == EXPRESSION_F32 ? (double)(float)number : number;
        if (columns[c].type == EXPRESSION_TEXT) {
            const char *text = (const char *)w->values[c].texts[i].data;
            x = strcmp(text, words[k]);
            y = 0;
        } else {
            x = w->values[c].numbers[i];
        }
        out[i] = swap ? holds(sign, y, x) : holds(sign, x, y);
    }
}

static void write_any(struct world *w, struct text *t, unsigned depth, bool *out);

static void write_pair(struct world *w, struct text *t, unsigned depth, bool both, bool *out)
{
    bool right[DOCUMENTS];
    text_printf(t, "(");
    write_any(w, t, depth - 1, out);
    put_blanks(w, t);
    text_printf(t, both ? "&&" : "||");
    put_blanks(w, t);
    write_any(w, t, depth - 1, right);
    text_printf(t, ")");
    for (size_t i = 0; i < DOCUMENTS; i++)
        out[i] = both ? out[i] && right[i] : out[i] || right[i];
}

static void write_any(struct world *w, struct text *t, unsigned depth, bool *out)
{
    const uint64_t kind = depth == 0 ? 0 : draw(w, 4);
    put_blanks(w, t);
    if (kind == 0) {
        write_comparison(w, t, out);
    } else if (kind == 3) {
        text_printf(t, "!(");
        write_any(w, t, depth - 1, out);
        text_printf(t, ")");
        for (size_t i = 0; i < DOCUMENTS; i++)
            out[i] = !out[i];
    } else {
        write_pair(w, t, depth, kind == 1, out);
    }
    put_blanks(w, t);
}

static void check_holds(struct world *w, const char *text, const bool *expected)
{
    struct expression *e;
    uint8_t got[DOCUMENTS];
    CHECK_OK(expression_parse(text, columns, COLUMNS, &w->arena, &e));
    expression_evaluate(e, w->values, DOCUMENTS, &w->arena, got);
    for (size_t i = 0; i < DOCUMENTS; i++)
        CHECK_EQ(got[i], expected[i]);
}

static void check_random(struct world *w)
{
    for (unsigned turn = 0; turn < 500; turn++) {
        struct text t;
        bool expected[DOCUMENTS];
        text_begin(&t, &w->arena);
        write_any(w, &t, turn % 6, expected);
        check_holds(w, t.data, expected);
    }
}

/// Texts with some bytes changed: refused with a place, or they give 0 and 1.
static void check_mutations(struct world *w)
{
    static const char bytes[] = "\"\\()!&|=<> .0e-+az_\x80\t";
    size_t n_parsed = 0;
    for (unsigned turn = 0; turn < 2000; turn++) {
        struct text t;
        struct expression *e;
        bool unused[DOCUMENTS];
        uint8_t got[DOCUMENTS];
        text_begin(&t, &w->arena);
        write_any(w, &t, turn % 4, unused);
        for (uint64_t i = draw(w, 3); i < 3; i++)
            t.data[draw(w, t.n_bytes)] = bytes[draw(w, sizeof bytes)];
        if (expression_parse(t.data, columns, COLUMNS, &w->arena, &e) != OK) {
            CHECK(strncmp(err_line(), "at ", 3) == 0);
            continue;
        }
        n_parsed++;
        expression_evaluate(e, w->values, DOCUMENTS, &w->arena, got);
        for (size_t i = 0; i < DOCUMENTS; i++)
            CHECK(got[i] <= 1);
    }
    printf("%zu of 2000 still parse\n", n_parsed);
    CHECK(n_parsed > 0 && n_parsed < 2000);
}

/// && binds tighter than ||, and ! tighter than both.
static void check_binding(struct world *w)
{
    bool expected[DOCUMENTS];
    const struct expression_values *v = w->values;
    for (size_t i = 0; i < DOCUMENTS; i++) {
        const bool a = v[2].numbers[i] > 0.3, b = v[3].numbers[i] < (double)0.6F,
                   c = v[5].numbers[i] >= 0.5;
        expected[i] = a || (b && !c) || (c && a);
    }
    check_holds(w, "tokens>0.3||quality<0.6&&!text_bytes>=0.5||text_bytes>=0.5&&tokens>0.3",
                expected);
}

static void check_uses(struct world *w)
{
    struct expression *e;
    CHECK_OK(
        expression_parse("lang == \"en\" && score.quality > 1", columns, COLUMNS, &w->arena, &e));
    for (size_t c = 0; c < COLUMNS; c++)
        CHECK_EQ(expression_uses(e, c), c == 0 || c == 3);
}

static void refuse(struct world *w, const char *text, const char *line)
{
    struct expression *e;
    CHECK_ERR(expression_parse(text, columns, COLUMNS, &w->arena, &e), ERR_CONFIG);
    CHECK_LINE(line);
}

static void check_refusals(struct world *w)
{
    refuse(w, "", "at 1: the expression ends here");
    refuse(w, "tokens", "at 7: expected == != < <= > or >=");
    refuse(w, "tokens = 3", "at 8: expected == != < <= > or >=");
    refuse(w, "tokens > ", "at 10: the expression ends here");
    refuse(w, "tokens > \"a\"", "at 1: a text is compared with a number");
    refuse(w, "1 < 2 && lang == 3", "at 10: a text is compared with a number");
    refuse(w, "qualty > 0.4", "at 1: no column 'qualty'; did you mean 'quality'?");
    refuse(w, "x > 0.4", "at 1: the dataset has no column 'x'");
    refuse(w, "tokens > 0x4", "at 10: '0x4' is not a number");
    refuse(w, "lang == \"en", "at 9: this text has no closing \"");
    refuse(w, "(tokens > 1", "at 12: expected && || or )");
    refuse(w, "tokens > 1)", "at 11: expected && or ||");
    refuse(w, "tokens > 1 & tokens > 2", "at 12: expected && or ||");
    refuse(w, "!= 2", "at 1: expected a column, a number or a text");
}

static void check_limits(struct world *w)
{
    char *text = ARENA_ARRAY(&w->arena, char, EXPRESSION_BYTES_LIMIT + 2);
    memset(text, '(', EXPRESSION_DEPTH_LIMIT);
    refuse(w, text, "at 65: more than 64 parentheses deep");
    memset(text, '!', EXPRESSION_BYTES_LIMIT);
    refuse(w, text, "at 4097: the expression ends here");
    text[EXPRESSION_BYTES_LIMIT] = '!';
    refuse(w, text, "an expression of 4097 bytes: at most 4096 are possible");
}

int main(int argc, char **argv)
{
    struct world w;
    begin(&w, check_seed(argc, argv));
    check_random(&w);
    check_mutations(&w);
    check_binding(&w);
    check_uses(&w);
    check_refusals(&w);
    check_limits(&w);
    arena_fini(&w.arena);
    return 0;
}
