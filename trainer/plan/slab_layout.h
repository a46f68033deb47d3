#pragma once
// Offsets: where each value lies in the slab. Used by plan.c only.

#include "trainer/plan/plan.h"

/// Sets offset_bytes of every value and p->shared_bytes. Values of the whole run come first; the
/// values of each section share what follows, largest first, each at the lowest place where nothing
/// alive at the same time lies. Local.
void slab_layout_values(struct plan *p);
/// True when a and b may be alive at the same time. Local.
bool slab_layout_overlap_in_time(const struct value *a, const struct value *b);
