#include "shard/filter/filter_c4.h"

#include <string.h>

#include "base/ascii.h"
#include "base/grow.h"

// A phrase in lower case and the letter in it that is rarest in English, which is looked for first.
struct phrase {
    const char *text;
    size_t rare;
};

static const struct phrase javascript = {"javascript", 0};
static const struct phrase lorem_ipsum = {"lorem ipsum", 7};
static const struct phrase policies[] = {{"terms of use", 7},    {"privacy policy", 3},
                                         {"cookie policy", 3},   {"uses cookies", 8},
                                         {"use of cookies", 10}, {"use cookies", 7}};

static bool phrase_at(const uint8_t *text, const struct phrase *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ascii_lower(text[i]) != (uint8_t)p->text[i]) return false;
    return true;
}

static bool find_with(struct span text, const struct phrase *p, uint8_t rare)
{
    const size_t n = strlen(p->text);
    const uint8_t *at = text.data, *end = text.data + text.n_bytes;
    while ((at = memchr(at, rare, (size_t)(end - at))) != NULL) {
        const size_t before = (size_t)(at - text.data), behind = (size_t)(end - at);
        if (before >= p->rare && behind >= n - p->rare && phrase_at(at - p->rare, p, n))
            return true;
        at++;
    }
    return false;
}

static bool has_phrase(struct span text, const struct phrase *p)
{
    const uint8_t rare = (uint8_t)p->text[p->rare];
    return text.n_bytes > 0 &&
           (find_with(text, p, rare) || find_with(text, p, (uint8_t)(rare - ('a' - 'A'))));
}

static bool has_policy(struct span text)
{
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
        if (has_phrase(text, &policies[i])) return true;
    return false;
}

static bool has_byte(struct span text, uint8_t byte)
{
    return text.n_bytes > 0 && memchr(text.data, byte, text.n_bytes) != NULL;
}

enum err filter_c4_begin(struct filter_c4 *c, const struct filter_c4_rules *rules,
                         const struct filter_text *text)
{
    c->rules = rules;
    TRY(grow_array(&c->edited, &c->edited_capacity, text->bytes.n_bytes + 1, 1));
    c->n_edited_bytes = 0;
    c->n_words = c->n_sentences = c->n_lorem_ipsum = c->n_curly_bracket = 0;
    memset(c->n_dropped, 0, sizeof c->n_dropped);
    c->phrases = (struct filter_c4_phrases){.javascript = has_phrase(text->bytes, &javascript),
                                            .policy = has_policy(text->bytes),
                                            .lorem_ipsum = has_phrase(text->bytes, &lorem_ipsum),
                                            .curly_bracket = has_byte(text->bytes, '{'),
                                            .bracket = has_byte(text->bytes, '[')};
    return OK;
}

// Bytes of [edit], [citation needed], [] or [12] at d, 0 = none.
static size_t citation_bytes(const struct filter_characters *t, const uint8_t *d,
                             const uint8_t *end)
{
    static const char *const words[] = {"[edit]", "[citation needed]"};
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(end - d) >= n && memcmp(d, words[i], n) == 0) return n;
    }
    const uint8_t *at = d + 1;
    while (at < end && *at != ']') {
        const struct filter_character c = filter_character_at(t, at);
        if (!(c.classes & CHARACTER_DECIMAL)) return 0;
        at += c.n_bytes;
    }
    return at < end ? (size_t)(at + 1 - d) : 0;
}

// line without its citations: in c->line if there were any (*changed), else line itself.
static enum err remove_citations(struct filter_c4 *c, const struct filter_characters *t,
                                 struct span *line, bool *changed)
{
    *changed = false;
    if (!c->phrases.bracket || !has_byte(*line, '[')) return OK;
    TRY(grow_array(&c->line, &c->line_capacity, line->n_bytes, 1));
    const uint8_t *at = line->data, *end = line->data + line->n_bytes;
    size_t n = 0;
    while (at < end) {
        const size_t skipped = *at == '[' ? citation_bytes(t, at, end) : 0;
        if (skipped == 0) c->line[n++] = *at;
        at += skipped > 0 ? skipped : 1;
    }
    *changed = n != line->n_bytes;
    if (*changed) *line = (struct span){c->line, n};
    return OK;
}

// Words between spaces, counted up to `enough`, and the characters of the longest.
static void look_at_words(const struct filter_characters *t, struct span line, uint64_t enough,
                          uint64_t *n_words, uint64_t *longest)
{
    const uint8_t *at = line.data, *end = line.data + line.n_bytes;
    uint64_t n = 0, length = 0;
    *longest = 0;
    while (at < end && (n < enough || length > 0)) {
        const struct filter_character c = filter_character_at(t, at);
        at += c.n_bytes;
        if (c.classes & CHARACTER_SPACE) {
            length = 0;
            continue;
        }
        n += length++ == 0;
        if (*longest < length) *longest = length;
    }
    *n_words = n;
}

// Characters of the longest word; a short line needs no look.
static uint64_t longest_word(const struct filter_c4 *c, const struct filter_characters *t,
                             struct span line)
{
    uint64_t n_words, longest;
    if ((double)line.n_bytes <= c->rules->thresholds[LINE_RULE_c4_line_long_word])
        return line.n_bytes;
    look_at_words(t, line, UINT64_MAX, &n_words, &longest);
    return longest;
}

static uint64_t count_words(const struct filter_c4 *c, const struct filter_characters *t,
                            struct span line)
{
    const double enough = c->rules->thresholds[LINE_RULE_c4_line_words];
    uint64_t n_words, longest;
    look_at_words(t, line, enough < 1e9 ? (uint64_t)(enough + 1) : UINT64_MAX, &n_words, &longest);
    return n_words;
}

static bool ends_sentence(const struct filter_c4 *c, struct span line)
{
    if (line.n_bytes == 0) return false;
    const uint8_t last = line.data[line.n_bytes - 1];
    if (last == '\'') return !c->rules->tfds;
    if (last != '.' && last != '?' && last != '!' && last != '"') return false;
    return line.n_bytes < 3 || memcmp(line.data + line.n_bytes - 3, "...", 3) != 0;
}

// Asks one rule of lines; counts the line that it drops.
static bool drops(struct filter_c4 *c, enum line_rule rule, uint64_t measured)
{
    if (!c->rules->asked[rule] || rule_lets_through(rule_line_row(rule)->comparison,
                                                    (float)measured, c->rules->thresholds[rule]))
        return false;
    c->n_dropped[rule]++;
    return true;
}

static void keep(struct filter_c4 *c, struct span line, struct filter_line_sums sums)
{
    memcpy(c->edited + c->n_edited_bytes, line.data, line.n_bytes);
    c->n_edited_bytes += line.n_bytes;
    c->edited[c->n_edited_bytes++] = '\n';
    c->n_words += sums.n_words;
    c->n_sentences += sums.n_sentences;
}

enum err filter_c4_add(struct filter_c4 *c, const struct filter_tokens *t, struct span line,
                       struct filter_line_sums sums, bool exact)
{
    bool changed;
    line = filter_character_strip(t->characters, line);
    if (drops(c, LINE_RULE_c4_line_long_word, longest_word(c, t->characters, line))) return OK;
    struct span counted = line;
    TRY(remove_citations(c, t->characters, &line, &changed));
    if (c->rules->tfds) counted = line;
    if (drops(c, LINE_RULE_c4_line_end, ends_sentence(c, line))) return OK;
    if (drops(c, LINE_RULE_c4_line_words, count_words(c, t->characters, counted))) return OK;
    // A citation that goes may join a phrase that the text did not have.
    const struct filter_c4_phrases *has = &c->phrases;
    c->n_lorem_ipsum += (has->lorem_ipsum || changed) && has_phrase(line, &lorem_ipsum);
    if (drops(c, LINE_RULE_c4_line_javascript,
              (has->javascript || changed) && has_phrase(line, &javascript)))
        return OK;
    c->n_curly_bracket += has->curly_bracket && has_byte(line, '{');
    if (drops(c, LINE_RULE_c4_line_policy, (has->policy || changed) && has_policy(line))) return OK;
    if (changed && !exact) TRY(filter_tokens_count(t, line, &sums));
    keep(c, line, sums);
    return OK;
}

struct span filter_c4_text(const struct filter_c4 *c, const struct filter_characters *t)
{
    return filter_character_strip(t, (struct span){c->edited, c->n_edited_bytes});
}

void filter_c4_fini(struct filter_c4 *c)
{
    grow_free(c->line);
    grow_free(c->edited);
    c->line = c->edited = NULL;
}
