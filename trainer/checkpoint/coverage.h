#pragma once
// Whether the pieces of a checkpoint's parts hold every element of every component once: what its
// checksums cannot say.

#include "trainer/checkpoint/checkpoint.h"
#include "trainer/checkpoint/part.h"

struct coverage {
    const char *folder; // for messages
    const struct checkpoint_model *model;
    struct arena *arena;
    struct part_piece *pieces;
    size_t n_pieces, capacity;
};

/// Borrows all. Local. Can't fail.
void coverage_begin(struct coverage *c, const char *folder, const struct checkpoint_model *model,
                    struct arena *a);
/// Local. Errors: ERR_DATA when the piece lies outside its tensor, or is of a component that this
/// has not.
enum err coverage_add(struct coverage *c, const struct part_piece *piece) MUST_CHECK;
/// After the last piece. Local. Errors: ERR_DATA naming the tensor whose elements are missing or
/// there twice.
enum err coverage_check(struct coverage *c) MUST_CHECK;
/// "master", "moment1", "moment2".
const char *coverage_component_name(uint32_t component);
