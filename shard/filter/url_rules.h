#pragma once
// Drops pages by their address, as datatrove's URLFilter does: lists of domains, addresses and
// words, one entry a line, lines that begin with # left out. weft brings no list of its own.

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

// One row a list: name of the option and of the rule, what it holds.
#define URL_LIST_TABLE(X)                                                      \
    X(URL_DOMAINS, "url-domains", "hosts, and domains with all their hosts")   \
    X(URL_ADDRESSES, "url-addresses", "whole addresses")                       \
    X(URL_WORDS, "url-words", "words of an address; one is enough")            \
    X(URL_SOFT_WORDS, "url-soft-words", "words of an address; two are enough") \
    X(URL_SUBWORDS, "url-subwords", "letters and digits anywhere in an address")

enum url_list {
#define X(list, name, text) list,
    URL_LIST_TABLE(X)
#undef X
        URL_LISTS
};

struct url_rules;

/// "url-domains", and what the list holds. Can't fail.
const char *url_list_name(enum url_list list);
const char *url_list_text(enum url_list list);

/// paths[list] NULL = no such list; all NULL gives rules that drop nothing. The rules live in a.
/// Errors: ERR_IO, ERR_DATA (a list larger than 1 GiB).
enum err url_rules_open(const char *const paths[URL_LISTS], struct arena *a,
                        struct url_rules **out) MUST_CHECK;
/// The list that drops url, or URL_LISTS when it may stay. Thread-safe. Can't fail.
enum url_list url_rules_judge(const struct url_rules *r, struct span url);
