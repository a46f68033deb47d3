#pragma once
// The run file: what a person writes and what every figure of a run follows from. One row a key in
// config.c. Derived numbers (lanes a step, tokens a step) are computed here and nowhere else.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum config_norm { CONFIG_RMSNORM, CONFIG_LAYERNORM };
enum config_positions { CONFIG_LEARNED, CONFIG_ROPE };
enum config_precision { CONFIG_F32, CONFIG_BF16 };
enum config_schedule { CONFIG_CONSTANT, CONFIG_LINEAR, CONFIG_COSINE };
enum config_order { CONFIG_SHUFFLED, CONFIG_SEQUENTIAL };

enum { CONFIG_SOURCES = 64, CONFIG_PHASES = 8, CONFIG_EDITS = 64 };

struct config_model {
    uint64_t n_layers, width, n_heads, n_kv_heads, head_size, inner_width, vocabulary, context;
    int norm, positions, activation; // activation: enum activation, in its order
    double rope_base, norm_eps, init_std, softcap;
    bool gated, bias, tied;
};

struct config_source {
    const char *name, *path;
    double weight;
    const char *filter; // "" = what the build kept
};

// Edits of the data over the run's steps; datad knows them by tokens (datad/datad_config.h).
struct config_mixture {
    uint64_t from_step;
    const char *weights;
};

struct config_skip {
    uint64_t from_step, n_steps;
};

struct config_data {
    const char *kind;   // "shards" or "random"
    const char *socket; // "" = one in the run directory
    struct config_source sources[CONFIG_SOURCES];
    size_t n_sources;
    double validation;
    int order;   // enum config_order
    int packing; // datad's enum pack_rule
    struct config_mixture mixture[CONFIG_EDITS];
    struct config_skip skips[CONFIG_EDITS];
    size_t n_mixture, n_skips;
    const char *skip_documents; // file; "" = none
    uint64_t seed;
    uint64_t window_bins, prefetch, workers, cache_mib; // of the datad that a run starts
};

// Steps that share one graph and plan. A run has at least one.
struct config_phase {
    uint64_t n_steps, sequence, global_batch, micro_batch; // batches in rows
};

struct config_train {
    uint64_t n_steps, sequence, global_batch, micro_batch; // the first phase
    uint64_t seed, zero, lockstep, eval_every, eval_rows, save_every, keep;
    int precision, schedule;
    double lr, min_lr_ratio, beta1, beta2, eps, weight_decay, clip, z_loss;
    uint64_t warmup_steps;
    bool recompute;
    uint64_t n_threads; // per rank; 0 = all cores of its share
};

struct config {
    struct config_model model;
    struct config_data data;
    struct config_train train;
    struct config_phase phases[CONFIG_PHASES]; // after the first
    size_t n_phases;
};

/// Reads and checks a run file with overrides ("key=value"). Texts live in a. Errors: ERR_CONFIG
/// with file, line and what to do; ERR_IO when missing. Local.
enum err config_read(const char *path, const char *const *overrides, size_t n_overrides,
                     struct arena *a, struct config *out) MUST_CHECK;
/// As config_read, from text (a checkpoint's copy); name stands for the file in messages. Local.
enum err config_parse(const char *text, const char *name, struct arena *a,
                      struct config *out) MUST_CHECK;
/// The resolved run file: what config_read reads back to the same config. Local.
char *config_print(const struct config *c, struct arena *a);
/// Phase i as if it were the first: its own steps, sequence and batches. i <= n_phases. Local.
struct config config_of_phase(const struct config *c, size_t phase);
/// Steps of all phases, and the phase that a step belongs to. Local.
uint64_t config_total_steps(const struct config *c);
size_t config_phase_of_step(const struct config *c, uint64_t step);
uint64_t config_phase_first_step(const struct config *c, size_t phase);
/// Tokens (rows * sequence, padding included) of the steps before step; steps after the last are as
/// the last phase's. c is the whole run's. Local.
uint64_t config_tokens_before(const struct config *c, uint64_t step);
/// The run's row, counted in rows of the phase's sequence, with which the phase begins: its tokens
/// are behind. Local.
uint64_t config_phase_first_row(const struct config *c, size_t phase);
/// Lanes a step: global batch / micro batch. Local.
uint64_t config_step_lanes(const struct config *c);
/// Lanes of one evaluation: rows / micro batch, at least one. Local.
uint64_t config_eval_lanes(const struct config *c);
