#include "shard/build/judge.h"

#include <math.h>
#include <string.h>

#include "shard/filter/language.h"
#include "shard/filter/pii.h"
#include "shard/read/reader_kind.h"

struct judge {
    struct judge_options options;
    struct filter *filter;
    struct language *language; // NULL: nobody asks for it
    struct url_rules *url_rules;
    bool has_url_lists;
};

struct judge_scratch {
    struct filter_scratch *filter;
};

// A document on its way: pieces may still change.
struct work {
    const struct judge *judge;
    struct judge_scratch *scratch;
    struct arena *a;
    struct document document;
    struct document_piece *pieces;
    struct judged *out;
    const char *verdict; // NULL = kept so far
};

enum err judge_open(const struct judge_options *o, struct arena *a, struct judge **out)
{
    struct judge *j = ARENA_NEW(a, struct judge);
    j->options = *o;
    TRY(filter_open(&o->filter, a, &j->filter));
    TRY(url_rules_open(o->url_lists, a, &j->url_rules));
    for (int i = 0; i < URL_LISTS; i++)
        j->has_url_lists = j->has_url_lists || o->url_lists[i];
    if (filter_n_rules(j->filter) || o->language_model)
        TRY(language_open(o->language_model, a, &j->language));
    *out = j;
    return OK;
}

const struct filter *judge_filter(const struct judge *j)
{
    return j->filter;
}

bool judge_has_languages(const struct judge *j)
{
    return j->language != NULL;
}

void judge_stages(const struct judge *j, struct funnel *f)
{
    funnel_add_row(f, "read");
    if (j->has_url_lists) funnel_add_row(f, "url");
    funnel_add_row(f, "extract");
    for (size_t i = 0; i < filter_n_rules(j->filter); i++)
        funnel_add_row(f, filter_rule(j->filter, i)->name);
    if (filter_n_line_rules(j->filter)) funnel_add_row(f, "lines");
    if (j->options.mask_pii) funnel_add_row(f, "pii");
    for (size_t i = 0; i < filter_n_line_rules(j->filter); i++)
        funnel_add_line_rule(f, filter_line_rule(j->filter, i)->name);
}

struct judge_scratch *judge_scratch_open(struct arena *a)
{
    struct judge_scratch *s = ARENA_NEW(a, struct judge_scratch);
    s->filter = filter_scratch_open(a);
    return s;
}

void judge_scratch_close(struct judge_scratch *s)
{
    if (s) filter_scratch_close(s->filter);
}

static uint64_t work_bytes(const struct work *w)
{
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < w->document.n_pieces; i++)
        n_bytes += w->pieces[i].bytes.n_bytes;
    return n_bytes;
}

static void enter(struct work *w)
{
    if (!w->verdict) funnel_trail_enter(&w->out->trail, work_bytes(w));
}

static void leave(struct work *w, bool changed)
{
    if (!w->verdict) funnel_trail_leave(&w->out->trail, work_bytes(w), changed);
}

// The first rule that drops a document is its verdict.
static void drop(struct work *w, const char *rule)
{
    if (!w->verdict) w->verdict = rule;
}

static bool given_up(const struct work *w)
{
    return w->verdict && !w->judge->options.keep_dropped;
}

static enum err read_document(struct work *w, const struct reader_record *record)
{
    funnel_trail_enter(&w->out->trail, record->raw.n_bytes);
    TRY(reader_document(record, w->a, &w->document));
    const size_t n = w->document.n_pieces;
    w->pieces = ARENA_ARRAY(w->a, struct document_piece, n);
    if (n) memcpy(w->pieces, w->document.pieces, n * sizeof *w->pieces);
    leave(w, false);
    return OK;
}

static void ask_address(struct work *w)
{
    if (!w->judge->has_url_lists) return;
    enter(w);
    const enum url_list list = url_rules_judge(w->judge->url_rules, w->document.url);
    if (list != URL_LISTS) drop(w, url_list_name(list));
    leave(w, false);
}

static enum err extract(struct work *w, const struct reader_record *record)
{
    enter(w);
    if (w->document.html && w->document.n_pieces) {
        const struct extract_options options = {.mode = w->judge->options.extract};
        const enum err e = extract_page(w->pieces[0].bytes, w->document.charset, &options, w->a,
                                        &w->pieces[0].bytes);
        if (e != OK) return reader_fail_at(record, e);
    }
    w->out->empty = work_bytes(w) == 0;
    if (!w->out->empty) leave(w, w->document.html);
    return OK;
}

static bool rules_apply(const struct work *w)
{
    return w->judge->language && w->document.n_pieces == 1 && w->pieces[0].kind == DOCUMENT_TEXT;
}

static void trace_rules(struct work *w, const struct filter_verdict *verdict)
{
    const struct filter *f = w->judge->filter;
    for (int i = 0; i < (int)filter_n_rules(f); i++) {
        enter(w);
        if (verdict && verdict->rule == i) drop(w, filter_rule(f, (size_t)i)->name);
        leave(w, false);
    }
}

static void keep_lines(struct work *w, const struct filter_verdict *verdict)
{
    const size_t n = filter_n_line_rules(w->judge->filter);
    if (n == 0) return;
    enter(w);
    for (size_t i = 0; verdict && i < n; i++)
        w->out->lines_dropped[i] = verdict->lines_dropped[i];
    const bool changed = verdict && w->pieces[0].bytes.n_bytes != verdict->text.n_bytes;
    if (changed) w->pieces[0].bytes = verdict->text;
    const bool empty = work_bytes(w) == 0; // no line is left
    w->out->empty = empty && !w->verdict;  // else a rule has it in its count
    if (!empty) leave(w, changed);
}

static enum err ask_rules(struct work *w)
{
    const struct judge *j = w->judge;
    const size_t n_scores = filter_n_scores(j->filter);
    float *scores = ARENA_ARRAY(w->a, float, n_scores);
    w->out->row.scores = scores;
    if (!rules_apply(w)) {
        for (size_t i = 0; i < n_scores; i++)
            scores[i] = NAN;
        trace_rules(w, NULL);
        keep_lines(w, NULL);
        return OK;
    }
    struct language_label *label = ARENA_NEW(w->a, struct language_label);
    language_detect(j->language, w->pieces[0].bytes, w->a, label);
    w->out->row.language = (struct span){(const uint8_t *)label->code, strlen(label->code)};
    const struct filter_page page = {
        .text = w->pieces[0].bytes, .language = label->code, .language_score = label->score};
    struct filter_verdict *verdict = ARENA_NEW(w->a, struct filter_verdict);
    TRY(filter_judge(j->filter, w->scratch->filter, &page, w->a, verdict));
    if (n_scores) memcpy(scores, verdict->scores, n_scores * sizeof *scores);
    trace_rules(w, verdict);
    keep_lines(w, verdict);
    return OK;
}

static void mask(struct work *w)
{
    if (!w->judge->options.mask_pii) return;
    struct pii_counts counts = {0};
    enter(w);
    for (size_t i = 0; i < w->document.n_pieces; i++) {
        struct document_piece *piece = &w->pieces[i];
        if (piece->kind == DOCUMENT_TEXT) piece->bytes = pii_mask(piece->bytes, w->a, &counts);
    }
    leave(w, counts.emails + counts.addresses > 0);
}

static void make_row(struct work *w, const struct reader_record *record)
{
    struct part_row *row = &w->out->row;
    const char *source = record->file->source;
    row->id = w->document.id;
    row->source = (struct span){(const uint8_t *)source, strlen(source)};
    row->url = w->document.url;
    if (w->verdict) row->verdict = (struct span){(const uint8_t *)w->verdict, strlen(w->verdict)};
    row->pieces = w->pieces;
    row->n_pieces = (uint32_t)w->document.n_pieces;
    for (size_t i = 0; i < w->document.n_pieces; i++) {
        if (w->pieces[i].kind == DOCUMENT_TEXT)
            row->text_bytes += (uint32_t)w->pieces[i].bytes.n_bytes;
    }
    w->out->has_row = true;
}

enum err judge_record(const struct judge *j, struct judge_scratch *s,
                      const struct reader_record *record, struct arena *a, struct judged *out)
{
    struct work w = {.judge = j, .scratch = s, .a = a, .out = out};
    memset(out, 0, sizeof *out);
    TRY(read_document(&w, record));
    ask_address(&w);
    if (given_up(&w)) return OK;
    TRY(extract(&w, record));
    if (out->empty) return OK;
    TRY(ask_rules(&w));
    if (work_bytes(&w) == 0 || given_up(&w)) return OK;
    mask(&w);
    if (work_bytes(&w) > UINT32_MAX / 4)
        return reader_fail_at(
            record, fail(ERR_DATA, "a document of %llu bytes", (unsigned long long)work_bytes(&w)));
    make_row(&w, record);
    return OK;
}
