// A dropped document is several records: one with its hit, then its id, 16 bytes a record, so that
// they come in order to rank 0 however long the id is:
//
//     {document, 0, item, piece << 32 | offset}   {document, 1, bytes, bytes}   {document, 2, ...}

#include "shard/dedup/decontaminate_report.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/grow.h"
#include "base/size.h"
#include "base/text.h"
#include "shard/dedup/record_sort.h"
#include "shard/dedup/shuffle.h"
#include "shard/filter/filter_text.h"

enum {
    RECORD_WORDS = 4,
    ID_WORDS = 2, // of a record
    ID_RECORD_BYTES = ID_WORDS * sizeof(uint64_t),
    FLUSH_BYTES = 1 << 20
};

struct decontaminate_report {
    struct duplicates_options options;
    const struct decontaminate_index *index;
    struct held held;
    struct shuffle hits; // all to rank 0
    uint64_t n_dropped;
};

enum err decontaminate_report_open(const struct duplicates_options *o,
                                   const struct decontaminate_index *index,
                                   struct decontaminate_report **out)
{
    struct decontaminate_report *r = NULL;
    size_t capacity = 0;
    TRY(grow_array(&r, &capacity, 1, sizeof *r));
    *r = (struct decontaminate_report){.options = *o, .index = index};
    const enum err e =
        shuffle_open(&r->hits, &(struct shuffle_options){.fabric = o->fabric,
                                                         .seq = o->seq,
                                                         .folder = o->folder,
                                                         .name = "decontamination",
                                                         .n_words = RECORD_WORDS,
                                                         .memory_bytes = o->memory_bytes,
                                                         .held = &r->held});
    if (e == OK)
        *out = r;
    else
        decontaminate_report_close(r);
    return e;
}

enum err decontaminate_report_add(struct decontaminate_report *r, uint64_t document, struct span id,
                                  const struct decontaminate_hit *hit)
{
    const uint64_t record[RECORD_WORDS] = {document, 0, hit->item,
                                           (uint64_t)hit->piece << 32 | hit->offset};
    const size_t n_bytes = size_min(id.n_bytes, DECONTAMINATE_ID_BYTES);
    r->n_dropped++;
    TRY(shuffle_add(&r->hits, 0, record));
    for (size_t at = 0, n = 1; at < n_bytes; at += ID_RECORD_BYTES, n++) {
        uint64_t part[RECORD_WORDS] = {document, n};
        memcpy(part + ID_WORDS, id.data + at, size_min(n_bytes - at, ID_RECORD_BYTES));
        TRY(shuffle_add(&r->hits, 0, part));
    }
    return OK;
}

// Rank 0's two files on their way.
struct writing {
    struct decontaminate_report *report;
    struct arena arena; // of one line
    struct text text;   // of lines not written yet
    int fd;
    const char *path;
    uint64_t *counts; // [2 * n_items]: {documents, item}
    // The line that is being read.
    uint64_t hit[RECORD_WORDS];
    char id[DECONTAMINATE_ID_BYTES + ID_RECORD_BYTES];
    size_t n_id_bytes;
};

static enum err flush(struct writing *w, size_t least_bytes)
{
    if (w->text.n_bytes < least_bytes) return OK;
    TRY(file_write(w->fd, w->path, w->text.data, w->text.n_bytes));
    arena_reset(&w->arena);
    text_begin(&w->text, &w->arena);
    return OK;
}

static int put_piece(const char *piece, size_t n_bytes, void *text)
{
    text_put(text, piece, n_bytes);
    return 0;
}

// The id as text that JSON can hold.
static const char *id_text(struct writing *w)
{
    const struct span id = {(const uint8_t *)w->id, strlen(w->id)};
    const struct span text = filter_text_look(id, &w->arena).bytes;
    return arena_strndup(&w->arena, (const char *)text.data, text.n_bytes);
}

static enum err put_line(struct writing *w)
{
    const struct decontaminate_hit hit = {(uint32_t)w->hit[2], (uint32_t)(w->hit[3] >> 32),
                                          (uint32_t)w->hit[3], 0};
    const struct span gram = decontaminate_gram(w->report->index, &hit);
    w->id[w->n_id_bytes] = 0;
    w->counts[2 * hit.item]++;
    json_t *j =
        json_pack("{s:s, s:I, s:I, s:s, s:s%}", "id", id_text(w), "part",
                  (json_int_t)(w->hit[0] >> 32), "document", (json_int_t)(uint32_t)w->hit[0],
                  "item", decontaminate_item(w->report->index, hit.item, &w->arena), "ngram",
                  (const char *)gram.data, gram.n_bytes);
    const int dumped = j != NULL ? json_dump_callback(j, put_piece, &w->text, JSON_COMPACT) : -1;
    json_decref(j);
    if (dumped != 0) return fail(ERR_MEMORY, "%s: no memory for a line", w->path);
    text_put(&w->text, "\n", 1);
    return flush(w, FLUSH_BYTES);
}

static enum err put_lines(struct writing *w)
{
    uint64_t record[RECORD_WORDS];
    bool more, started = false;
    for (;;) {
        TRY(shuffle_next(&w->report->hits, record, &more));
        if (more && record[1] > 0) {
            ASSERT(w->n_id_bytes < DECONTAMINATE_ID_BYTES);
            memcpy(w->id + w->n_id_bytes, record + ID_WORDS, ID_RECORD_BYTES);
            w->n_id_bytes += ID_RECORD_BYTES;
            continue;
        }
        if (started) TRY(put_line(w));
        if (!more) return flush(w, 1);
        started = true;
        w->n_id_bytes = 0;
        memcpy(w->hit, record, sizeof record);
    }
}

// Items by documents, most first, then in the files' order.
static void put_table(struct writing *w, const struct decontaminate_size *size)
{
    text_printf(&w->text, "%zu evaluation items (%zu of them too short), %zu %zu-grams\n%12s  %s\n",
                size->n_items, size->n_items_too_short, size->n_grams, size->n_gram_words,
                "documents", "item");
    for (size_t i = 0; i < size->n_items; i++) {
        w->counts[2 * i] = UINT64_MAX - w->counts[2 * i];
        w->counts[2 * i + 1] = i;
    }
    record_sort(w->counts, size->n_items, 2, 2);
    for (size_t i = 0; i < size->n_items && w->counts[2 * i] != UINT64_MAX; i++)
        text_printf(
            &w->text, "%12llu  %s\n", (unsigned long long)(UINT64_MAX - w->counts[2 * i]),
            decontaminate_item(w->report->index, (uint32_t)w->counts[2 * i + 1], &w->arena));
}

static enum err write_report(struct writing *w, const char *final)
{
    TRY(file_remove_tree(w->path));
    TRY(file_create(w->path, &w->fd));
    enum err e = put_lines(w);
    if (e == OK) e = file_fsync(w->fd, w->path);
    const enum err closed = file_close(w->fd, w->path);
    if (e == OK) e = closed;
    if (e == OK) e = file_rename(w->path, final);
    if (e != OK) unlink(w->path);
    return e;
}

static enum err write_files(struct decontaminate_report *r, const char *folder)
{
    const struct decontaminate_size size = decontaminate_size(r->index);
    struct writing w = {.report = r, .fd = -1};
    struct arena names;
    size_t capacity = 0;
    arena_init(&names, "decontamination files");
    arena_init(&w.arena, "decontamination lines");
    text_begin(&w.text, &w.arena);
    const char *report = arena_printf(&names, "%s/" DECONTAMINATE_REPORT_NAME, folder);
    w.path = arena_printf(&names, "%s.tmp", report);
    enum err e = grow_array(&w.counts, &capacity, 2 * size.n_items, sizeof *w.counts);
    if (e == OK) {
        memset(w.counts, 0, 2 * size.n_items * sizeof *w.counts);
        e = write_report(&w, report);
    }
    if (e == OK) {
        put_table(&w, &size);
        e = file_replace(arena_printf(&names, "%s/" DECONTAMINATE_TABLE_NAME, folder), w.text.data,
                         w.text.n_bytes);
    }
    grow_free(w.counts);
    arena_fini(&w.arena);
    arena_fini(&names);
    return e;
}

enum err decontaminate_report_write(struct decontaminate_report *r, enum err mine,
                                    const char *folder)
{
    struct fabric *f = r->options.fabric;
    TRY(shuffle_exchange(&r->hits, mine));
    uint64_t *all = NULL;
    size_t capacity = 0;
    TRY(fabric_agree(f, grow_array(&all, &capacity, (size_t)fabric_size(f), sizeof *all)));
    enum err e = fabric_all_gather(f, &r->n_dropped, sizeof r->n_dropped, all);
    r->n_dropped = 0;
    for (int rank = 0; rank < fabric_size(f) && e == OK; rank++)
        r->n_dropped += all[rank];
    grow_free(all);
    if (e == OK && fabric_rank(f) == 0) e = write_files(r, folder);
    return fabric_agree(f, e);
}

uint64_t decontaminate_report_n_dropped(const struct decontaminate_report *r)
{
    return r->n_dropped;
}

void decontaminate_report_close(struct decontaminate_report *r)
{
    if (r == NULL) return;
    shuffle_close(&r->hits);
    grow_free(r);
}
