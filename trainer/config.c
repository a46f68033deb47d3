#include "trainer/config.h"

#include <string.h>

#include "base/runfile.h"

#define AT(field) offsetof(struct config, field)
#define SOURCE(field)                                                                 \
    offsetof(struct config_source, field),                                            \
        .list_offset = AT(data.sources), .list_stride = sizeof(struct config_source), \
        .list_limit = CONFIG_SOURCES, .count_offset = AT(data.n_sources)
#define MIXTURE(field)                                                                 \
    offsetof(struct config_mixture, field),                                            \
        .list_offset = AT(data.mixture), .list_stride = sizeof(struct config_mixture), \
        .list_limit = CONFIG_EDITS, .count_offset = AT(data.n_mixture)
#define SKIP(field)                                                               \
    offsetof(struct config_skip, field),                                          \
        .list_offset = AT(data.skips), .list_stride = sizeof(struct config_skip), \
        .list_limit = CONFIG_EDITS, .count_offset = AT(data.n_skips)
#define PHASE(field)                                                           \
    offsetof(struct config_phase, field),                                      \
        .list_offset = AT(phases), .list_stride = sizeof(struct config_phase), \
        .list_limit = CONFIG_PHASES, .count_offset = AT(n_phases)

static const struct runfile_key keys[] = {
    {"model.layers", RUNFILE_U64, AT(model.n_layers), NULL, 1, 1024, .help = "decoder layers"},
    {"model.width", RUNFILE_U64, AT(model.width), NULL, 8, 1 << 20, .help = "residual stream width",
     .alias = "hidden_size"},
    {"model.heads", RUNFILE_U64, AT(model.n_heads), NULL, 1, 4096, .help = "query heads"},
    {"model.kv_heads", RUNFILE_U64, AT(model.n_kv_heads), "0", 0, 4096,
     .help = "key/value heads; 0 = as many as heads"},
    {"model.head_size", RUNFILE_U64, AT(model.head_size), "0", 0, 4096,
     .help = "0 = width / heads"},
    {"model.inner_width", RUNFILE_U64, AT(model.inner_width), "0", 0, 1 << 22,
     .help = "width inside the MLP; 0 = 4 x width", .alias = "intermediate_size"},
    {"model.vocabulary", RUNFILE_U64, AT(model.vocabulary), NULL, 2, 1 << 24,
     .help = "token ids; at least the tokenizer's", .alias = "vocab_size"},
    {"model.context", RUNFILE_U64, AT(model.context), "0", 0, 1 << 24,
     .help = "longest sequence positions are made for; 0 = train.sequence"},
    {"model.norm", RUNFILE_CHOICE, AT(model.norm), "rmsnorm", .choices = "rmsnorm layernorm",
     .help = "normalisation"},
    {"model.norm_eps", RUNFILE_F64, AT(model.norm_eps), "1e-5", 0, 1, .help = "inside its root"},
    {"model.positions", RUNFILE_CHOICE, AT(model.positions), "rope", .choices = "learned rope",
     .help = "how positions enter"},
    {"model.rope_base", RUNFILE_F64, AT(model.rope_base), "10000", 1, 1e9,
     .help = "base of the rotary angles", .alias = "rope_theta"},
    {"model.activation", RUNFILE_CHOICE, AT(model.activation), "silu",
     .choices = "gelu gelu_tanh silu relu2", .help = "inside the MLP"},
    {"model.gated", RUNFILE_BOOL, AT(model.gated), "true",
     .help = "gated MLP: activation(gate) * up"},
    {"model.bias", RUNFILE_BOOL, AT(model.bias), "false", .help = "biases in linears"},
    {"model.tied", RUNFILE_BOOL, AT(model.tied), "false", .help = "output matrix = embedding",
     .alias = "tie_word_embeddings"},
    {"model.softcap", RUNFILE_F64, AT(model.softcap), "0", 0, 1e6,
     .help = "cap of final logits; 0 = off"},
    {"model.init_std", RUNFILE_F64, AT(model.init_std), "0.02", 0, 10,
     .help = "standard deviation of initial matrices"},
    {"data.kind", RUNFILE_TEXT, AT(data.kind), "shards",
     .help = "shards, or random: uniform tokens without any data"},
    {"data.socket", RUNFILE_TEXT, AT(data.socket), "",
     .help = "datad's socket; empty = one of the run's own"},
    {"data.sources[].name", RUNFILE_TEXT, SOURCE(name), .fallback = NULL,
     .help = "name in reports"},
    {"data.sources[].path", RUNFILE_TEXT, SOURCE(path), .fallback = NULL,
     .help = "folder of shards"},
    {"data.sources[].weight", RUNFILE_F64, SOURCE(weight), .fallback = "1", .min = 0, .max = 1e9,
     .help = "share of tokens, relative"},
    {"data.sources[].filter", RUNFILE_TEXT, SOURCE(filter), .fallback = "",
     .help = "condition over its columns; empty = what the build kept"},
    {"data.mixture[].from_step", RUNFILE_U64, MIXTURE(from_step), .fallback = NULL, .min = 0,
     .max = 1e9, .help = "first step with these weights; before the first, the sources' own"},
    {"data.mixture[].weights", RUNFILE_TEXT, MIXTURE(weights), .fallback = NULL,
     .help = "name=weight words; sources not named have 0"},
    {"data.skip[].from_step", RUNFILE_U64, SKIP(from_step), .fallback = NULL, .min = 0, .max = 1e9,
     .help = "step before which rows are left out"},
    {"data.skip[].steps", RUNFILE_U64, SKIP(n_steps), .fallback = NULL, .min = 1, .max = 1e9,
     .help = "how many steps' rows are left out"},
    {"data.skip_documents", RUNFILE_TEXT, AT(data.skip_documents), "",
     .help = "file of documents left out, as weft data blame writes it"},
    {"data.packing", RUNFILE_CHOICE, AT(data.packing), "concat", .choices = "concat best-fit",
     .help = "documents end to end, or whole where they fit"},
    {"data.validation", RUNFILE_F64, AT(data.validation), "0.01", 0, 0.5,
     .help = "share of bins held out"},
    {"data.order", RUNFILE_CHOICE, AT(data.order), "shuffled", .choices = "shuffled sequential",
     .help = "order of rows"},
    {"data.window", RUNFILE_U64, AT(data.window_bins), "8", 1, 4096,
     .help = "bins whose rows are mixed"},
    {"data.prefetch", RUNFILE_U64, AT(data.prefetch), "16", 1, 64,
     .help = "batches datad makes ahead for a rank"},
    {"data.workers", RUNFILE_U64, AT(data.workers), "1", 1, 64, .help = "datad's threads"},
    {"data.cache", RUNFILE_U64, AT(data.cache_mib), "512", 1, 1 << 20,
     .help = "MiB of decoded tokens that datad keeps"},
    {"data.seed", RUNFILE_U64, AT(data.seed), "1", 0, 9e15, .help = "of the order"},
    {"train.steps", RUNFILE_U64, AT(train.n_steps), NULL, 1, 1e9, .help = "optimizer steps",
     .alias = "max_steps"},
    {"train.sequence", RUNFILE_U64, AT(train.sequence), NULL, 2, 1 << 24, .help = "tokens a row",
     .alias = "seq_len"},
    {"train.global_batch", RUNFILE_U64, AT(train.global_batch), NULL, 1, 1 << 24,
     .help = "rows a step, over all ranks", .alias = "batch_size"},
    {"train.micro_batch", RUNFILE_U64, AT(train.micro_batch), "1", 1, 1 << 16,
     .help = "rows a lane; must divide global_batch"},
    {"train.lockstep", RUNFILE_U64, AT(train.lockstep), "0", 0, 4096,
     .help = "lanes a rank runs at once; 0 = all of its lanes"},
    {"train.seed", RUNFILE_U64, AT(train.seed), "1", 0, 9e15, .help = "of the initial weights"},
    {"train.precision", RUNFILE_CHOICE, AT(train.precision), "bf16", .choices = "f32 bf16",
     .help = "of matrix inputs; master weights and sums are f32"},
    {"train.zero", RUNFILE_U64, AT(train.zero), "3", 0, 3,
     .help = "3 = parameters, gradients and optimizer sharded; 0 = whole on each rank"},
    {"train.recompute", RUNFILE_BOOL, AT(train.recompute), "false",
     .help = "recompute a layer's activations in backward"},
    {"train.lr", RUNFILE_F64, AT(train.lr), NULL, 0, 1e3, .help = "peak learning rate",
     .alias = "learning_rate"},
    {"train.min_lr_ratio", RUNFILE_F64, AT(train.min_lr_ratio), "0.1", 0, 1,
     .help = "final / peak learning rate"},
    {"train.warmup_steps", RUNFILE_U64, AT(train.warmup_steps), "0", 0, 1e9,
     .help = "linear warm-up"},
    {"train.schedule", RUNFILE_CHOICE, AT(train.schedule), "cosine",
     .choices = "constant linear cosine", .help = "after warm-up"},
    {"train.beta1", RUNFILE_F64, AT(train.beta1), "0.9", 0, 0.999999, .help = "AdamW"},
    {"train.beta2", RUNFILE_F64, AT(train.beta2), "0.95", 0, 0.999999, .help = "AdamW"},
    {"train.eps", RUNFILE_F64, AT(train.eps), "1e-8", 0, 1, .help = "AdamW"},
    {"train.weight_decay", RUNFILE_F64, AT(train.weight_decay), "0.1", 0, 10,
     .help = "decoupled; matrices only"},
    {"train.clip", RUNFILE_F64, AT(train.clip), "1.0", 0, 1e9,
     .help = "global gradient norm; 0 = off"},
    {"train.z_loss", RUNFILE_F64, AT(train.z_loss), "0", 0, 1,
     .help = "weight of (log Z)^2; 0 = off"},
    {"train.eval_every", RUNFILE_U64, AT(train.eval_every), "0", 0, 1e9,
     .help = "steps between validations; 0 = never"},
    {"train.eval_rows", RUNFILE_U64, AT(train.eval_rows), "16", 1, 1 << 24,
     .help = "rows a validation"},
    {"train.save_every", RUNFILE_U64, AT(train.save_every), "0", 0, 1e9,
     .help = "steps between checkpoints; 0 = only at the end"},
    {"train.keep", RUNFILE_U64, AT(train.keep), "2", 1, 1000, .help = "checkpoints kept"},
    {"train.threads", RUNFILE_U64, AT(train.n_threads), "0", 0, 1024,
     .help = "threads a rank; 0 = the cores of its share"},
    {"phases[].steps", RUNFILE_U64, PHASE(n_steps), .fallback = NULL, .min = 1, .max = 1e9,
     .help = "steps of a later phase"},
    {"phases[].sequence", RUNFILE_U64, PHASE(sequence), .fallback = NULL, .min = 2, .max = 1 << 24,
     .help = "tokens a row"},
    {"phases[].global_batch", RUNFILE_U64, PHASE(global_batch), .fallback = NULL, .min = 1,
     .max = 1 << 24, .help = "rows a step"},
    {"phases[].micro_batch", RUNFILE_U64, PHASE(micro_batch), .fallback = "1", .min = 1,
     .max = 1 << 16, .help = "rows a lane"},
};

static const struct runfile_table table = {keys, sizeof keys / sizeof keys[0]};

static void derive(struct config *c)
{
    struct config_model *m = &c->model;
    if (m->n_kv_heads == 0) m->n_kv_heads = m->n_heads;
    if (m->head_size == 0 && m->width % m->n_heads == 0) m->head_size = m->width / m->n_heads;
    if (m->inner_width == 0) m->inner_width = 4 * m->width;
    for (size_t i = 0; i <= c->n_phases; i++) {
        uint64_t sequence = config_of_phase(c, i).train.sequence;
        if (c->model.context < sequence) c->model.context = sequence;
    }
}

static enum err check_model(const char *path, const struct config_model *m)
{
    if (m->head_size == 0)
        return fail(ERR_CONFIG,
                    "%s: model.width %lu is not a multiple of model.heads %lu; set model.head_size",
                    path, m->width, m->n_heads);
    if (m->head_size % 8 != 0)
        return fail(ERR_CONFIG, "%s: head size %lu is not a multiple of 8", path, m->head_size);
    if (m->n_heads % m->n_kv_heads != 0)
        return fail(ERR_CONFIG, "%s: model.heads %lu is not a multiple of model.kv_heads %lu", path,
                    m->n_heads, m->n_kv_heads);
    return OK;
}

static enum err check_phase(const char *path, const struct config *phase)
{
    const struct config_train *t = &phase->train;
    if (t->global_batch % t->micro_batch != 0)
        return fail(
            ERR_CONFIG,
            "%s: train.global_batch %lu is not a multiple of train.micro_batch %lu: the step "
            "does not divide into lanes",
            path, t->global_batch, t->micro_batch);
    return OK;
}

static enum err check(const char *path, const struct config *c)
{
    TRY(check_model(path, &c->model));
    for (size_t i = 0; i <= c->n_phases; i++) {
        struct config phase = config_of_phase(c, i);
        TRY(check_phase(path, &phase));
    }
    if (c->train.zero != 0 && c->train.zero != 3)
        return fail(ERR_CONFIG, "%s: train.zero %lu: only 0 and 3 exist", path, c->train.zero);
    bool random = strcmp(c->data.kind, "random") == 0;
    if (!random && strcmp(c->data.kind, "shards") != 0)
        return fail(ERR_CONFIG, "%s: data.kind '%s': use shards or random", path, c->data.kind);
    if (!random && c->data.n_sources == 0 && c->data.socket[0] == '\0')
        return fail(ERR_CONFIG, "%s: data.sources is empty: name a folder of shards", path);
    return OK;
}

enum err config_read(const char *path, const char *const *overrides, size_t n_overrides,
                     struct arena *a, struct config *out)
{
    struct config c;
    memset(&c, 0, sizeof c);
    TRY(runfile_read(path, overrides, n_overrides, &table, a, &c));
    derive(&c);
    TRY(check(path, &c));
    *out = c;
    return OK;
}

enum err config_parse(const char *text, const char *name, struct arena *a, struct config *out)
{
    struct config c;
    memset(&c, 0, sizeof c);
    TRY(runfile_parse(text, strlen(text), name, NULL, 0, &table, a, &c));
    derive(&c);
    TRY(check(name, &c));
    *out = c;
    return OK;
}

char *config_print(const struct config *c, struct arena *a)
{
    return runfile_print(&table, c, a);
}

struct config config_of_phase(const struct config *c, size_t phase)
{
    struct config p = *c;
    if (phase > 0) {
        const struct config_phase *from = &c->phases[phase - 1];
        p.train.n_steps = from->n_steps;
        p.train.sequence = from->sequence;
        p.train.global_batch = from->global_batch;
        p.train.micro_batch = from->micro_batch;
    }
    return p;
}

uint64_t config_phase_first_step(const struct config *c, size_t phase)
{
    uint64_t step = 0;
    for (size_t i = 0; i < phase; i++)
        step += config_of_phase(c, i).train.n_steps;
    return step;
}

uint64_t config_total_steps(const struct config *c)
{
    return config_phase_first_step(c, c->n_phases + 1);
}

uint64_t config_tokens_before(const struct config *c, uint64_t step)
{
    uint64_t n_tokens = 0, first = 0;
    for (size_t i = 0; i <= c->n_phases && first < step; i++) {
        const struct config phase = config_of_phase(c, i);
        const uint64_t last = first + phase.train.n_steps;
        const uint64_t end = i == c->n_phases || step < last ? step : last;
        n_tokens += (end - first) * phase.train.global_batch * phase.train.sequence;
        first = last;
    }
    return n_tokens;
}

uint64_t config_phase_first_row(const struct config *c, size_t phase)
{
    const uint64_t sequence = config_of_phase(c, phase).train.sequence;
    const uint64_t n_tokens = config_tokens_before(c, config_phase_first_step(c, phase));
    return (n_tokens + sequence - 1) / sequence;
}

size_t config_phase_of_step(const struct config *c, uint64_t step)
{
    size_t phase = 0;
    while (phase < c->n_phases && step >= config_phase_first_step(c, phase + 1))
        phase++;
    return phase;
}

uint64_t config_step_lanes(const struct config *c)
{
    return c->train.global_batch / c->train.micro_batch;
}

uint64_t config_eval_lanes(const struct config *c)
{
    uint64_t lanes = c->train.eval_rows / c->train.micro_batch;
    return lanes > 0 ? lanes : 1;
}
