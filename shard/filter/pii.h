#pragma once
// Masks personal data: e-mail addresses and public IPv4 addresses become dummies, in turn, as
// datatrove's PIIFormatter does (FineWeb). A pure function of the text: the dummies begin anew with
// each document, so that the bytes do not depend on which thread or rank did what before.

#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct pii_counts {
    uint64_t emails, addresses;
};

/// The masked text in a, or text itself when nothing was found; adds to counts. Linear time.
/// Thread-safe. Can't fail.
struct span pii_mask(struct span text, struct arena *a, struct pii_counts *counts);
