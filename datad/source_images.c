#include "datad/source_images.h"

#include <string.h>

#include "base/little.h"
#include "base/size.h"

// The source without placeholders, and what they add.
struct placed {
    struct source bare;
    struct images_rule rule;
    uint64_t *extra; // [n_bins] placeholders
};

uint64_t source_images_tokens(const struct images_rule *rule, const struct source_image *image)
{
    return (uint64_t)rule->tokens *
           image_recipe_pictures(rule->recipe, image->width, image->height);
}

// Everything of a bin that placeholders change.
struct bin_images {
    uint64_t n_documents, n_images;
    uint32_t *lengths; // [n_documents] without placeholders
    struct source_image *images;
};

static enum err check_images(const struct placed *p, uint64_t bin, const struct bin_images *b)
{
    for (uint64_t i = 0; i < b->n_images; i++) {
        const struct source_image *image = &b->images[i];
        if (image->document >= b->n_documents || image->offset > b->lengths[image->document])
            return fail(ERR_DATA, "source %s: bin %llu: image %llu is not within its document",
                        p->bare.name, (unsigned long long)bin, (unsigned long long)i);
    }
    return OK;
}

static enum err read_bin(const struct placed *p, uint64_t bin, struct arena *a,
                         struct bin_images *out)
{
    struct bin_images b = {.n_documents = source_bin(&p->bare, bin).n_documents};
    size_t n;
    b.lengths = ARENA_ARRAY(a, uint32_t, b.n_documents);
    TRY(p->bare.read_lengths(p->bare.context, bin, b.lengths));
    TRY(p->bare.read_images(p->bare.context, bin, a, &b.images, &n));
    b.n_images = n;
    TRY(check_images(p, bin, &b));
    *out = b;
    return OK;
}

static struct source_bin placed_bin(const void *context, uint64_t bin)
{
    const struct placed *p = context;
    struct source_bin b = source_bin(&p->bare, bin);
    b.n_tokens += p->extra[bin];
    b.n_pictures = p->extra[bin] / p->rule.tokens;
    return b;
}

static enum err add_lengths(const struct placed *p, uint64_t bin, struct arena *a, uint32_t *out)
{
    struct bin_images b;
    TRY(read_bin(p, bin, a, &b));
    memcpy(out, b.lengths, b.n_documents * sizeof *out);
    for (uint64_t i = 0; i < b.n_images; i++)
        out[b.images[i].document] += (uint32_t)source_images_tokens(&p->rule, &b.images[i]);
    return OK;
}

static enum err placed_lengths(const void *context, uint64_t bin, uint32_t *out)
{
    struct arena a;
    arena_init(&a, "images of a bin");
    const enum err e = add_lengths(context, bin, &a, out);
    arena_fini(&a);
    return e;
}

// Runs of a bin's tokens: each image's placeholders, and the document tokens before them.
typedef void (*run_fn)(void *context, uint64_t n_bare, uint64_t n_placeholders);

static void for_runs(const struct placed *p, const struct bin_images *b, run_fn run, void *context)
{
    uint64_t next = 0, done = 0, first = 0; // image; bare tokens that are behind; of this document
    for (uint64_t d = 0; d < b->n_documents; first += b->lengths[d++])
        for (; next < b->n_images && b->images[next].document == d; next++) {
            const uint64_t at = first + b->images[next].offset;
            run(context, at - done, source_images_tokens(&p->rule, &b->images[next]));
            done = at;
        }
    run(context, first - done, 0);
}

struct copying {
    const uint32_t *from;
    uint32_t *to;
    uint32_t placeholder;
};

static void copy_run(void *context, uint64_t n_bare, uint64_t n_placeholders)
{
    struct copying *c = context;
    memmove(c->to, c->from, n_bare * sizeof *c->to);
    c->from += n_bare;
    c->to += n_bare;
    for (uint64_t i = 0; i < n_placeholders; i++)
        *c->to++ = c->placeholder;
}

// Bare tokens are read to the end of out and moved forward: writing never overtakes reading.
static enum err add_tokens(const struct placed *p, uint64_t bin, struct arena *a, uint32_t *out)
{
    struct bin_images b;
    TRY(read_bin(p, bin, a, &b));
    uint32_t *bare = out + p->extra[bin];
    TRY(p->bare.read_tokens(p->bare.context, bin, bare));
    struct copying c = {bare, out, p->rule.placeholder};
    for_runs(p, &b, copy_run, &c);
    return OK;
}

static enum err placed_tokens(const void *context, uint64_t bin, uint32_t *out)
{
    struct arena a;
    arena_init(&a, "images of a bin");
    const enum err e = add_tokens(context, bin, &a, out);
    arena_fini(&a);
    return e;
}

struct marking {
    const uint64_t *bare; // NULL = all count
    uint64_t *bits;
    uint64_t from, to;
};

static void mark_run(void *context, uint64_t n_bare, uint64_t n_placeholders)
{
    struct marking *m = context;
    for (uint64_t i = 0; i < n_bare; i++, m->from++, m->to++)
        if (m->bare == NULL || (m->bare[m->from / 64] >> m->from % 64 & 1) != 0)
            m->bits[m->to / 64] |= UINT64_C(1) << m->to % 64;
    m->to += n_placeholders;
}

static enum err add_loss(const struct placed *p, uint64_t bin, struct arena *a, uint64_t *bits)
{
    struct bin_images b;
    TRY(read_bin(p, bin, a, &b));
    struct marking m = {.bits = bits};
    if (p->bare.read_loss != NULL) {
        uint64_t *bare =
            ARENA_ARRAY(a, uint64_t, size_ceil_div(source_bin(&p->bare, bin).n_tokens, 64));
        TRY(p->bare.read_loss(p->bare.context, bin, b.lengths, bare));
        m.bare = bare;
    }
    for_runs(p, &b, mark_run, &m);
    return OK;
}

static enum err placed_loss(const void *context, uint64_t bin, const uint32_t *lengths,
                            uint64_t *bits)
{
    (void)lengths;
    struct arena a;
    arena_init(&a, "images of a bin");
    const enum err e = add_loss(context, bin, &a, bits);
    arena_fini(&a);
    return e;
}

// Offsets count the placeholders of a document's images before.
static enum err placed_images(const void *context, uint64_t bin, struct arena *a,
                              struct source_image **out, size_t *n)
{
    const struct placed *p = context;
    TRY(p->bare.read_images(p->bare.context, bin, a, out, n));
    uint64_t before = 0;
    for (size_t i = 0; i < *n; i++) {
        struct source_image *image = &(*out)[i];
        if (i == 0 || image->document != image[-1].document) before = 0;
        image->offset += (uint32_t)before;
        before += source_images_tokens(&p->rule, image);
    }
    return OK;
}

static enum err placed_image(const void *context, uint64_t bin, uint64_t image, struct arena *a,
                             struct span *out)
{
    const struct placed *p = context;
    return p->bare.read_image(p->bare.context, bin, image, a, out);
}

struct beginning {
    uint64_t *bits;
    uint64_t at;
    uint32_t picture_tokens;
};

static void begin_run(void *context, uint64_t n_bare, uint64_t n_placeholders)
{
    struct beginning *b = context;
    b->at += n_bare;
    for (uint64_t i = 0; i < n_placeholders; i += b->picture_tokens)
        b->bits[(b->at + i) / 64] |= UINT64_C(1) << (b->at + i) % 64;
    b->at += n_placeholders;
}

static enum err placed_pictures(const void *context, uint64_t bin, uint64_t *bits)
{
    const struct placed *p = context;
    struct beginning begun = {.bits = bits, .picture_tokens = p->rule.tokens};
    struct bin_images b;
    struct arena a;
    arena_init(&a, "images of a bin");
    const enum err e = read_bin(p, bin, &a, &b);
    if (e == OK) for_runs(p, &b, begin_run, &begun);
    arena_fini(&a);
    return e;
}

static enum err placed_keep(const void *context, uint64_t bin, uint8_t *out)
{
    const struct placed *p = context;
    return p->bare.read_keep(p->bare.context, bin, out);
}

static enum err placed_name(const void *context, uint64_t bin, uint64_t document, struct arena *a,
                            struct source_document *out)
{
    const struct placed *p = context;
    return p->bare.read_name(p->bare.context, bin, document, a, out);
}

static void placed_close(void *context)
{
    struct placed *p = context;
    source_close(&p->bare);
}

static enum err count_extra(struct placed *p, uint64_t bin, struct arena *scratch)
{
    struct bin_images b;
    TRY(read_bin(p, bin, scratch, &b));
    for (uint64_t i = 0; i < b.n_images; i++)
        p->extra[bin] += source_images_tokens(&p->rule, &b.images[i]);
    return OK;
}

static enum err count_all(struct placed *p)
{
    struct arena scratch;
    arena_init(&scratch, "images of a source");
    enum err e = OK;
    for (uint64_t bin = 0; e == OK && bin < p->bare.n_bins; bin++) {
        e = count_extra(p, bin, &scratch);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    return e;
}

// What of the rule decides tokens and pictures.
static struct hash128 hash_rule(const struct images_rule *rule)
{
    uint8_t data[32];
    little_put_u64(data + 24, rule->max_pixels);
    little_put_u64(data + 16, rule->row_capacity);
    little_put_u64(data, (uint64_t)rule->placeholder << 32 | rule->tokens);
    little_put_u64(data + 8, hash_xxh3(rule->recipe->name, strlen(rule->recipe->name), 0));
    return hash_xxh3_128(data, sizeof data);
}

static void replace(struct placed *p, struct source *s)
{
    s->bin = placed_bin;
    s->read_lengths = placed_lengths;
    s->read_tokens = placed_tokens;
    s->read_loss = placed_loss;
    s->read_images = placed_images;
    s->read_image = placed_image;
    if (s->read_keep != NULL) s->read_keep = placed_keep;
    if (s->read_name != NULL) s->read_name = placed_name;
    if (s->close != NULL) s->close = placed_close;
    s->context = p;
    s->images_hash = hash_rule(&p->rule);
    s->read_pictures = placed_pictures;
    s->picture_tokens = p->rule.tokens;
    s->row_pictures = p->rule.row_capacity;
    for (uint64_t bin = 0; bin < s->n_bins; bin++) {
        const struct source_bin b = placed_bin(p, bin);
        s->max_bin_tokens = size_max(s->max_bin_tokens, b.n_tokens);
        s->max_bin_pictures = size_max(s->max_bin_pictures, b.n_pictures);
    }
}

enum err source_images_put(const struct images_rule *rule, struct arena *a, struct source *s)
{
    ASSERT(rule->recipe != NULL && rule->tokens >= 1);
    if (rule->placeholder >= s->vocabulary)
        return fail(ERR_CONFIG, "placeholder %u is outside the vocabulary of %u", rule->placeholder,
                    s->vocabulary);
    if (s->read_images == NULL) return OK;
    struct placed *p = ARENA_NEW(a, struct placed);
    *p = (struct placed){*s, *rule, ARENA_ARRAY(a, uint64_t, s->n_bins)};
    TRY(count_all(p));
    replace(p, s);
    return OK;
}
