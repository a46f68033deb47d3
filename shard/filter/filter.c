#include "shard/filter/filter.h"

#include <string.h>

#include "base/spell.h"

struct filter {
    const char *profile;
};

struct filter_scratch {
    size_t n_pages;
};

static const char *const profile_names[] = {"none"};

const char *filter_profile_name(size_t i)
{
    return i < sizeof profile_names / sizeof profile_names[0] ? profile_names[i] : NULL;
}

enum err filter_open(const struct filter_options *options, struct arena *arena, struct filter **out)
{
    struct filter *f = ARENA_NEW(arena, struct filter);
    f->profile = options->profile;
    *out = f;
    return OK;
}

size_t filter_n_rules(const struct filter *f)
{
    (void)f;
    return 0;
}

const struct filter_rule *filter_rule(const struct filter *f, size_t i)
{
    (void)f;
    (void)i;
    return NULL;
}

size_t filter_n_line_rules(const struct filter *f)
{
    (void)f;
    return 0;
}

const struct filter_rule *filter_line_rule(const struct filter *f, size_t i)
{
    (void)f;
    (void)i;
    return NULL;
}

size_t filter_n_scores(const struct filter *f)
{
    (void)f;
    return 0;
}

const char *filter_score_name(const struct filter *f, size_t i)
{
    (void)f;
    (void)i;
    return NULL;
}

struct filter_scratch *filter_scratch_open(struct arena *arena)
{
    return ARENA_NEW(arena, struct filter_scratch);
}

void filter_scratch_close(struct filter_scratch *s)
{
    (void)s;
}

enum err filter_judge(const struct filter *f, struct filter_scratch *s,
                      const struct filter_page *page, struct arena *arena,
                      struct filter_verdict *out)
{
    (void)f;
    (void)arena;
    s->n_pages++;
    *out = (struct filter_verdict){.rule = -1, .text = page->text};
    return OK;
}

int filter_ask(const struct filter *f, const float *scores)
{
    (void)f;
    (void)scores;
    return -1;
}
