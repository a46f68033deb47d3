// Trajectories as CSV: a header names the columns; consecutive lines of one "episode" are a
// trajectory. Columns that begin "observation" or "action" are numbers, in the order in which they
// stand; "instruction" is text, of an episode's first line; others are left out. A field may be
// quoted ("" is a quote) but holds no line end.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/size.h"
#include "shard/read/header_fields.h"
#include "shard/read/reader_kind.h"
#include "shard/read/trajectory.h"

enum column { COLUMN_OTHER, COLUMN_EPISODE, COLUMN_INSTRUCTION, COLUMN_OBSERVATION, COLUMN_ACTION };
enum { CSV_COLUMNS_LIMIT = BIN_EDGES_DIMENSION_LIMIT + 64, NUMBER_BYTES = 64 };

// Hashes of the episodes that ended, 0 = none; at most half full.
struct seen {
    uint64_t *slots;
    size_t n, capacity; // a power of two
};

struct csv_state {
    struct span header;
    struct span pending;  // the line that ended the episode before, in the reader's scratch
    struct span left_out; // an episode of which something was lost
    struct seen seen;
    uint32_t episode; // its column
    bool finished;
};

static struct span without_line_end(struct span line)
{
    while (line.n_bytes &&
           (line.data[line.n_bytes - 1] == '\r' || line.data[line.n_bytes - 1] == '\n'))
        line.n_bytes--;
    return line;
}

// Where a quoted field ends, behind its last quote; *n_text is its length without quotes.
static size_t quoted_end(struct span line, size_t *n_text)
{
    size_t n = 1;
    for (*n_text = 0; n < line.n_bytes; n++) {
        const bool quote = line.data[n] == '"';
        const bool doubled = quote && n + 1 < line.n_bytes && line.data[n + 1] == '"';
        if (quote && !doubled) return n + 1;
        n += doubled;
        *n_text += 1;
    }
    return line.n_bytes;
}

static struct span unquoted(struct span line, struct arena *a)
{
    size_t n_text;
    const size_t end = quoted_end(line, &n_text);
    char *text = arena_alloc(a, n_text, 1);
    for (size_t i = 1, n = 0; n < n_text && i < end; i++) {
        text[n++] = (char)line.data[i];
        i += line.data[i] == '"';
    }
    return (struct span){(const uint8_t *)text, n_text};
}

// Takes the next field off the line; *last when it was the last.
static struct span next_field(struct span *line, struct arena *a, bool *last)
{
    const bool quoted = line->n_bytes && line->data[0] == '"';
    size_t n_text, n = quoted ? quoted_end(*line, &n_text) : 0;
    const uint8_t *comma =
        n < line->n_bytes ? memchr(line->data + n, ',', line->n_bytes - n) : NULL;
    n = comma ? (size_t)(comma - line->data) : line->n_bytes;
    const struct span field = quoted ? unquoted(*line, a) : (struct span){line->data, n};
    *last = !comma;
    *line = (struct span){line->data + n + !*last, line->n_bytes - n - !*last};
    return field;
}

static enum column column_of(struct span name)
{
    static const struct {
        const char *begin;
        enum column column;
        bool whole;
    } names[] = {{"episode", COLUMN_EPISODE, true},
                 {"instruction", COLUMN_INSTRUCTION, true},
                 {"observation", COLUMN_OBSERVATION, false},
                 {"action", COLUMN_ACTION, false}};
    while (name.n_bytes && name.data[0] == ' ')
        name = (struct span){name.data + 1, name.n_bytes - 1};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const size_t n = strlen(names[i].begin);
        if (name.n_bytes < n || memcmp(name.data, names[i].begin, n) != 0) continue;
        if (!names[i].whole || name.n_bytes == n) return names[i].column;
    }
    return COLUMN_OTHER;
}

// The field of that number; empty if there is none.
static struct span field_at(struct span line, uint32_t number, struct arena *a)
{
    for (bool last = false; !last; number--) {
        const struct span field = next_field(&line, a, &last);
        if (number == 0) return field;
    }
    return (struct span){(const uint8_t *)"", 0};
}

static enum err find_episode(struct reader *r, struct csv_state *state)
{
    struct span rest = state->header;
    bool last = false;
    for (uint32_t i = 0; !last && i < CSV_COLUMNS_LIMIT; i++) {
        state->episode = i;
        if (column_of(next_field(&rest, &r->file_arena, &last)) == COLUMN_EPISODE) return OK;
    }
    return fail(ERR_DATA, "%s: no column \"episode\" in the first line", r->file->path);
}

// The next line that is not blank, borrowed; empty at the end of the file.
static enum err next_line(struct reader *r, struct span *out)
{
    for (;;) {
        TRY(reader_piece(r, "\n", out));
        *out = without_line_end(*out);
        if (r->ended || !reader_blank(*out)) return OK;
    }
}

static struct span copy(struct arena *a, struct span s)
{
    return (struct span){(const uint8_t *)arena_strndup(a, (const char *)s.data, s.n_bytes),
                         s.n_bytes};
}

static enum err begin(struct reader *r)
{
    struct span header;
    TRY(next_line(r, &header));
    struct csv_state *state = ARENA_NEW(&r->file_arena, struct csv_state);
    state->header = copy(&r->file_arena, reader_without_mark(header));
    if (r->ended) return OK;
    const enum err e = find_episode(r, state);
    if (e != OK) {
        r->ended = true; // nothing of it can be read
        return e;
    }
    r->state = state;
    return OK;
}

static bool same(struct span a, struct span b)
{
    return a.n_bytes == b.n_bytes && memcmp(a.data, b.data, a.n_bytes) == 0;
}

// The lines of an episode as they are gathered; too long ones are gone past.
struct lines {
    struct arena *arena;
    uint8_t *data;
    size_t n_bytes, capacity;
    bool too_long;
};

static void add_line(struct lines *lines, struct span line)
{
    lines->too_long = lines->too_long || lines->n_bytes + line.n_bytes > READER_DOCUMENT_LIMIT;
    if (lines->too_long) return;
    const size_t n = lines->n_bytes + line.n_bytes + 1;
    lines->data = ARENA_GROW(lines->arena, uint8_t, lines->data, n, &lines->capacity);
    if (line.n_bytes) memcpy(lines->data + lines->n_bytes, line.data, line.n_bytes);
    lines->data[n - 1] = '\n';
    lines->n_bytes = n;
}

// From line on, as long as the episode is key; the line behind is pending.
static enum err gather(struct reader *r, struct span key, struct span line, struct lines *lines)
{
    struct csv_state *state = r->state;
    while (same(key, field_at(line, state->episode, lines->arena))) {
        add_line(lines, line);
        const enum err e = next_line(r, &line);
        if (e == ERR_DATA) state->left_out = copy(&r->file_arena, key);
        TRY(e);
        if (r->ended) {
            r->ended = false;
            state->finished = true;
            return OK;
        }
    }
    arena_reset(&r->scratch);
    state->pending = copy(&r->scratch, line);
    return OK;
}

static void seen_put(struct seen *s, uint64_t hash, bool *before)
{
    size_t at = hash & (s->capacity - 1);
    while (s->slots[at] && s->slots[at] != hash)
        at = (at + 1) & (s->capacity - 1);
    *before = s->slots[at];
    s->n += !*before;
    s->slots[at] = hash;
}

// Whether an episode of that key ended before.
static bool seen_add(struct seen *s, struct span key, struct arena *a)
{
    bool before;
    if (2 * s->n >= s->capacity) {
        const struct seen old = *s;
        *s = (struct seen){.capacity = size_max(64, 2 * old.capacity)};
        s->slots = ARENA_ARRAY(a, uint64_t, s->capacity);
        for (size_t i = 0; i < old.capacity; i++)
            if (old.slots[i]) seen_put(s, old.slots[i], &before);
    }
    seen_put(s, hash_xxh3(key.data, key.n_bytes, 0) | 1, &before);
    return before;
}

static enum err stands_apart(struct reader *r, struct span key, const struct lines *lines)
{
    const struct csv_state *state = r->state;
    r->loss.n_bytes += lines->n_bytes - size_min(lines->n_bytes, state->header.n_bytes + 1);
    return fail(ERR_DATA, "%s#%llu: lines of episode %.*s stand apart; sort them", r->file->path,
                (unsigned long long)r->number, (int)size_min(key.n_bytes, 100),
                (const char *)key.data);
}

// The record is the header and the episode's lines.
enum err reader_csv_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    if (!r->state) TRY(begin(r));
    struct csv_state *state = r->state;
    if (!r->ended) r->ended = state->finished;
    for (struct span key; !r->ended;) {
        struct span line = state->pending;
        state->pending = (struct span){0};
        if (line.n_bytes == 0) TRY(next_line(r, &line));
        if (r->ended) break;
        key = copy(a, field_at(line, state->episode, a));
        struct lines lines = {.arena = a};
        add_line(&lines, state->header);
        TRY(gather(r, key, line, &lines));
        if (state->left_out.data && same(state->left_out, key)) continue;
        r->number++;
        if (seen_add(&state->seen, key, &r->file_arena)) return stands_apart(r, key, &lines);
        if (lines.too_long)
            return fail(ERR_DATA, "%s: episode %llu is longer than %d MiB", r->file->path,
                        (unsigned long long)r->number, READER_DOCUMENT_LIMIT >> 20);
        *out = (struct reader_record){.file = r->file,
                                      .options = r->options,
                                      .raw = {lines.data, lines.n_bytes},
                                      .number = r->number};
        return OK;
    }
    return OK;
}

// A trajectory

struct csv_columns {
    uint8_t *columns; // of enum column
    uint32_t n_columns, n_observation, n_action;
};

static enum err read_header(struct span line, struct arena *a, struct csv_columns *out)
{
    *out = (struct csv_columns){.columns = ARENA_ARRAY(a, uint8_t, CSV_COLUMNS_LIMIT)};
    for (bool last = false; !last;) {
        if (out->n_columns == CSV_COLUMNS_LIMIT)
            return fail(ERR_DATA, "more than %d columns", CSV_COLUMNS_LIMIT);
        const enum column column = column_of(next_field(&line, a, &last));
        out->columns[out->n_columns++] = (uint8_t)column;
        out->n_observation += column == COLUMN_OBSERVATION;
        out->n_action += column == COLUMN_ACTION;
    }
    if (out->n_action == 0) return fail(ERR_DATA, "no column that begins \"action\"");
    if (out->n_observation + out->n_action > BIN_EDGES_DIMENSION_LIMIT)
        return fail(ERR_DATA, "more than %d columns of numbers", BIN_EDGES_DIMENSION_LIMIT);
    return OK;
}

static enum err read_number(struct span field, double *out)
{
    char text[NUMBER_BYTES], *end = text;
    if (field.n_bytes > 0 && field.n_bytes < sizeof text) {
        memcpy(text, field.data, field.n_bytes);
        text[field.n_bytes] = '\0';
        *out = strtod(text, &end);
    }
    if (end == text || *end != '\0' || !isfinite(*out))
        return fail(ERR_DATA, "'%.*s' is no finite number", (int)(field.n_bytes % NUMBER_BYTES),
                    (const char *)field.data);
    return OK;
}

static bool quotes_end(struct span line)
{
    size_t n = 0;
    for (size_t i = 0; i < line.n_bytes; i++)
        n += line.data[i] == '"';
    return n % 2 == 0;
}

static enum err read_step(struct span line, const struct csv_columns *columns, struct arena *a,
                          struct trajectory *t)
{
    double *observation = trajectory_step(t, a), *action = observation + t->n_observation;
    bool last = false;
    uint32_t i = 0;
    if (!quotes_end(line)) return fail(ERR_DATA, "a quoted field goes on beyond its line");
    for (; i < columns->n_columns && !last; i++) {
        const struct span field = next_field(&line, a, &last);
        if (columns->columns[i] == COLUMN_OBSERVATION) TRY(read_number(field, observation++));
        if (columns->columns[i] == COLUMN_ACTION) TRY(read_number(field, action++));
        if (t->n_steps > 1) continue;
        if (columns->columns[i] == COLUMN_EPISODE) t->id = field;
        if (columns->columns[i] == COLUMN_INSTRUCTION) t->instruction = field;
    }
    if (!last || i < columns->n_columns)
        return fail(ERR_DATA, "a line has other columns than the first line of the file");
    return OK;
}

enum err reader_csv_trajectory(const struct reader_record *record, struct arena *a,
                               struct trajectory *out)
{
    struct csv_columns columns;
    struct span rest = record->raw, line;
    header_fields_line(&rest, &line);
    TRY(read_header(line, a, &columns));
    *out =
        (struct trajectory){.n_observation = columns.n_observation, .n_action = columns.n_action};
    while (header_fields_line(&rest, &line))
        TRY(read_step(line, &columns, a, out));
    return OK;
}

enum err reader_csv_document(const struct reader_record *record, struct arena *a,
                             struct document *out)
{
    struct trajectory t;
    struct piece_list pieces = {.arena = a};
    enum err e = reader_csv_trajectory(record, a, &t);
    if (e == OK) e = trajectory_pieces(&t, record->options->bin_edges, &pieces);
    if (e != OK) return reader_fail_at(record, e);
    // Episodes are numbers in their file; the file's name makes them an id.
    const char *id = arena_printf(a, "%s#%.*s", record->file->source, (int)t.id.n_bytes,
                                  (const char *)t.id.data);
    out->id = (struct span){(const uint8_t *)id, strlen(id)};
    piece_list_end(&pieces, out);
    return OK;
}
