#include "datad/synthetic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/span.h"
#include "datad/batch.h"
#include "datad/batch_images.h"
#include "datad/field.h"

#define PREFIX "random:"

struct synthetic {
    struct batch_shape shape;
    struct batch_layout layout;
    struct client_info info;
    uint64_t key;
    uint8_t *slots;
};

bool synthetic_named(const char *socket)
{
    return strncmp(socket, PREFIX, strlen(PREFIX)) == 0;
}

static enum err parse_vocabulary(const char *socket, uint32_t *out)
{
    const char *text = socket + strlen(PREFIX);
    char *end;
    errno = 0;
    const unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || n < 1 || n > INT32_MAX)
        return fail(ERR_CONFIG, "%s: the vocabulary must be a number from 1 to %d", socket,
                    INT32_MAX);
    *out = (uint32_t)n;
    return OK;
}

static struct hash128 hash_of(const struct client_options *o, uint32_t vocabulary)
{
    uint8_t data[64];
    struct field_writer w = {data};
    field_put_text(&w, PREFIX, strlen(PREFIX));
    field_put(&w, vocabulary, 8);
    field_put(&w, o->seed, 8);
    field_put(&w, o->sequence, 8);
    field_put(&w, hash_xxh3(o->split, strlen(o->split), 0), 8);
    return hash_xxh3_128(data, (size_t)(w.at - data));
}

enum err synthetic_open(const struct client_options *o, struct arena *a, struct synthetic **out)
{
    struct synthetic *s = ARENA_NEW(a, struct synthetic);
    uint32_t vocabulary;
    TRY(parse_vocabulary(o->socket, &vocabulary));
    s->shape = (struct batch_shape){.T = o->sequence,
                                    .lane_rows = o->lane_rows,
                                    .step_lanes = o->step_lanes,
                                    .first_step = o->first_step,
                                    .first_row = o->first_row};
    TRY(batch_check_shape(&s->shape));
    const struct images_rule no_images = {0};
    TRY(batch_layout_build(&s->shape, o->arrays, &s->layout));
    TRY(batch_images_layout(&no_images, &s->shape, o->arrays, &s->layout));
    s->key = rng_u64(rng_key(o->seed, "datad.random"), 0, hash_xxh3(o->split, strlen(o->split), 0));
    s->info = (struct client_info){.stream_hash = hash_of(o, vocabulary),
                                   .vocabulary = vocabulary,
                                   .end_of_text = vocabulary - 1,
                                   .n_rows = UINT64_MAX / o->sequence,
                                   .n_tokens = UINT64_MAX / o->sequence * o->sequence};
    void *slots = mmap(NULL, s->layout.slot_bytes * CLIENT_WINDOW, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED) return fail(ERR_MEMORY, "random batches: %s", strerror(errno));
    s->slots = slots;
    *out = s;
    return OK;
}

void synthetic_close(struct synthetic *s)
{
    munmap(s->slots, s->layout.slot_bytes * CLIENT_WINDOW);
}

const struct client_info *synthetic_info(const struct synthetic *s)
{
    return &s->info;
}

static int32_t token_at(const struct synthetic *s, uint64_t position, uint64_t i)
{
    return (int32_t)(rng_u64(s->key, position, i) % s->info.vocabulary);
}

static void fill_row(const struct synthetic *s, uint64_t position, const struct pack_row *row)
{
    const uint64_t T = s->shape.T;
    int32_t token = token_at(s, position, 0);
    for (uint64_t i = 0; i < T; i++) {
        const bool is_last = i + 1 == T;
        const int32_t next = is_last ? 0 : token_at(s, position, i + 1);
        if (row->tokens != NULL) row->tokens[i] = token;
        if (row->targets != NULL) row->targets[i] = next;
        if (row->mask != NULL) row->mask[i] = is_last ? 0.0F : 1.0F;
        if (row->positions != NULL) row->positions[i] = (int32_t)i;
        if (row->document_start != NULL) row->document_start[i] = 0;
        token = next;
    }
}

static void describe(const struct synthetic *s, const uint8_t *slot, struct batch *b)
{
    b->n_arrays = s->layout.n_fields;
    for (size_t i = 0; i < s->layout.n_fields; i++) {
        const struct batch_field *f = &s->layout.fields[i];
        b->arrays[i] = (struct batch_array){.dtype = f->dtype,
                                            .capacity = f->capacity,
                                            .count = f->capacity,
                                            .data = slot + f->offset};
        memcpy(b->arrays[i].name, f->name, sizeof f->name);
    }
}

enum err synthetic_fill(struct synthetic *s, uint64_t step, uint64_t lane, size_t slot,
                        struct batch *out)
{
    struct range lane_positions, step_positions;
    TRY(batch_positions(&s->shape, step, lane, &lane_positions, &step_positions));
    uint8_t *data = s->slots + slot * s->layout.slot_bytes;
    const struct pack_row rows = batch_rows(&s->layout, data);
    for (uint64_t i = 0; i < s->shape.lane_rows; i++) {
        const struct pack_row row = pack_row_behind(&rows, i * s->shape.T);
        fill_row(s, lane_positions.first + i, &row);
    }
    const uint64_t row_loss = s->shape.T - 1;
    *out = (struct batch){.step = step,
                          .lane = lane,
                          .loss_tokens = row_loss * s->shape.lane_rows,
                          .history = s->info.stream_hash,
                          .step_loss_tokens = row_loss * s->shape.lane_rows * s->shape.step_lanes,
                          .slot = slot};
    describe(s, data, out);
    return OK;
}
