// A batch from its rows: texts, then images, then the header.

#include <stdio.h>

#include "datad/batch.h"
#include "datad/batch_images.h"

static enum err fill(struct stream *stream, const struct batch_shape *shape,
                     const struct batch_layout *layout, uint8_t *slot, struct batch_header *h,
                     uint64_t *n_lost_images)
{
    struct range lane_positions, step_positions;
    TRY(batch_positions(shape, h->step, h->lane, &lane_positions, &step_positions));
    const struct pack_row out = batch_rows(layout, slot);
    TRY(stream_fill(stream, lane_positions, &out, &h->loss_tokens));
    for (size_t i = 0; i < layout->n_fields; i++)
        h->counts[i] = layout->fields[i].capacity;
    TRY(batch_images_fill(stream, layout, lane_positions, slot, h->counts, n_lost_images));
    h->history = stream_history(stream, step_positions.last);
    h->step_loss_tokens = h->loss_tokens; // of a step of one lane
    if (shape->step_lanes == 1) return OK;
    return stream_loss_tokens(stream, step_positions, &h->step_loss_tokens);
}

struct batch_outcome batch_assemble(struct stream *stream, const struct batch_shape *shape,
                                    const struct batch_layout *layout, uint64_t step, uint64_t lane,
                                    uint8_t *slot)
{
    struct batch_header h = {.step = step, .lane = lane};
    struct batch_outcome made = {.n_tokens = shape->lane_rows * shape->T};
    h.err = fill(stream, shape, layout, slot, &h, &made.n_lost_images);
    if (h.err != OK) snprintf(h.line, sizeof h.line, "%s", err_line());
    batch_header_encode(&h, slot);
    made.err = h.err;
    made.loss_tokens = h.loss_tokens;
    return made;
}
