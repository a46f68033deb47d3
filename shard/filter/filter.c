#include "shard/filter/filter.h"

#include <string.h>

#include "base/grow.h"
#include "base/size.h"
#include "shard/filter/filter_bytes.h"
#include "shard/filter/filter_grams.h"
#include "shard/filter/filter_lines.h"
#include "shard/filter/filter_repeats.h"
#include "shard/filter/filter_state.h"
#include "shard/filter/filter_text.h"
#include "shard/filter/filter_tokens.h"

_Static_assert((int)SCORE_N <= (int)FILTER_SCORE_LIMIT, "a verdict holds every score");
_Static_assert((int)LINE_RULE_N <= (int)FILTER_LINE_RULE_LIMIT,
               "a verdict holds every rule of lines");

struct filter_scratch {
    struct filter_tokens tokens;
    struct filter_grams grams;
    struct filter_set pieces; // lines and paragraphs
    struct filter_c4 c4;
    struct filter_badwords_scratch badwords;
    struct arena page; // a copy of a text that was not UTF-8
};

size_t filter_n_rules(const struct filter *f)
{
    return f->n_rules;
}

const struct filter_rule *filter_rule(const struct filter *f, size_t i)
{
    return &f->rules[i];
}

size_t filter_n_line_rules(const struct filter *f)
{
    return f->n_line_rules;
}

const struct filter_rule *filter_line_rule(const struct filter *f, size_t i)
{
    return &f->line_rules[i];
}

size_t filter_n_scores(const struct filter *f)
{
    return f->n_scores;
}

const char *filter_score_name(const struct filter *f, size_t i)
{
    return rule_score(f->scores[i])->name;
}

struct filter_scratch *filter_scratch_open(struct arena *arena)
{
    struct filter_scratch *s = ARENA_NEW(arena, struct filter_scratch);
    arena_init(&s->page, "filter page");
    return s;
}

void filter_scratch_close(struct filter_scratch *s)
{
    if (!s) return;
    arena_fini(&s->page);
    grow_free(s->badwords.lower);
    filter_c4_fini(&s->c4);
    filter_set_free(&s->pieces);
    filter_grams_fini(&s->grams);
    filter_tokens_fini(&s->tokens);
}

// A page on its way through the measures.
struct judge {
    const struct filter *f;
    struct filter_scratch *s;
    const struct filter_page *page;
    struct filter_text text;
    size_t next_word, next_line;             // of page->words
    uint64_t n_lines, n_bullets, n_ellipses; // str.splitlines'
    float *scores;                           // [SCORE_N]
};

static bool costs(const struct judge *j, enum measure measure)
{
    return j->f->measures >> measure & 1;
}

static float ratio(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (float)((double)part / (double)whole) : 0;
}

static bool language_allowed(const struct judge *j)
{
    const char *label = j->page->language ? j->page->language : "";
    bool allowed = j->f->n_languages == 0;
    for (size_t i = 0; i < j->f->n_languages; i++)
        allowed |= strcmp(j->f->languages[i], label) == 0;
    return allowed;
}

static enum err measure_repeats(struct judge *j)
{
    struct filter_repeats paragraphs, lines;
    struct filter_set *set = &j->s->pieces;
    TRY(filter_repeats_paragraphs(set, j->f->characters, &j->text, &paragraphs));
    TRY(filter_repeats_lines(set, &j->text, &lines));
    const uint64_t n = j->text.n_characters;
    float *scores = j->scores;
    scores[SCORE_duplicate_paragraphs] = ratio(paragraphs.n_duplicates, paragraphs.n_pieces);
    scores[SCORE_duplicate_paragraph_characters] = ratio(paragraphs.n_duplicate_characters, n);
    scores[SCORE_duplicate_lines] = ratio(lines.n_duplicates, lines.n_pieces);
    scores[SCORE_duplicate_line_characters] = ratio(lines.n_duplicate_characters, n);
    return OK;
}

// Characters of the text up to the last word that is kept: all of it unless it is very long.
static uint64_t gram_characters(const struct judge *j)
{
    const struct filter_tokens *t = &j->s->tokens;
    if (t->n_tokens == t->n_words) return j->text.n_characters;
    const struct span head = {j->text.bytes.data, (size_t)(t->tokens_end - j->text.bytes.data)};
    return filter_character_count(head);
}

static enum err measure_grams(struct judge *j)
{
    struct filter_gram_sums sums;
    TRY(filter_grams_measure(&j->s->grams, &j->s->tokens, &sums));
    const uint64_t n = gram_characters(j);
    for (size_t i = FILTER_TOP_MIN; i <= FILTER_TOP_MAX; i++)
        j->scores[SCORE_top_2_gram + (i - FILTER_TOP_MIN)] = ratio(sums.top[i], n);
    for (size_t i = FILTER_DUPLICATE_MIN; i <= FILTER_DUPLICATE_MAX; i++)
        j->scores[SCORE_duplicate_5_gram + (i - FILTER_DUPLICATE_MIN)] =
            ratio(sums.duplicate[i], n);
    return OK;
}

static const uint8_t ellipsis[3] = {0xE2, 0x80, 0xA6}, bullet[3] = {0xE2, 0x80, 0xA2};

static bool ends_in_ellipsis(struct span line)
{
    if (line.n_bytes < 3) return false;
    const uint8_t *last = line.data + line.n_bytes - 3;
    return memcmp(last, "...", 3) == 0 || memcmp(last, ellipsis, 3) == 0;
}

static void look_at_line(struct judge *j, struct span line)
{
    j->n_lines++;
    line = filter_character_strip(j->f->characters, line);
    if (line.n_bytes == 0) return;
    j->n_bullets += line.data[0] == '-' || (line.n_bytes >= 3 && memcmp(line.data, bullet, 3) == 0);
    j->n_ellipses += ends_in_ellipsis(line);
}

// How often needle (three bytes) stands in text, without overlap.
static uint64_t count_threes(struct span text, const void *needle)
{
    const uint8_t first = *(const uint8_t *)needle;
    uint64_t n = 0;
    const uint8_t *at = text.data, *end = text.data + text.n_bytes;
    while (end - at >= 3 && (at = memchr(at, first, (size_t)(end - at) - 2)) != NULL) {
        const bool found = memcmp(at, needle, 3) == 0;
        n += found;
        at += found ? 3 : 1;
    }
    return n;
}

static void measure_words(struct judge *j)
{
    const struct filter_tokens *t = &j->s->tokens;
    const struct span text = j->text.bytes;
    uint64_t n_ellipses = count_threes(text, "...");
    if (!j->text.ascii) n_ellipses += count_threes(text, ellipsis);
    uint32_t n_stop_words = 0;
    for (uint32_t bits = t->stop_words; bits != 0; bits &= bits - 1)
        n_stop_words++;
    float *scores = j->scores;
    scores[SCORE_words] = (float)t->n_solid;
    scores[SCORE_word_length] = ratio(t->n_solid_characters, t->n_solid);
    scores[SCORE_hashes] = ratio(filter_bytes_count(text, '#'), t->n_words);
    scores[SCORE_ellipses] = ratio(n_ellipses, t->n_words);
    scores[SCORE_bullet_lines] = ratio(j->n_bullets, j->n_lines);
    scores[SCORE_ellipsis_lines] = ratio(j->n_ellipses, j->n_lines);
    scores[SCORE_alphabetic_words] = ratio(t->n_alphabetic, t->n_words);
    scores[SCORE_stop_words] = (float)n_stop_words;
}

static enum err measure_left(struct judge *j)
{
    uint64_t n_words = j->s->tokens.n_words;
    struct filter_text left = j->text;
    if (j->f->edits) {
        left.bytes = filter_c4_text(&j->s->c4, j->f->characters);
        left.n_characters = left.ascii ? left.bytes.n_bytes : filter_character_count(left.bytes);
        n_words = j->s->c4.n_words;
    }
    struct filter_left sums;
    TRY(filter_repeats_left(&j->s->pieces, j->f->characters, &left, &sums));
    const uint64_t n_lines = sums.repeats.n_pieces;
    float *scores = j->scores;
    scores[SCORE_lines] = (float)n_lines;
    // Of no lines, none lacks its end: fineweb_empty is the rule that drops them.
    scores[SCORE_terminal_lines] = n_lines > 0 ? ratio(sums.n_terminal, n_lines) : 1;
    scores[SCORE_short_lines] = ratio(sums.n_short, n_lines);
    scores[SCORE_repeated_lines] =
        ratio(sums.repeats.n_duplicate_characters, left.n_characters - sums.n_newlines);
    scores[SCORE_newlines] = ratio(sums.n_newlines, n_words);
    return OK;
}

static bool cuts_character(struct span text, size_t at)
{
    return at < text.n_bytes && (text.data[at] & 0xC0) == 0x80;
}

// The words that begin in line, as the page gives them.
static enum err take_words(struct judge *j, struct span line, struct filter_line_sums *sums)
{
    const struct filter_words *w = j->page->words;
    const struct span text = j->text.bytes;
    const size_t line_end = (size_t)(line.data + line.n_bytes - text.data);
    for (; j->next_word < w->n_words && w->starts[j->next_word] < line_end; j->next_word++) {
        const uint32_t start = w->starts[j->next_word], end = w->ends[j->next_word];
        const uint32_t before = j->next_word > 0 ? w->ends[j->next_word - 1] : 0;
        if (start < before || end <= start || end > text.n_bytes || cuts_character(text, start) ||
            cuts_character(text, end))
            return fail(
                ERR_DATA,
                "word %zu: bytes %u to %u do not follow %u in a text of %zu, or cut a character",
                j->next_word, start, end, before, text.n_bytes);
        TRY(filter_tokens_take(&j->s->tokens, (struct span){text.data + start, end - start}));
    }
    if (j->next_line >= w->n_lines)
        return fail(ERR_DATA, "sentences of %zu lines are given, the text has more", w->n_lines);
    *sums = (struct filter_line_sums){w->line_words[j->next_line], w->line_sentences[j->next_line]};
    j->next_line++;
    return OK;
}

static enum err read_line(struct judge *j, struct span line)
{
    struct filter_line_sums sums;
    const bool given = j->page->words != NULL;
    if (given)
        TRY(take_words(j, line, &sums));
    else
        TRY(filter_tokens_read(&j->s->tokens, line, &sums));
    if (costs(j, MEASURE_WORDS)) look_at_line(j, line);
    if (costs(j, MEASURE_C4)) TRY(filter_c4_add(&j->s->c4, &j->s->tokens, line, sums, given));
    return OK;
}

static enum err read_lines(struct judge *j)
{
    filter_tokens_begin(&j->s->tokens);
    if (costs(j, MEASURE_C4)) TRY(filter_c4_begin(&j->s->c4, &j->f->c4, &j->text));
    struct filter_lines lines = filter_lines_begin(j->f->characters, j->text.bytes, j->text.ascii);
    for (struct span line; filter_lines_next(&lines, &line);)
        TRY(read_line(j, line));
    return OK;
}

static enum err measure_bad_words(struct judge *j)
{
    uint64_t n;
    TRY(filter_badwords_count(j->f->badwords, &j->s->badwords, j->f->characters, j->text.bytes,
                              j->page->language, &n));
    j->scores[SCORE_bad_words] = (float)n;
    return OK;
}

static enum err measure(struct judge *j)
{
    j->scores[SCORE_language_allowed] = language_allowed(j);
    j->scores[SCORE_language_score] = j->page->language_score;
    if (j->f->measures >> MEASURE_TEXT == 0) return OK;
    arena_reset(&j->s->page);
    j->text = filter_text_look(j->page->text, &j->s->page);
    if (j->text.copied && j->page->words)
        return fail(ERR_DATA, "words are given of a text that is not UTF-8");
    j->scores[SCORE_characters] = (float)j->text.n_characters;
    if (costs(j, MEASURE_REPEATS)) TRY(measure_repeats(j));
    if (j->f->measures >> MEASURE_GRAMS != 0) TRY(read_lines(j));
    if (costs(j, MEASURE_GRAMS)) TRY(measure_grams(j));
    if (costs(j, MEASURE_WORDS)) measure_words(j);
    if (costs(j, MEASURE_BAD)) TRY(measure_bad_words(j));
    if (costs(j, MEASURE_LINES)) TRY(measure_left(j));
    j->scores[SCORE_lorem_ipsum_lines] = (float)j->s->c4.n_lorem_ipsum;
    j->scores[SCORE_curly_bracket_lines] = (float)j->s->c4.n_curly_bracket;
    j->scores[SCORE_sentences] = (float)j->s->c4.n_sentences;
    return OK;
}

// The text as the lines' rules leave it: the page's own bytes if they are the same.
static struct span text_left(const struct judge *j, struct arena *arena)
{
    if (!j->f->edits) return j->page->text;
    const struct span left = filter_c4_text(&j->s->c4, j->f->characters);
    const struct span whole = j->page->text;
    if (left.n_bytes == whole.n_bytes &&
        (left.n_bytes == 0 || memcmp(left.data, whole.data, left.n_bytes) == 0))
        return whole;
    uint8_t *copy = ARENA_ARRAY(arena, uint8_t, left.n_bytes);
    if (left.n_bytes > 0) memcpy(copy, left.data, left.n_bytes);
    return (struct span){copy, left.n_bytes};
}

bool filter_rule_passes(const struct filter *f, size_t i, const float *scores)
{
    return rule_lets_through(f->comparisons[i], scores[f->rules[i].score_idx],
                             f->rules[i].threshold);
}

int filter_ask(const struct filter *f, const float *scores)
{
    for (size_t i = 0; i < f->n_rules; i++)
        if (!filter_rule_passes(f, i, scores)) return (int)i;
    return -1;
}

enum err filter_judge(const struct filter *f, struct filter_scratch *s,
                      const struct filter_page *page, struct arena *arena,
                      struct filter_verdict *out)
{
    float scores[SCORE_N] = {0};
    if (s->tokens.words != f->words) filter_tokens_use(&s->tokens, f->characters, f->words);
    struct judge j = {.f = f, .s = s, .page = page, .scores = scores};
    TRY(measure(&j));
    out->n_scores = (uint32_t)f->n_scores;
    for (size_t i = 0; i < f->n_scores; i++)
        out->scores[i] = scores[f->scores[i]];
    for (size_t i = 0; i < f->n_line_rules; i++)
        out->lines_dropped[i] = s->c4.n_dropped[f->line_rule_of[i]];
    out->text = text_left(&j, arena);
    out->rule = filter_ask(f, out->scores);
    return OK;
}
