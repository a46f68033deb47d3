#pragma once
// How Hugging Face transformers names and lays out the models that weft trains: GPT-2's layout
// (fused attention input, matrices [inputs, outputs]) and Llama's (as ours; rotary halves are split
// as ours). A layout is a table: its name for each of our tensors, and its config.json.

#include <jansson.h>

#include "trainer/eval/safetensors.h"
#include "trainer/eval/weights.h"

struct hf_layout {
    const char *name; // "gpt2", "llama"
    const char *(*misfit)(
        const struct config *c); // NULL, or the first key that does not fit, as text
    json_t *(*config)(
        const struct config *c); // what is this layout's own in config.json; NULL without memory
    const struct hf_tensor *tensors;
    size_t n_tensors;
};

/// The layout of c's model. Local. Errors: ERR_CONFIG naming for each layout the key that does not
/// fit.
enum err hf_layout_of(const struct config *c, const struct hf_layout **out) MUST_CHECK;
/// The tensors of w in layout l, in a; they borrow w. Errors: ERR_INVARIANT when a tensor of w has
/// no place in it; ERR_DATA when one is missing.
enum err hf_layout_entries(const struct hf_layout *l, const struct config *c,
                           const struct weights *w, struct arena *a, struct safetensors_entry **out,
                           size_t *n_out) MUST_CHECK;
