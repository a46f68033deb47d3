#pragma once
// A whole tiny decoder with random parameters and a random batch, for tests of models.

#include "tests/trainer/decoder_cases.h"
#include "tests/trainer/graph_executor.h"

static inline int model_case_tensor(const struct graph *g, const char *name)
{
    for (int t = 0; t < g->n_tensors; t++)
        if (strcmp(g->tensors[t].name, name) == 0) return t;
    return TENSOR_NONE;
}

/// Parameters of a name get the same values (exact in bf16) in every graph of the same
/// configuration; gains around 1.
static inline void model_case_fill_parameters(struct executor *e, uint64_t seed)
{
    for (int p = 0; p < e->g->n_parameters; p++) {
        const struct parameter *parameter = &e->g->parameters[p];
        uint64_t key = rng_key(seed, parameter->name);
        double center = parameter->init == INIT_ONES ? 1 : 0;
        for (size_t i = 0; i < parameter->n_elems; i++) {
            double value = center + 0.3 * (2 * (double)rng_uniform(key, 0, i) - 1);
            executor_set(e, parameter->tensor, 0, i,
                         (double)bf16_to_f32(bf16_from_f32((float)value)));
        }
    }
    executor_fill_angles(e);
}

static inline void model_case_fill_batch(struct executor *e, uint64_t seed, size_t vocabulary)
{
    const struct graph *g = e->g;
    executor_fill_index(e, model_case_tensor(g, "tokens"), seed, vocabulary);
    executor_fill_index(e, model_case_tensor(g, "targets"), seed, vocabulary);
    int mask = model_case_tensor(g, "mask"), scale = model_case_tensor(g, "loss_scale");
    for (size_t lane = 0; lane < e->n_lanes; lane++) {
        for (size_t i = 0; i < graph_elems(g, mask); i++)
            executor_set(e, mask, lane, i, i % 5 == 3 ? 0 : 1);
        if (scale >= 0) executor_set(e, scale, lane, 0, 0.25);
    }
    executor_fill_documents(e, model_case_tensor(g, "positions"),
                            model_case_tensor(g, "document_start"), seed);
}
