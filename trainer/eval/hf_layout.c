#include "trainer/eval/hf_layout.h"

#include <string.h>

#include "trainer/kernel/rows.h"

// One of theirs, made of some of ours. # stands for the layer.
struct hf_tensor {
    const char *theirs;
    const char *ours[SAFETENSORS_SOURCES];
    bool transposed;
    bool untied; // only there when the output matrix is not the token table
};

// --- GPT-2 ---

static const struct hf_tensor gpt2_tensors[] = {
    {"transformer.wte.weight", .ours = {"embedding.token.weight"}},
    {"transformer.wpe.weight", .ours = {"embedding.position.weight"}},
    {"transformer.h.#.ln_1.weight", .ours = {"layers.#.attention_norm.gain"}},
    {"transformer.h.#.ln_1.bias", .ours = {"layers.#.attention_norm.bias"}},
    {"transformer.h.#.attn.c_attn.weight",
     .ours = {"layers.#.attention.q.weight", "layers.#.attention.k.weight",
              "layers.#.attention.v.weight"},
     .transposed = true},
    {"transformer.h.#.attn.c_attn.bias",
     .ours = {"layers.#.attention.q.bias", "layers.#.attention.k.bias",
              "layers.#.attention.v.bias"}},
    {"transformer.h.#.attn.c_proj.weight", .ours = {"layers.#.attention.o.weight"},
     .transposed = true},
    {"transformer.h.#.attn.c_proj.bias", .ours = {"layers.#.attention.o.bias"}},
    {"transformer.h.#.ln_2.weight", .ours = {"layers.#.mlp_norm.gain"}},
    {"transformer.h.#.ln_2.bias", .ours = {"layers.#.mlp_norm.bias"}},
    {"transformer.h.#.mlp.c_fc.weight", .ours = {"layers.#.mlp.up.weight"}, .transposed = true},
    {"transformer.h.#.mlp.c_fc.bias", .ours = {"layers.#.mlp.up.bias"}},
    {"transformer.h.#.mlp.c_proj.weight", .ours = {"layers.#.mlp.down.weight"}, .transposed = true},
    {"transformer.h.#.mlp.c_proj.bias", .ours = {"layers.#.mlp.down.bias"}},
    {"transformer.ln_f.weight", .ours = {"head.norm.gain"}},
    {"transformer.ln_f.bias", .ours = {"head.norm.bias"}},
};

static const char *gpt2_misfit(const struct config *c)
{
    const struct config_model *m = &c->model;
    if (m->norm != CONFIG_LAYERNORM) return "model.norm is not layernorm";
    if (m->positions != CONFIG_LEARNED) return "model.positions is not learned";
    if (m->activation != ACTIVATION_GELU_TANH) return "model.activation is not gelu_tanh";
    if (m->gated) return "model.gated is true";
    if (!m->bias) return "model.bias is false";
    if (!m->tied) return "model.tied is false";
    if (m->n_kv_heads != m->n_heads) return "model.kv_heads is not model.heads";
    if (m->head_size * m->n_heads != m->width) return "model.head_size is not width / heads";
    if (m->softcap != 0) return "model.softcap is not 0";
    return NULL;
}

static json_t *gpt2_config(const struct config *c)
{
    const struct config_model *m = &c->model;
    return json_pack("{s:[s] s:s s:I s:I s:I s:I s:I s:s s:f s:f s:f s:f s:b}", "architectures",
                     "GPT2LMHeadModel", "model_type", "gpt2", "n_positions", (json_int_t)m->context,
                     "n_embd", (json_int_t)m->width, "n_layer", (json_int_t)m->n_layers, "n_head",
                     (json_int_t)m->n_heads, "n_inner", (json_int_t)m->inner_width,
                     "activation_function", "gelu_new", "layer_norm_epsilon", m->norm_eps,
                     "resid_pdrop", 0.0, "embd_pdrop", 0.0, "attn_pdrop", 0.0, "scale_attn_weights",
                     1);
}

// --- Llama ---

static const struct hf_tensor llama_tensors[] = {
    {"model.embed_tokens.weight", .ours = {"embedding.token.weight"}},
    {"model.layers.#.input_layernorm.weight", .ours = {"layers.#.attention_norm.gain"}},
    {"model.layers.#.self_attn.q_proj.weight", .ours = {"layers.#.attention.q.weight"}},
    {"model.layers.#.self_attn.k_proj.weight", .ours = {"layers.#.attention.k.weight"}},
    {"model.layers.#.self_attn.v_proj.weight", .ours = {"layers.#.attention.v.weight"}},
    {"model.layers.#.self_attn.o_proj.weight", .ours = {"layers.#.attention.o.weight"}},
    {"model.layers.#.post_attention_layernorm.weight", .ours = {"layers.#.mlp_norm.gain"}},
    {"model.layers.#.mlp.gate_proj.weight", .ours = {"layers.#.mlp.gate.weight"}},
    {"model.layers.#.mlp.up_proj.weight", .ours = {"layers.#.mlp.up.weight"}},
    {"model.layers.#.mlp.down_proj.weight", .ours = {"layers.#.mlp.down.weight"}},
    {"model.norm.weight", .ours = {"head.norm.gain"}},
    {"lm_head.weight", .ours = {"head.output.weight"}, .untied = true},
};

static const char *llama_misfit(const struct config *c)
{
    const struct config_model *m = &c->model;
    if (m->norm != CONFIG_RMSNORM) return "model.norm is not rmsnorm";
    if (m->positions != CONFIG_ROPE) return "model.positions is not rope";
    if (m->activation != ACTIVATION_SILU) return "model.activation is not silu";
    if (!m->gated) return "model.gated is false";
    if (m->bias) return "model.bias is true";
    if (m->softcap != 0) return "model.softcap is not 0";
    return NULL;
}

static json_t *llama_config(const struct config *c)
{
    const struct config_model *m = &c->model;
    return json_pack("{s:[s] s:s s:I s:I s:I s:I s:I s:I s:I s:s s:f s:f s:b s:b s:f}",
                     "architectures", "LlamaForCausalLM", "model_type", "llama",
                     "max_position_embeddings", (json_int_t)m->context, "hidden_size",
                     (json_int_t)m->width, "intermediate_size", (json_int_t)m->inner_width,
                     "num_hidden_layers", (json_int_t)m->n_layers, "num_attention_heads",
                     (json_int_t)m->n_heads, "num_key_value_heads", (json_int_t)m->n_kv_heads,
                     "head_dim", (json_int_t)m->head_size, "hidden_act", "silu", "rms_norm_eps",
                     m->norm_eps, "rope_theta", m->rope_base, "attention_bias", 0, "mlp_bias", 0,
                     "attention_dropout", 0.0);
}

// --- both ---

#define ROWS(table) table, sizeof(table) / sizeof((table)[0])
static const struct hf_layout layouts[] = {
    {"gpt2", gpt2_misfit, gpt2_config, ROWS(gpt2_tensors)},
    {"llama", llama_misfit, llama_config, ROWS(llama_tensors)},
};

enum err hf_layout_of(const struct config *c, const struct hf_layout **out)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (layouts[i].misfit(c) == NULL) {
            *out = &layouts[i];
            return OK;
        }
    return fail(ERR_CONFIG,
                "transformers has no layout for this model: not gpt2 (%s), not llama (%s)",
                gpt2_misfit(c), llama_misfit(c));
}

// The template with the layer's number in place of #.
static char *expand(const char *template, uint64_t layer, struct arena *a)
{
    const char *mark = strchr(template, '#');
    if (mark == NULL) return arena_strdup(a, template);
    return arena_printf(a, "%.*s%lu%s", (int)(mark - template), template, layer, mark + 1);
}

// Matrices of n_rows x columns; vectors are one row when they stand side by side, one column else.
static enum err add_source(struct safetensors_entry *e, const struct weights *w, const char *name)
{
    size_t t;
    TRY(weights_find(w, name, &t));
    const struct checkpoint_tensor *ours = &w->model.tensors[t];
    uint64_t columns = ours->n_dims > 1 ? ours->dims[1] : 1;
    if (e->n_sources > 0 && (columns != e->columns || ours->n_dims != e->n_dims))
        return fail(ERR_INVARIANT, "%s does not go with the others of %s", name, e->name);
    e->n_dims = ours->n_dims;
    e->columns = columns;
    e->dims[1] = columns;
    e->dims[0] += ours->dims[0];
    e->rows[e->n_sources] = ours->dims[0];
    e->sources[e->n_sources++] = w->data[t];
    return OK;
}

static enum err make_entry(const struct hf_tensor *from, uint64_t layer, const struct weights *w,
                           struct arena *a, struct safetensors_entry *out)
{
    *out = (struct safetensors_entry){.name = expand(from->theirs, layer, a),
                                      .transposed = from->transposed};
    for (int s = 0; s < SAFETENSORS_SOURCES && from->ours[s] != NULL; s++)
        TRY(add_source(out, w, expand(from->ours[s], layer, a)));
    if (!out->transposed) return OK;
    uint64_t rows = out->dims[0];
    out->dims[0] = out->dims[1];
    out->dims[1] = rows;
    return OK;
}

enum err hf_layout_entries(const struct hf_layout *l, const struct config *c,
                           const struct weights *w, struct arena *a, struct safetensors_entry **out,
                           size_t *n_out)
{
    struct safetensors_entry *entries =
        ARENA_ARRAY(a, struct safetensors_entry, l->n_tensors * c->model.n_layers);
    size_t n = 0, n_sources = 0;
    for (size_t i = 0; i < l->n_tensors; i++) {
        const struct hf_tensor *from = &l->tensors[i];
        if (from->untied && c->model.tied) continue;
        uint64_t n_layers = strchr(from->theirs, '#') != NULL ? c->model.n_layers : 1;
        for (uint64_t layer = 0; layer < n_layers; layer++) {
            TRY(make_entry(from, layer, w, a, &entries[n]));
            n_sources += (size_t)entries[n++].n_sources;
        }
    }
    if (n_sources != w->model.n_tensors)
        return fail(ERR_INVARIANT, "%s holds %lu tensors, layout %s places %zu", w->checkpoint,
                    w->model.n_tensors, l->name, n_sources);
    *out = entries;
    *n_out = n;
    return OK;
}
