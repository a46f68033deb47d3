// A recursive-descent parser that appends nodes; a node's children come before it, so evaluation
// walks them in order with a stack of results, a vector of documents each.

#include "shard/dataset/expression.h"

#include <string.h>

#include "base/number.h"
#include "base/spell.h"

enum kind { KIND_AND, KIND_OR, KIND_NOT, KIND_COMPARE };
enum comparison { EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL };

#define NO_COLUMN SIZE_MAX

struct operand {
    enum expression_type type;
    size_t column; // NO_COLUMN: a constant
    double number;
    struct span text;
};

struct node {
    enum kind kind;
    enum comparison comparison;
    struct operand left, right;
};

struct expression {
    struct node *nodes; // in the order of evaluation
    size_t n_nodes, capacity_nodes;
    bool *used; // [n_columns]
};

struct parser {
    const char *text, *at;
    const struct expression_column *columns;
    size_t n_columns, depth;
    struct arena *arena;
    struct expression *e;
};

// Words.

static void skip_blanks(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')
        p->at++;
}

static size_t place(const struct parser *p, const char *at)
{
    return (size_t)(at - p->text) + 1;
}

/// Takes word if it comes next.
static bool take(struct parser *p, const char *word)
{
    skip_blanks(p);
    const size_t n = strlen(word);
    if (strncmp(p->at, word, n) != 0) return false;
    p->at += n;
    return true;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t find_column(const struct parser *p, const char *name)
{
    for (size_t i = 0; i < p->n_columns; i++)
        if (strcmp(p->columns[i].name, name) == 0) return i;
    return NO_COLUMN;
}

static enum err unknown_column(const struct parser *p, const char *at, const char *name)
{
    const char **names = ARENA_ARRAY(p->arena, const char *, p->n_columns + 1);
    for (size_t i = 0; i < p->n_columns; i++) {
        const char *full = p->columns[i].name;
        names[i] =
            strncmp(full, "score.", 6) == 0 && strncmp(name, "score.", 6) != 0 ? full + 6 : full;
    }
    const size_t near = spell_nearest(name, names, p->n_columns);
    if (near < p->n_columns)
        return fail(ERR_CONFIG, "at %zu: no column '%s'; did you mean '%s'?", place(p, at), name,
                    names[near]);
    return fail(ERR_CONFIG, "at %zu: the dataset has no column '%s'", place(p, at), name);
}

static enum err parse_name(struct parser *p, struct operand *out)
{
    const char *begin = p->at;
    while (is_name_byte(*p->at))
        p->at++;
    const char *name = arena_strndup(p->arena, begin, (size_t)(p->at - begin));
    size_t column = find_column(p, name);
    if (column == NO_COLUMN && strcmp(name, "lang") == 0) column = find_column(p, "language");
    if (column == NO_COLUMN) column = find_column(p, arena_printf(p->arena, "score.%s", name));
    if (column == NO_COLUMN) return unknown_column(p, begin, name);
    p->e->used[column] = true;
    *out = (struct operand){.type = p->columns[column].type, .column = column};
    return OK;
}

static enum err parse_number(struct parser *p, struct operand *out)
{
    const char *begin = p->at;
    while (is_name_byte(*p->at) || *p->at == '-' || *p->at == '+')
        p->at++;
    const char *word = arena_strndup(p->arena, begin, (size_t)(p->at - begin));
    *out = (struct operand){.type = EXPRESSION_NUMBER, .column = NO_COLUMN};
    if (number_parse_f64(word, &out->number)) return OK;
    return fail(ERR_CONFIG, "at %zu: '%s' is not a number", place(p, begin), word);
}

static enum err parse_text(struct parser *p, struct operand *out)
{
    const char *begin = p->at++;
    char *bytes = ARENA_ARRAY(p->arena, char, strlen(begin));
    size_t n = 0;
    while (*p->at != '"') {
        if (*p->at == '\\' && (p->at[1] == '"' || p->at[1] == '\\')) p->at++;
        if (*p->at == '\0')
            return fail(ERR_CONFIG, "at %zu: this text has no closing \"", place(p, begin));
        bytes[n++] = *p->at++;
    }
    p->at++;
    *out = (struct operand){
        .type = EXPRESSION_TEXT, .column = NO_COLUMN, .text = {(const uint8_t *)bytes, n}};
    return OK;
}

static enum err parse_operand(struct parser *p, struct operand *out)
{
    skip_blanks(p);
    const char c = *p->at;
    if (c == '"') return parse_text(p, out);
    if (is_digit(c) || c == '-') return parse_number(p, out);
    if (is_name_byte(c)) return parse_name(p, out);
    if (c == '\0') return fail(ERR_CONFIG, "at %zu: the expression ends here", place(p, p->at));
    return fail(ERR_CONFIG, "at %zu: expected a column, a number or a text", place(p, p->at));
}

// Conditions.

static struct node *add_node(struct parser *p, enum kind kind)
{
    struct expression *e = p->e;
    e->nodes = ARENA_GROW(p->arena, struct node, e->nodes, e->n_nodes + 1, &e->capacity_nodes);
    e->nodes[e->n_nodes] = (struct node){.kind = kind};
    return &e->nodes[e->n_nodes++];
}

static enum err parse_comparison_sign(struct parser *p, enum comparison *out)
{
    static const struct {
        const char *sign;
        enum comparison comparison;
    } signs[] = {{"==", EQUAL},         {"!=", UNEQUAL}, {"<=", LESS_EQUAL},
                 {">=", GREATER_EQUAL}, {"<", LESS},     {">", GREATER}};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (!take(p, signs[i].sign)) continue;
        *out = signs[i].comparison;
        return OK;
    }
    return fail(ERR_CONFIG, "at %zu: expected == != < <= > or >=", place(p, p->at));
}

/// What is compared with a column of f32 is as exact as the column.
static void round_constant(struct operand *constant, const struct operand *other)
{
    if (constant->column == NO_COLUMN && other->type == EXPRESSION_F32)
        constant->number = (double)(float)constant->number;
}

static enum err parse_comparison(struct parser *p)
{
    struct node n = {.kind = KIND_COMPARE};
    skip_blanks(p);
    const char *begin = p->at;
    TRY(parse_operand(p, &n.left));
    TRY(parse_comparison_sign(p, &n.comparison));
    TRY(parse_operand(p, &n.right));
    if ((n.left.type == EXPRESSION_TEXT) != (n.right.type == EXPRESSION_TEXT))
        return fail(ERR_CONFIG, "at %zu: a text is compared with a number", place(p, begin));
    round_constant(&n.left, &n.right);
    round_constant(&n.right, &n.left);
    *add_node(p, KIND_COMPARE) = n;
    return OK;
}

static enum err parse_or(struct parser *p);

static enum err parse_primary(struct parser *p)
{
    if (!take(p, "(")) return parse_comparison(p);
    TRY(parse_or(p));
    if (take(p, ")")) return OK;
    return fail(ERR_CONFIG, "at %zu: expected && || or )", place(p, p->at));
}

/// Any number of ! are as one or none.
static enum err parse_not(struct parser *p)
{
    bool negated = false;
    for (skip_blanks(p); p->at[0] == '!' && p->at[1] != '='; skip_blanks(p)) {
        negated = !negated;
        p->at++;
    }
    TRY(parse_primary(p));
    if (negated) add_node(p, KIND_NOT);
    return OK;
}

static enum err parse_and(struct parser *p)
{
    TRY(parse_not(p));
    while (take(p, "&&")) {
        TRY(parse_not(p));
        add_node(p, KIND_AND);
    }
    return OK;
}

static enum err parse_or(struct parser *p)
{
    if (++p->depth > EXPRESSION_DEPTH_LIMIT)
        return fail(ERR_CONFIG, "at %zu: more than %d parentheses deep", place(p, p->at),
                    EXPRESSION_DEPTH_LIMIT);
    TRY(parse_and(p));
    while (take(p, "||")) {
        TRY(parse_and(p));
        add_node(p, KIND_OR);
    }
    p->depth--;
    return OK;
}

enum err expression_parse(const char *text, const struct expression_column *columns,
                          size_t n_columns, struct arena *a, struct expression **out)
{
    if (strlen(text) > EXPRESSION_BYTES_LIMIT)
        return fail(ERR_CONFIG, "an expression of %zu bytes: at most %d are possible", strlen(text),
                    EXPRESSION_BYTES_LIMIT);
    struct expression *e = ARENA_NEW(a, struct expression);
    e->used = ARENA_ARRAY(a, bool, n_columns);
    struct parser p = {
        .text = text, .at = text, .columns = columns, .n_columns = n_columns, .arena = a, .e = e};
    TRY(parse_or(&p));
    skip_blanks(&p);
    if (*p.at != '\0') return fail(ERR_CONFIG, "at %zu: expected && or ||", place(&p, p.at));
    *out = e;
    return OK;
}

bool expression_uses(const struct expression *e, size_t column)
{
    return e->used[column];
}

// Evaluation.

static double number_at(const struct operand *o, const struct expression_values *values, size_t i)
{
    return o->column == NO_COLUMN ? o->number : values[o->column].numbers[i];
}

static struct span text_at(const struct operand *o, const struct expression_values *values,
                           size_t i)
{
    return o->column == NO_COLUMN ? o->text : values[o->column].texts[i];
}

static int compare_texts(struct span a, struct span b)
{
    const size_t n = a.n_bytes < b.n_bytes ? a.n_bytes : b.n_bytes;
    const int order = n == 0 ? 0 : memcmp(a.data, b.data, n);
    if (order != 0) return order;
    return (a.n_bytes > b.n_bytes) - (a.n_bytes < b.n_bytes);
}

static bool holds(enum comparison c, bool less, bool equal, bool greater)
{
    switch (c) {
    case EQUAL:
        return equal;
    case UNEQUAL:
        return !equal;
    case LESS:
        return less;
    case LESS_EQUAL:
        return less || equal;
    case GREATER:
        return greater;
    case GREATER_EQUAL:
        return greater || equal;
    }
    err_abort(__FILE__, __LINE__, "a comparison that is not in the enum");
}

static bool compare(const struct node *n, const struct expression_values *values, size_t i)
{
    if (n->left.type == EXPRESSION_TEXT) {
        const int order =
            compare_texts(text_at(&n->left, values, i), text_at(&n->right, values, i));
        return holds(n->comparison, order<0, order == 0, order> 0);
    }
    const double x = number_at(&n->left, values, i), y = number_at(&n->right, values, i);
    return holds(n->comparison, x<y, x == y, x> y);
}

/// Documents [0, n) for one node; top is the uppermost result, below the one under it.
static void evaluate_node(const struct node *node, const struct expression_values *values, size_t n,
                          uint8_t *below, uint8_t *top)
{
    for (size_t i = 0; i < n; i++) {
        switch (node->kind) {
        case KIND_AND:
            below[i] &= top[i];
            break;
        case KIND_OR:
            below[i] |= top[i];
            break;
        case KIND_NOT:
            top[i] ^= 1;
            break;
        case KIND_COMPARE:
            top[i] = compare(node, values, i);
            break;
        }
    }
}

void expression_evaluate(const struct expression *e, const struct expression_values *values,
                         size_t n, struct arena *scratch, uint8_t *out)
{
    uint8_t **stack = ARENA_ARRAY(scratch, uint8_t *, e->n_nodes);
    size_t height = 0;
    for (size_t k = 0; k < e->n_nodes; k++) {
        const struct node *node = &e->nodes[k];
        if (node->kind == KIND_COMPARE) {
            if (stack[height] == NULL) stack[height] = ARENA_ARRAY(scratch, uint8_t, n);
            height++;
        }
        uint8_t *below = height > 1 ? stack[height - 2] : NULL;
        evaluate_node(node, values, n, below, stack[height - 1]);
        height -= node->kind == KIND_AND || node->kind == KIND_OR;
    }
    ASSERT(height == 1);
    memcpy(out, stack[0], n);
}
