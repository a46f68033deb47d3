#pragma once
// The profiles: which rules, in which order, with which thresholds where they are not the rule's
// own. A new profile is one list here.

#include <stdbool.h>
#include <stddef.h>

#include "shard/filter/rule.h"

struct profile_rule {
    enum rule rule;
    bool own_threshold;
    double threshold; // if own_threshold
};

struct profile {
    const char *name;
    const char *languages; // let through, with commas; "any"
    const struct profile_rule *rules;
    size_t n_rules;
    bool edits;                          // lines are dropped, citations removed
    bool off[LINE_RULE_N];               // rules of lines that it leaves out
    double line_thresholds[LINE_RULE_N]; // 0 = the rule's own
    // TFDS's code, unlike datatrove's: a line that ends in ' goes, words of a line are counted when
    // its citations are gone.
    bool tfds;
};

/// Profile i, NULL behind the last. Can't fail.
const struct profile *profile_row(size_t i);
