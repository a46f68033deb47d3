// weft shard judge: what the rules of a profile say of documents, without building anything.

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "shard/command_shard.h"
#include "shard/extract/extract.h"
#include "shard/filter/filter.h"
#include "shard/filter/language.h"
#include "shard/lost.h"
#include "shard/read/reader.h"
#include "shard/read/reader_jsonl.h"
#include "shard/read/reader_kind.h"

struct options {
    const char *profile, *languages, *model;
    struct cli_list overrides;
    bool json, text, rules, skip_bad;
};

// One document and what its line of JSON says beside the text.
struct page {
    const char *id;
    struct filter_page page;
    struct filter_words words;
    struct language_label label;
    bool judged; // rules are for documents of one text, as in weft shard build
};

struct session {
    const struct options *options;
    struct filter *filter;
    struct filter_scratch *scratch;
    struct language *language;
    uint64_t n_documents, n_bytes, n_kept, kept_bytes;
    struct lost lost;
    uint64_t *n_dropped;       // [filter_n_rules]
    uint64_t *n_lines_dropped; // [filter_n_line_rules]
};

// Every stride-th number of an array, from offset on. Errors: ERR_DATA.
static enum err read_u32s(const json_t *array, size_t stride, size_t offset, struct arena *a,
                          const uint32_t **out, size_t *n)
{
    const size_t n_all = json_array_size(array);
    if (!json_is_array(array) || n_all % stride != 0)
        return fail(ERR_DATA, "words, line_words and line_sentences are arrays of numbers");
    uint32_t *values = ARENA_ARRAY(a, uint32_t, n_all / stride);
    for (size_t i = 0; i < n_all / stride; i++) {
        const json_t *number = json_array_get(array, i * stride + offset);
        const json_int_t value = json_integer_value(number);
        if (!json_is_integer(number) || value < 0 || value > UINT32_MAX)
            return fail(ERR_DATA, "words, line_words and line_sentences are whole numbers");
        values[i] = (uint32_t)value;
    }
    *out = values;
    *n = n_all / stride;
    return OK;
}

static enum err read_words(const json_t *root, struct arena *a, struct page *p)
{
    const json_t *words = json_object_get(root, "words");
    if (!json_object_get(root, "line_words")) return OK; // words alone may be a number of them
    size_t n_sentences;
    struct filter_words *w = &p->words;
    TRY(read_u32s(words, 2, 0, a, &w->starts, &w->n_words));
    TRY(read_u32s(words, 2, 1, a, &w->ends, &w->n_words));
    TRY(read_u32s(json_object_get(root, "line_words"), 1, 0, a, &w->line_words, &w->n_lines));
    TRY(read_u32s(json_object_get(root, "line_sentences"), 1, 0, a, &w->line_sentences,
                  &n_sentences));
    if (n_sentences != w->n_lines)
        return fail(ERR_DATA, "line_words and line_sentences differ in length");
    p->page.words = w;
    return OK;
}

// Label and words, if the line of JSON has them.
static enum err read_extras(const struct reader_record *record, struct arena *a, struct page *p,
                            bool *labelled)
{
    json_t *root;
    TRY(reader_jsonl_load(record->raw, &root));
    const char *language = json_string_value(json_object_get(root, "language"));
    *labelled = language != NULL;
    if (language) {
        snprintf(p->label.code, sizeof p->label.code, "%s", language);
        const json_t *score = json_object_get(root, "language_score");
        p->label.score = score ? (float)json_number_value(score) : 1;
    }
    const enum err e = read_words(root, a, p);
    json_decref(root);
    return e == OK ? OK : reader_fail_at(record, e);
}

// All the text of a document, with newlines between its pieces.
static struct span join_text(const struct document *d, struct arena *a)
{
    if (d->n_pieces == 1) return d->pieces[0].bytes;
    size_t n = 0;
    for (size_t i = 0; i < d->n_pieces; i++)
        n += d->pieces[i].kind == DOCUMENT_TEXT ? d->pieces[i].bytes.n_bytes + 1 : 0;
    uint8_t *out = ARENA_ARRAY(a, uint8_t, n);
    n = 0;
    for (size_t i = 0; i < d->n_pieces; i++) {
        if (d->pieces[i].kind != DOCUMENT_TEXT) continue;
        memcpy(out + n, d->pieces[i].bytes.data, d->pieces[i].bytes.n_bytes);
        n += d->pieces[i].bytes.n_bytes;
        out[n++] = '\n';
    }
    return (struct span){out, n > 0 ? n - 1 : 0};
}

static enum err read_page(struct session *s, const struct reader_record *record, struct arena *a,
                          struct page *p)
{
    struct document d;
    TRY(reader_document(record, a, &d));
    p->id = arena_strndup(a, (const char *)d.id.data, d.id.n_bytes);
    p->page.text = join_text(&d, a);
    // No piece is an empty text, which rules judge too.
    p->judged = d.n_pieces == 0 || (d.n_pieces == 1 && d.pieces[0].kind == DOCUMENT_TEXT);
    if (!p->judged) return OK;
    const struct extract_options extract = {.mode = 0};
    const enum err e =
        d.html ? extract_page(p->page.text, d.charset, &extract, a, &p->page.text) : OK;
    if (e != OK) return reader_fail_at(record, e);
    bool labelled = false;
    if (record->file->kind == INPUT_JSONL) TRY(read_extras(record, a, p, &labelled));
    if (!labelled) language_detect(s->language, p->page.text, a, &p->label);
    p->page.language = p->label.code;
    p->page.language_score = p->label.score;
    return OK;
}

static json_t *lines_json(const struct session *s, const struct filter_verdict *v)
{
    json_t *lines = json_object();
    for (size_t i = 0; i < filter_n_line_rules(s->filter); i++)
        json_object_set_new(lines, filter_line_rule(s->filter, i)->name,
                            json_integer(v->lines_dropped[i]));
    return lines;
}

static json_t *scores_json(const struct session *s, const struct filter_verdict *v)
{
    json_t *scores = json_object();
    for (size_t i = 0; i < v->n_scores; i++)
        json_object_set_new(scores, filter_score_name(s->filter, i),
                            json_real((double)v->scores[i]));
    return scores;
}

// Rules that the document fails, not only the first.
static json_t *failed_json(const struct session *s, const struct filter_verdict *v)
{
    json_t *failed = json_array();
    for (size_t i = 0; v->n_scores > 0 && i < filter_n_rules(s->filter); i++)
        if (!filter_rule_passes(s->filter, i, v->scores))
            json_array_append_new(failed, json_string(filter_rule(s->filter, i)->name));
    return failed;
}

static enum err print_json(const struct session *s, const struct page *p,
                           const struct filter_verdict *v)
{
    const struct filter_rule *rule = v->rule < 0 ? NULL : filter_rule(s->filter, (size_t)v->rule);
    json_t *root = json_pack("{s:s s:b s:s? s:s? s:o s:s s:f s:o s:o}", "id", p->id, "kept",
                             v->rule < 0, "rule", rule ? rule->name : NULL, "reason",
                             rule ? rule->reason : NULL, "failed", failed_json(s, v), "language",
                             p->label.code, "language_score", (double)p->label.score, "scores",
                             scores_json(s, v), "lines_dropped", lines_json(s, v));
    if (root && s->options->text)
        json_object_set_new(root, "text",
                            json_stringn((const char *)v->text.data, v->text.n_bytes));
    const bool written =
        root && json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0;
    json_decref(root);
    putchar('\n');
    return written ? OK : fail(ERR_IO, "write standard output");
}

static enum err judge_record(struct session *s, const struct reader_record *record, struct arena *a)
{
    struct page p = {0};
    struct filter_verdict v;
    TRY(read_page(s, record, a, &p));
    v = (struct filter_verdict){.rule = -1, .text = p.page.text};
    if (p.judged) TRY(filter_judge(s->filter, s->scratch, &p.page, a, &v));
    s->n_documents++;
    s->n_bytes += p.page.text.n_bytes;
    s->n_kept += v.rule < 0;
    s->kept_bytes += v.rule < 0 ? v.text.n_bytes : 0;
    if (v.rule >= 0) s->n_dropped[v.rule]++;
    for (size_t i = 0; i < filter_n_line_rules(s->filter); i++)
        s->n_lines_dropped[i] += v.lines_dropped[i];
    return s->options->json ? print_json(s, &p, &v) : OK;
}

static enum err judge_all(struct session *s, struct reader *r)
{
    struct arena a;
    arena_init(&a, "shard judge document");
    struct reader_record record;
    bool more = true;
    enum err e = reader_next(r, &a, &record, &more);
    while (e == OK && more) {
        e = judge_record(s, &record, &a);
        const bool lost = e == ERR_DATA && s->options->skip_bad;
        if (lost) lost_add(&s->lost, err_line());
        if (lost) e = OK;
        arena_reset(&a);
        if (e == OK) e = reader_next(r, &a, &record, &more);
    }
    arena_fini(&a);
    return e;
}

static void print_row(const struct filter_rule *rule, uint64_t n, const char *what)
{
    char condition[96];
    snprintf(condition, sizeof condition, "%s %s %g", rule->score, rule->comparison,
             rule->threshold);
    printf("%-38s %-44s %10llu %s\n", rule->name, condition, (unsigned long long)n, what);
}

static void print_funnel(const struct session *s)
{
    printf("%-38s %-44s %10s\n", "rule", "lets through", "dropped");
    for (size_t i = 0; i < filter_n_line_rules(s->filter); i++)
        print_row(filter_line_rule(s->filter, i), s->n_lines_dropped[i], "lines");
    for (size_t i = 0; i < filter_n_rules(s->filter); i++)
        print_row(filter_rule(s->filter, i), s->n_dropped[i], "documents");
    printf("documents %llu (%llu bytes), kept %llu (%llu bytes)\n",
           (unsigned long long)s->n_documents, (unsigned long long)s->n_bytes,
           (unsigned long long)s->n_kept, (unsigned long long)s->kept_bytes);
    if (s->lost.n) printf("left out %llu bad documents\n", (unsigned long long)s->lost.n);
}

static enum err judge_inputs(const struct options *o, char *const *operands, size_t n_operands,
                             struct arena *a)
{
    struct inputs inputs;
    TRY(inputs_list(operands, n_operands, a, &inputs));
    struct session s = {.options = o};
    char **overrides = ARENA_ARRAY(a, char *, o->overrides.n_items + 1);
    size_t n = 0;
    for (; n < o->overrides.n_items; n++)
        overrides[n] = arena_strdup(a, o->overrides.items[n]);
    if (o->languages) overrides[n++] = arena_printf(a, "language=%s", o->languages);
    const struct filter_options filter = {o->profile, overrides, n};
    TRY(filter_open(&filter, a, &s.filter));
    TRY(language_open(o->model, a, &s.language));
    s.n_dropped = ARENA_ARRAY(a, uint64_t, filter_n_rules(s.filter));
    s.n_lines_dropped = ARENA_ARRAY(a, uint64_t, filter_n_line_rules(s.filter));
    s.scratch = filter_scratch_open(a);
    const struct reader_options reading = {
        .skip_bad = o->skip_bad, .lost = lost_add, .context = &s.lost};
    struct reader *r = reader_open(&inputs, &reading, a);
    const enum err e = judge_all(&s, r);
    reader_close(r);
    filter_scratch_close(s.scratch);
    if (e == OK && !o->json) print_funnel(&s);
    return e;
}

enum { PROFILE_LIMIT = 16 };

struct profiles {
    const char *names[PROFILE_LIMIT];
    struct filter *filters[PROFILE_LIMIT];
    size_t n;
};

// Those with rules; the one with most of them first, for its order is that of the table.
static enum err open_profiles(struct profiles *p, struct arena *a)
{
    const char *name;
    for (size_t i = 0; p->n < PROFILE_LIMIT && (name = filter_profile_name(i)); i++) {
        struct filter *f;
        TRY(filter_open(&(struct filter_options){.profile = name}, a, &f));
        if (filter_n_rules(f) == 0) continue;
        const size_t at = p->n++;
        const bool most = at > 0 && filter_n_rules(f) > filter_n_rules(p->filters[0]);
        p->names[at] = most ? p->names[0] : name;
        p->filters[at] = most ? p->filters[0] : f;
        if (!most) continue;
        p->names[0] = name;
        p->filters[0] = f;
    }
    return OK;
}

typedef size_t (*count_fn)(const struct filter *f);
typedef const struct filter_rule *(*rule_fn)(const struct filter *f, size_t i);

static const struct filter_rule *find_rule(const struct filter *f, const char *name, count_fn count,
                                           rule_fn rule)
{
    for (size_t i = 0; i < count(f); i++)
        if (strcmp(rule(f, i)->name, name) == 0) return rule(f, i);
    return NULL;
}

static void print_rule_row(const struct profiles *p, const struct filter_rule *r, count_fn count,
                           rule_fn rule)
{
    printf("| `%s` | %s | %s | %s | %s |", r->name, r->measures, r->costs, r->reason,
           r->comparison);
    for (size_t k = 0; k < p->n; k++) {
        const struct filter_rule *here = find_rule(p->filters[k], r->name, count, rule);
        if (here)
            printf(" %g |", here->threshold);
        else
            printf(" |");
    }
    printf("\n");
}

// Rules of one kind that any profile has, each once, in the order of the first profile with it.
static void print_rule_rows(const struct profiles *p, count_fn count, rule_fn rule)
{
    for (size_t k = 0; k < p->n; k++)
        for (size_t i = 0; i < count(p->filters[k]); i++) {
            const struct filter_rule *r = rule(p->filters[k], i);
            bool seen = false;
            for (size_t before = 0; before < k; before++)
                seen |= find_rule(p->filters[before], r->name, count, rule) != NULL;
            if (!seen) print_rule_row(p, r, count, rule);
        }
}

static enum err print_rules(struct arena *a)
{
    struct profiles p = {.n = 0};
    TRY(open_profiles(&p, a));
    printf("| rule | looks at | reads | why it drops | passes if |");
    for (size_t k = 0; k < p.n; k++)
        printf(" %s |", p.names[k]);
    printf("\n|---|---|---|---|---|");
    for (size_t k = 0; k < p.n; k++)
        printf("---|");
    printf("\n");
    print_rule_rows(&p, filter_n_line_rules, filter_line_rule);
    print_rule_rows(&p, filter_n_rules, filter_rule);
    return OK;
}

enum err command_shard_judge(int argc, char **argv)
{
    struct options o = {.profile = "fineweb"};
    const struct cli_option options[] = {
        {"profile", 'p', CLI_TEXT, &o.profile, "NAME",
         "none, gopher, c4-paper, c4-tfds, fineweb (default) or ccnet"},
        {"set-rule", 0, CLI_LIST, &o.overrides, "RULE=X",
         "another threshold, or off; badwords=FILE"},
        {"languages", 0, CLI_TEXT, &o.languages, "LIST", "let these through: en,de or any"},
        {"language-model", 0, CLI_TEXT, &o.model, "FILE", "fastText model instead of CLD2"},
        {"json", 0, CLI_FLAG, &o.json, NULL, "an object a document: verdict and every score"},
        {"text", 0, CLI_FLAG, &o.text, NULL, "with --json: the text that is left, too"},
        {"skip-bad", 0, CLI_FLAG, &o.skip_bad, NULL, "leave out unreadable documents"},
        {"rules", 0, CLI_FLAG, &o.rules, NULL, "print all profiles' rules as a table instead"}};
    const struct cli_usage usage = {
        .synopsis = "weft shard judge [--profile NAME] [--json] INPUT... | --rules",
        .summary = "say which documents a profile's rules drop, and why",
        .example = "weft shard judge --profile fineweb --set-rule gopher_words_min=20 pages.jsonl",
        .options = options,
        .n_options = sizeof options / sizeof options[0],
        .min_operands = 0,
        .max_operands = SIZE_MAX};
    char **operands;
    size_t n_operands;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    if (!o.rules && n_operands == 0) return fail(ERR_USAGE, "shard judge: which INPUT?");
    struct arena a;
    arena_init(&a, "shard judge");
    const enum err e = o.rules ? print_rules(&a) : judge_inputs(&o, operands, n_operands, &a);
    arena_fini(&a);
    return e;
}
