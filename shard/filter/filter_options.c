// Builds an open filter from a profile and overrides.

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/spell.h"
#include "shard/filter/filter_state.h"

const char *filter_profile_name(size_t i)
{
    const struct profile *p = profile_row(i);
    return p ? p->name : NULL;
}

static enum err find_profile(const char *name, const struct profile **out)
{
    const char *names[16];
    size_t n = 0;
    for (const struct profile *p = profile_row(0); p && n < 16; p = profile_row(++n)) {
        names[n] = p->name;
        if (strcmp(p->name, name) != 0) continue;
        *out = p;
        return OK;
    }
    const size_t nearest = spell_nearest(name, names, n);
    if (nearest < n)
        return fail(ERR_USAGE, "no profile '%s'; did you mean '%s'?", name, names[nearest]);
    return fail(ERR_USAGE,
                "no profile '%s'; there are none, gopher, c4-paper, c4-tfds, fineweb, "
                "ccnet",
                name);
}

static void put_rule(struct filter *f, enum rule rule, double threshold)
{
    const struct rule_row *row = rule_row(rule);
    size_t i = 0;
    while (i < f->n_rules && strcmp(f->rules[i].name, row->name) != 0)
        i++;
    f->n_rules += i == f->n_rules;
    f->comparisons[i] = row->comparison;
    f->rules[i] = (struct filter_rule){.name = row->name,
                                       .score = row->measured,
                                       .measures = rule_score(row->score)->meaning,
                                       .costs = rule_measure_cost(rule_score(row->score)->measure),
                                       .comparison = rule_comparison_sign(row->comparison),
                                       .threshold = threshold,
                                       .reason = row->reason};
}

static void remove_rule(struct filter *f, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_rules; i++) {
        if (strcmp(f->rules[i].name, name) == 0) continue;
        f->comparisons[n] = f->comparisons[i];
        f->rules[n++] = f->rules[i];
    }
    f->n_rules = n;
}

static void begin_profile(struct filter *f, const struct profile *p)
{
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct profile_rule *r = &p->rules[i];
        put_rule(f, r->rule, r->own_threshold ? r->threshold : rule_row(r->rule)->threshold);
    }
    f->edits = p->edits;
    f->c4.tfds = p->tfds;
    for (uint32_t i = 0; i < LINE_RULE_N; i++) {
        f->c4.asked[i] = p->edits && !p->off[i];
        f->c4.thresholds[i] =
            p->line_thresholds[i] > 0 ? p->line_thresholds[i] : rule_line_row(i)->threshold;
    }
}

static enum err set_languages(struct filter *f, const char *list, struct arena *a)
{
    f->n_languages = 0;
    if (strcmp(list, "any") == 0) return OK;
    for (char *at = arena_strdup(a, list), *comma; at; at = comma ? comma + 1 : NULL) {
        comma = strchr(at, ',');
        if (comma) *comma = '\0';
        if (*at == '\0') return fail(ERR_USAGE, "language=%s: a label is empty", list);
        if (f->n_languages == FILTER_LANGUAGE_LIMIT)
            return fail(ERR_USAGE, "language=%s: more than %d labels", list, FILTER_LANGUAGE_LIMIT);
        f->languages[f->n_languages++] = at;
    }
    return OK;
}

static uint32_t find_line_rule(const char *name)
{
    uint32_t i = 0;
    while (i < LINE_RULE_N && strcmp(rule_line_row(i)->name, name) != 0)
        i++;
    return i;
}

static enum err unknown_rule(const char *name)
{
    const char *names[RULE_N + LINE_RULE_N];
    for (uint32_t i = 0; i < RULE_N; i++)
        names[i] = rule_row(i)->name;
    for (uint32_t i = 0; i < LINE_RULE_N; i++)
        names[RULE_N + i] = rule_line_row(i)->name;
    const size_t nearest = spell_nearest(name, names, RULE_N + LINE_RULE_N);
    if (nearest == RULE_N + LINE_RULE_N) return fail(ERR_USAGE, "no rule '%s'", name);
    return fail(ERR_USAGE, "no rule '%s'; did you mean '%s'?", name, names[nearest]);
}

static enum err override_rule(struct filter *f, const char *name, const char *value)
{
    uint32_t rule = 0;
    while (rule < RULE_N && strcmp(rule_row(rule)->name, name) != 0)
        rule++;
    const uint32_t line_rule = find_line_rule(name);
    if (rule == RULE_N && line_rule == LINE_RULE_N) return unknown_rule(name);
    const bool off = strcmp(value, "off") == 0;
    double threshold = 0;
    if (!off && !number_parse_f64(value, &threshold))
        return fail(ERR_USAGE, "%s=%s: the threshold is a number, or off", name, value);
    if (line_rule < LINE_RULE_N) {
        f->c4.asked[line_rule] = !off;
        if (!off) f->c4.thresholds[line_rule] = threshold;
        f->edits |= !off;
    } else if (off) {
        remove_rule(f, name);
    } else {
        put_rule(f, rule, threshold);
    }
    return OK;
}

static enum err apply_override(struct filter *f, const char *text, struct arena *a)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || equals[1] == '\0')
        return fail(ERR_USAGE, "'%s' is not rule=threshold", text);
    const char *name = arena_strndup(a, text, (size_t)(equals - text)), *value = equals + 1;
    if (strcmp(name, "language") == 0 && strcmp(value, "off") != 0) {
        put_rule(f, RULE_language, 1);
        return set_languages(f, value, a);
    }
    if (strcmp(name, "badwords") == 0) {
        put_rule(f, RULE_c4_bad_words, 0);
        return filter_badwords_open(value, a, &f->badwords);
    }
    return override_rule(f, name, value);
}

static void number_scores(struct filter *f)
{
    for (size_t i = 0; i < f->n_rules; i++) {
        enum score score = 0;
        while (strcmp(rule_score(score)->name, f->rules[i].score) != 0)
            score++;
        size_t k = 0;
        while (k < f->n_scores && f->scores[k] != score)
            k++;
        f->scores[k] = score;
        f->n_scores += k == f->n_scores;
        f->rules[i].score_idx = (uint32_t)k;
        f->measures |= 1u << rule_score(score)->measure;
    }
}

static void number_line_rules(struct filter *f)
{
    for (uint32_t i = 0; i < LINE_RULE_N; i++) {
        if (!f->edits || !f->c4.asked[i]) continue;
        const struct rule_row *row = rule_line_row(i);
        f->line_rule_of[f->n_line_rules] = i;
        f->line_rules[f->n_line_rules++] =
            (struct filter_rule){.name = row->name,
                                 .score = row->measured,
                                 .measures = row->measured,
                                 .costs = rule_measure_cost(MEASURE_C4),
                                 .comparison = rule_comparison_sign(row->comparison),
                                 .threshold = f->c4.thresholds[i],
                                 .reason = row->reason,
                                 .line = true};
    }
    if (f->edits) f->measures |= 1u << MEASURE_C4;
}

enum err filter_open(const struct filter_options *options, struct arena *arena, struct filter **out)
{
    const struct profile *profile = NULL;
    TRY(find_profile(options->profile, &profile));
    struct filter *f = ARENA_NEW(arena, struct filter);
    begin_profile(f, profile);
    TRY(set_languages(f, profile->languages, arena));
    for (size_t i = 0; i < options->n_overrides; i++)
        TRY(apply_override(f, options->overrides[i], arena));
    number_scores(f);
    number_line_rules(f);
    for (size_t i = 0; i < f->n_rules; i++)
        if (strcmp(f->rules[i].name, "c4_bad_words") == 0 && !f->badwords)
            return fail(ERR_USAGE, "c4_bad_words needs the list: badwords=FILE");
    f->characters = filter_characters_build(arena);
    f->words = words_build(f->characters, arena);
    *out = f;
    return OK;
}
