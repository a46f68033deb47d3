#pragma once
// Any bytes as a text for the filters, and what must hold of every verdict. The first byte says
// which profile, the second whether words come with the text.

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "shard/filter/filter.h"

enum { DEVOUR_WORD_LIMIT = 256, DEVOUR_PROFILES = 6 };

struct devour {
    struct arena a, page;
    struct filter *filters[DEVOUR_PROFILES];
    struct filter_scratch *scratch;
};

static void devour_begin(struct devour *d)
{
    arena_init(&d->a, "devour");
    arena_init(&d->page, "devour page");
    for (size_t i = 0; i < DEVOUR_PROFILES; i++) {
        const struct filter_options options = {.profile = filter_profile_name(i)};
        ASSERT(filter_open(&options, &d->a, &d->filters[i]) == OK);
    }
    d->scratch = filter_scratch_open(&d->a);
}

__attribute__((unused)) static void devour_end(struct devour *d)
{
    filter_scratch_close(d->scratch);
    arena_fini(&d->page);
    arena_fini(&d->a);
}

static void devour_check(const struct filter *f, const struct filter_page *page,
                         const struct filter_verdict *v)
{
    ASSERT(v->n_scores == filter_n_scores(f));
    ASSERT(v->rule >= -1 && v->rule < (int)filter_n_rules(f));
    ASSERT(v->rule == filter_ask(f, v->scores));
    for (size_t i = 0; i < v->n_scores; i++)
        ASSERT(isfinite(v->scores[i]) && v->scores[i] >= 0);
    // Each byte that is not UTF-8 may have become the three of U+FFFD.
    ASSERT(v->text.n_bytes <= page->text.n_bytes * 3);
    if (filter_n_line_rules(f) == 0) ASSERT(v->text.data == page->text.data);
}

static void devour_text(struct devour *d, const uint8_t *data, size_t n_bytes)
{
    if (n_bytes < 2) return;
    const struct filter *f = d->filters[data[0] % DEVOUR_PROFILES];
    const size_t n_given = data[1] % DEVOUR_WORD_LIMIT;
    uint32_t starts[DEVOUR_WORD_LIMIT], ends[DEVOUR_WORD_LIMIT], ones[DEVOUR_WORD_LIMIT];
    struct filter_words words = {starts, ends, 0, ones, ones, DEVOUR_WORD_LIMIT};
    struct filter_page page = {{data + 2, n_bytes - 2}, "en", 1, NULL};
    if (n_given % 4 == 3) page.words = &words;
    for (size_t at = 0; words.n_words < n_given && at + 1 < page.text.n_bytes; words.n_words++) {
        starts[words.n_words] = (uint32_t)at;
        at += page.text.data[at] % 16;
        ends[words.n_words] = (uint32_t)at;
        if (at < page.text.n_bytes) at += page.text.data[at] % 3;
    }
    for (size_t i = 0; i < DEVOUR_WORD_LIMIT; i++)
        ones[i] = 1;
    struct filter_verdict v;
    const enum err e = filter_judge(f, d->scratch, &page, &d->page, &v);
    ASSERT(e == OK || (e == ERR_DATA && page.words));
    if (e == OK) devour_check(f, &page, &v);
    arena_reset(&d->page);
}
