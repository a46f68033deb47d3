// {"instruction": "...", "steps": [{"observation": [0.1, ...], "action": [0.2, ...]}, ...]}: every
// step has the same numbers of numbers; "observation" may be missing.

#include "shard/read/json_shape.h"

#include <math.h>

bool json_trajectory_matches(const struct json_source *s)
{
    return json_is_array(json_object_get(s->root, "steps"));
}

static enum err take_numbers(const json_t *list, double *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *number = json_array_get(list, i);
        out[i] = json_number_value(number);
        if (!json_is_number(number) || !isfinite(out[i]))
            return fail(ERR_DATA, "number %zu of a step is no finite number", i);
    }
    return OK;
}

static enum err take_step(const json_t *step, struct trajectory *t, struct arena *a)
{
    const json_t *observation = json_object_get(step, "observation");
    const json_t *action = json_object_get(step, "action");
    const size_t n_observation = json_array_size(observation), n_action = json_array_size(action);
    if (!json_is_array(action) || (observation && !json_is_array(observation)))
        return fail(ERR_DATA, "a step without a list \"action\", or \"observation\" is no list");
    if (n_observation + n_action > BIN_EDGES_DIMENSION_LIMIT)
        return fail(ERR_DATA, "a step of %zu numbers, the limit is %d", n_observation + n_action,
                    BIN_EDGES_DIMENSION_LIMIT);
    if (t->n_steps == 0) {
        t->n_observation = (uint32_t)n_observation;
        t->n_action = (uint32_t)n_action;
    }
    if (n_observation != t->n_observation || n_action != t->n_action)
        return fail(ERR_DATA, "step %zu has other numbers of numbers than the first", t->n_steps);
    double *values = trajectory_step(t, a);
    TRY(take_numbers(observation, values));
    return take_numbers(action, values + n_observation);
}

enum err json_trajectory_take(const struct json_source *s, struct trajectory *out)
{
    const json_t *instruction = json_object_get(s->root, "instruction");
    const json_t *steps = json_object_get(s->root, "steps");
    *out = (struct trajectory){0};
    if (instruction && !json_is_string(instruction))
        return fail(ERR_DATA, "\"instruction\" is not a string");
    if (instruction) out->instruction = json_shape_string(s, instruction);
    for (size_t i = 0; i < json_array_size(steps); i++)
        TRY(take_step(json_array_get(steps, i), out, s->pieces->arena));
    return OK;
}

enum err json_trajectory_read(const struct json_source *s)
{
    struct trajectory t;
    TRY(json_trajectory_take(s, &t));
    return trajectory_pieces(&t, s->record->options->bin_edges, s->pieces);
}
