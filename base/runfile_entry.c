#include "base/runfile_entry.h"

#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "base/number.h"
#include "base/size.h"

struct level {
    const struct runfile_entry *node; // NULL: the root
    enum runfile_kind kind;
    size_t n_elements;     // lists
    const char *key;       // mappings: the key whose value comes next, or NULL
    const char *key_where; // and its place
};

struct reader {
    struct runfile_entries *entries;
    yaml_parser_t parser;
    struct level levels[RUNFILE_DEPTH_LIMIT];
    size_t depth;
    bool done; // the document has ended
};

const char *runfile_shown(struct arena *a, const char *text)
{
    enum { SHOWN_BYTES = 60 };
    size_t n = strlen(text);
    char *shown = arena_printf(a, "%.*s%s", SHOWN_BYTES, text, n > SHOWN_BYTES ? "..." : "");
    for (char *at = shown; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f) *at = '?';
    return shown;
}

struct runfile_entry *runfile_entries_find(const struct runfile_entries *entries, const char *path)
{
    for (size_t i = 0; i < entries->n_items; i++)
        if (strcmp(entries->items[i].path, path) == 0) return &entries->items[i];
    return NULL;
}

static void entries_grow(struct runfile_entries *entries)
{
    size_t capacity = size_max(64, 2 * entries->capacity_items);
    struct runfile_entry *items = ARENA_ARRAY(entries->arena, struct runfile_entry, capacity);
    if (entries->n_items > 0) memcpy(items, entries->items, entries->n_items * sizeof items[0]);
    entries->items = items;
    entries->capacity_items = capacity;
}

static enum err entries_add(struct runfile_entries *entries, const struct runfile_entry *entry)
{
    const struct runfile_entry *earlier = runfile_entries_find(entries, entry->path);
    if (earlier != NULL)
        return fail(ERR_CONFIG, "%s: key '%s' is already at %s", entry->where,
                    runfile_shown(entries->arena, entry->path), earlier->where);
    if (entries->n_items == RUNFILE_ENTRIES_LIMIT)
        return fail(ERR_CONFIG, "%s: more than %d keys", entry->where, RUNFILE_ENTRIES_LIMIT);
    if (entries->n_items == entries->capacity_items) entries_grow(entries);
    entries->items[entries->n_items++] = *entry;
    return OK;
}

static const char *place(const struct reader *r, const yaml_mark_t *mark)
{
    return arena_printf(r->entries->arena, "%s:%zu", r->entries->name, mark->line + 1);
}

// Path and place of the node that comes now, from the level it is in.
static struct runfile_entry node_begin(struct reader *r, const char *where)
{
    struct arena *a = r->entries->arena;
    struct level *level = &r->levels[r->depth - 1];
    const char *path = level->node == NULL ? "" : level->node->path;
    const char *key_path = level->node == NULL ? "" : level->node->key_path;
    if (level->kind == RUNFILE_LIST) {
        size_t idx = level->n_elements++;
        return (struct runfile_entry){.path = arena_printf(a, "%s[%zu]", path, idx),
                                      .key_path = arena_printf(a, "%s[]", key_path),
                                      .element_idx = idx,
                                      .where = where};
    }
    const char *dot = level->node == NULL ? "" : ".";
    struct runfile_entry node = {.path = arena_printf(a, "%s%s%s", path, dot, level->key),
                                 .key_path = arena_printf(a, "%s%s%s", key_path, dot, level->key),
                                 .element_idx = level->node == NULL ? 0 : level->node->element_idx,
                                 .where = level->key_where};
    level->key = NULL;
    return node;
}

static bool expects_key(const struct reader *r)
{
    const struct level *level = &r->levels[r->depth - 1];
    return level->kind == RUNFILE_MAPPING && level->key == NULL;
}

static enum err key_take(struct reader *r, const char *text, const char *where)
{
    if (*text == '\0') return fail(ERR_CONFIG, "%s: empty key", where);
    if (strpbrk(text, ".[]=") != NULL)
        return fail(ERR_CONFIG, "%s: key '%s' may not contain . [ ] or =; nest it instead", where,
                    runfile_shown(r->entries->arena, text));
    struct level *level = &r->levels[r->depth - 1];
    level->key = arena_strdup(r->entries->arena, text);
    level->key_where = where;
    return OK;
}

static enum err root_error(const char *where)
{
    return fail(ERR_CONFIG, "%s: expected lines of the form key: value", where);
}

static enum err scalar_take(struct reader *r, const yaml_event_t *event, const char *where)
{
    const char *text = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (strlen(text) != event->data.scalar.length)
        return fail(ERR_CONFIG, "%s: a NUL byte in a text", where);
    if (plain && event->end_mark.line != event->start_mark.line)
        return fail(ERR_CONFIG, "%s: a text over several lines needs quotes", where);
    if (r->depth == 0) return root_error(where);
    if (expects_key(r)) return key_take(r, text, where);
    struct runfile_entry node = node_begin(r, where);
    node.kind = RUNFILE_SCALAR;
    node.text = arena_strdup(r->entries->arena, text);
    node.style = plain ? RUNFILE_PLAIN : RUNFILE_QUOTED;
    return entries_add(r->entries, &node);
}

static enum err container_begin(struct reader *r, enum runfile_kind kind, const char *where)
{
    if (r->depth == RUNFILE_DEPTH_LIMIT)
        return fail(ERR_CONFIG, "%s: nested deeper than %d levels", where, RUNFILE_DEPTH_LIMIT);
    const struct runfile_entry *kept = NULL;
    if (r->depth == 0) {
        if (kind != RUNFILE_MAPPING) return root_error(where);
    } else {
        if (expects_key(r)) return fail(ERR_CONFIG, "%s: a key must be a word", where);
        struct runfile_entry *node = ARENA_NEW(r->entries->arena, struct runfile_entry);
        *node = node_begin(r, where);
        node->kind = kind;
        TRY(entries_add(r->entries, node));
        kept = node;
    }
    r->levels[r->depth++] = (struct level){.node = kept, .kind = kind};
    return OK;
}

static enum err document_begin(struct reader *r, const yaml_event_t *event, const char *where)
{
    if (r->done) return fail(ERR_CONFIG, "%s: a second document begins; one is expected", where);
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        return fail(ERR_CONFIG, "%s: YAML directives are not supported", where);
    return OK;
}

static enum err decorations_check(const char *where, const yaml_char_t *anchor,
                                  const yaml_char_t *tag)
{
    if (anchor != NULL)
        return fail(ERR_CONFIG, "%s: anchors and aliases are not supported (&%.40s)", where,
                    (const char *)anchor);
    if (tag != NULL)
        return fail(ERR_CONFIG, "%s: tags are not supported (%.40s)", where, (const char *)tag);
    return OK;
}

static enum err event_take(struct reader *r, const yaml_event_t *event)
{
    const char *where = place(r, &event->start_mark);
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
        return OK;
    case YAML_DOCUMENT_START_EVENT:
        return document_begin(r, event, where);
    case YAML_DOCUMENT_END_EVENT:
        r->done = true;
        return OK;
    case YAML_ALIAS_EVENT:
        return fail(ERR_CONFIG, "%s: anchors and aliases are not supported (*%.40s)", where,
                    (const char *)event->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        TRY(decorations_check(where, event->data.scalar.anchor, event->data.scalar.tag));
        return scalar_take(r, event, where);
    case YAML_MAPPING_START_EVENT:
        TRY(decorations_check(where, event->data.mapping_start.anchor,
                              event->data.mapping_start.tag));
        return container_begin(r, RUNFILE_MAPPING, where);
    case YAML_SEQUENCE_START_EVENT:
        TRY(decorations_check(where, event->data.sequence_start.anchor,
                              event->data.sequence_start.tag));
        return container_begin(r, RUNFILE_LIST, where);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        r->depth--;
        return OK;
    }
    return fail(ERR_INVARIANT, "%s: unknown YAML event %d", where, (int)event->type);
}

static enum err parser_error(const struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem == NULL ? "out of memory" : p->problem;
    if (p->error == YAML_READER_ERROR)
        return fail(ERR_CONFIG, "%s: byte %zu: %s", r->entries->name, p->problem_offset, problem);
    return fail(ERR_CONFIG, "%s: %s", place(r, &p->problem_mark), problem);
}

static enum err events_read(struct reader *r)
{
    for (yaml_event_type_t type = YAML_NO_EVENT; type != YAML_STREAM_END_EVENT;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) return parser_error(r);
        type = event.type;
        enum err e = event_take(r, &event);
        yaml_event_delete(&event);
        TRY(e);
    }
    if (!r->done) return fail(ERR_CONFIG, "%s: the file is empty", r->entries->name);
    return OK;
}

enum err runfile_entries_read(struct runfile_entries *entries, const char *text, size_t n_bytes)
{
    const char *nul = memchr(text, '\0', n_bytes);
    if (nul != NULL)
        return fail(ERR_CONFIG, "%s: byte %zu: a NUL byte", entries->name, (size_t)(nul - text));
    struct reader r = {.entries = entries};
    if (!yaml_parser_initialize(&r.parser))
        return fail(ERR_MEMORY, "%s: no memory for the YAML parser", entries->name);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n_bytes);
    enum err e = events_read(&r);
    yaml_parser_delete(&r.parser);
    return e;
}

// path with every [12] as []; false when an index is not a number. *element_idx: the last one.
static bool key_path_of(const char *path, char *key_path, size_t *element_idx)
{
    *element_idx = 0;
    while (*path != '\0') {
        *key_path++ = *path;
        if (*path++ != '[') continue;
        size_t n_digits = strcspn(path, "]");
        char digits[8];
        uint64_t idx;
        if (path[n_digits] != ']' || n_digits >= sizeof digits) return false;
        memcpy(digits, path, n_digits);
        digits[n_digits] = '\0';
        if (!number_parse_u64(digits, &idx)) return false;
        *element_idx = idx;
        path += n_digits;
    }
    *key_path = '\0';
    return true;
}

enum err runfile_entries_override(struct runfile_entries *entries, const char *override)
{
    struct arena *a = entries->arena;
    const char *equals = strchr(override, '=');
    if (equals == NULL || equals == override)
        return fail(ERR_CONFIG, "--set %s: expected key=value", runfile_shown(a, override));
    const char *path = arena_strndup(a, override, (size_t)(equals - override));
    struct runfile_entry entry = {.path = path,
                                  .kind = RUNFILE_SCALAR,
                                  .text = arena_strdup(a, equals + 1),
                                  .style = RUNFILE_GIVEN,
                                  .where = arena_printf(a, "--set %s", runfile_shown(a, override))};
    char *key_path = arena_alloc(a, strlen(path) + 1, 1);
    entry.key_path = key_path;
    if (!key_path_of(path, key_path, &entry.element_idx))
        return fail(ERR_CONFIG, "%s: a list index is written [0], [1], ...", entry.where);
    struct runfile_entry *earlier = runfile_entries_find(entries, path);
    if (earlier == NULL) return entries_add(entries, &entry);
    if (earlier->kind != RUNFILE_SCALAR)
        return fail(ERR_CONFIG, "%s: '%s' holds several keys; set one of them", entry.where, path);
    *earlier = entry;
    return OK;
}
