#include "shard/dataset/funnel.h"

#include "base/text.h"

enum { BAR_CELLS = 40 };

void funnel_add_row(struct funnel *f, const char *name)
{
    ASSERT(f->n_rows < FUNNEL_ROW_LIMIT);
    f->rows[f->n_rows++] = (struct funnel_row){.name = name};
}

void funnel_add_line_rule(struct funnel *f, const char *name)
{
    ASSERT(f->n_line_rules < FUNNEL_LINE_RULE_LIMIT);
    f->line_rules[f->n_line_rules++] = (struct funnel_line_rule){.name = name};
}

void funnel_trail_enter(struct funnel_trail *t, uint64_t n_bytes)
{
    ASSERT(t->n_entered < FUNNEL_ROW_LIMIT);
    t->changed[t->n_entered] = false;
    t->bytes[t->n_entered++] = n_bytes;
    t->out = false;
}

void funnel_trail_leave(struct funnel_trail *t, uint64_t n_bytes, bool changed)
{
    ASSERT(t->n_entered > 0 && !t->out);
    t->bytes[t->n_entered] = n_bytes;
    t->changed[t->n_entered - 1] = changed;
    t->out = true;
}

void funnel_count(struct funnel *f, size_t first, const struct funnel_trail *trail)
{
    ASSERT(first + trail->n_entered <= f->n_rows);
    for (size_t i = 0; i < trail->n_entered; i++) {
        struct funnel_row *row = &f->rows[first + i];
        row->documents_in++;
        row->bytes_in += trail->bytes[i];
        if (i + 1 == trail->n_entered && !trail->out) return;
        row->documents_out++;
        row->bytes_out += trail->bytes[i + 1];
        row->documents_changed += trail->changed[i];
    }
}

void funnel_add(struct funnel *f, const struct funnel *other)
{
    ASSERT(f->n_rows == other->n_rows && f->n_line_rules == other->n_line_rules);
    for (size_t i = 0; i < f->n_line_rules; i++)
        f->line_rules[i].lines_dropped += other->line_rules[i].lines_dropped;
    for (size_t i = 0; i < f->n_rows; i++) {
        struct funnel_row *to = &f->rows[i];
        const struct funnel_row *from = &other->rows[i];
        to->documents_in += from->documents_in;
        to->bytes_in += from->bytes_in;
        to->documents_out += from->documents_out;
        to->bytes_out += from->bytes_out;
        to->documents_changed += from->documents_changed;
    }
}

bool funnel_adds_up(const struct funnel *f)
{
    for (size_t i = 0; i < f->n_rows; i++) {
        const struct funnel_row *row = &f->rows[i];
        if (row->documents_out > row->documents_in || row->documents_changed > row->documents_out)
            return false;
        if (i + 1 == f->n_rows) break;
        if (row->documents_out != row[1].documents_in || row->bytes_out != row[1].bytes_in)
            return false;
    }
    return true;
}

json_t *funnel_to_json(const struct funnel *f)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < f->n_rows; i++) {
        const struct funnel_row *row = &f->rows[i];
        json_array_append_new(
            rows, json_pack("{s:s s:I s:I s:I s:I s:I}", "stage", row->name, "documents_in",
                            (json_int_t)row->documents_in, "bytes_in", (json_int_t)row->bytes_in,
                            "documents_out", (json_int_t)row->documents_out, "bytes_out",
                            (json_int_t)row->bytes_out, "documents_changed",
                            (json_int_t)row->documents_changed));
    }
    json_t *line_rules = json_array();
    for (size_t i = 0; i < f->n_line_rules; i++)
        json_array_append_new(line_rules,
                              json_pack("{s:s s:I}", "rule", f->line_rules[i].name, "lines_dropped",
                                        (json_int_t)f->line_rules[i].lines_dropped));
    return json_pack("{s:o s:o}", "stages", rows, "line_rules", line_rules);
}

static bool get_count(const json_t *object, const char *key, uint64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool row_from_json(const json_t *object, struct arena *a, struct funnel_row *out)
{
    const json_t *name = json_object_get(object, "stage");
    if (!json_is_string(name)) return false;
    out->name = arena_strdup(a, json_string_value(name));
    return get_count(object, "documents_in", &out->documents_in) &&
           get_count(object, "bytes_in", &out->bytes_in) &&
           get_count(object, "documents_out", &out->documents_out) &&
           get_count(object, "bytes_out", &out->bytes_out) &&
           get_count(object, "documents_changed", &out->documents_changed);
}

static bool line_rule_from_json(const json_t *object, struct arena *a, struct funnel_line_rule *out)
{
    const json_t *name = json_object_get(object, "rule");
    if (!json_is_string(name)) return false;
    out->name = arena_strdup(a, json_string_value(name));
    return get_count(object, "lines_dropped", &out->lines_dropped);
}

bool funnel_from_json(const json_t *funnel, struct arena *a, struct funnel *out)
{
    const json_t *rows = json_object_get(funnel, "stages");
    const json_t *line_rules = json_object_get(funnel, "line_rules");
    if (!json_is_array(rows) || json_array_size(rows) > FUNNEL_ROW_LIMIT) return false;
    if (!json_is_array(line_rules) || json_array_size(line_rules) > FUNNEL_LINE_RULE_LIMIT)
        return false;
    *out = (struct funnel){.n_rows = json_array_size(rows),
                           .n_line_rules = json_array_size(line_rules)};
    for (size_t i = 0; i < out->n_rows; i++) {
        if (!row_from_json(json_array_get(rows, i), a, &out->rows[i])) return false;
    }
    for (size_t i = 0; i < out->n_line_rules; i++) {
        if (!line_rule_from_json(json_array_get(line_rules, i), a, &out->line_rules[i]))
            return false;
    }
    return true;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void put_bar(struct text *out, uint64_t part, uint64_t whole)
{
    const int n = (int)(share(part, whole) * BAR_CELLS + 0.5);
    for (int i = 0; i < BAR_CELLS; i++)
        text_put(out, i < n ? "#" : ".", 1);
}

static void put_table(const struct funnel *f, struct text *out)
{
    text_printf(out, "%-37s %12s %12s %8s %14s %14s %10s\n", "stage", "documents in", "out",
                "dropped", "bytes in", "out", "changed");
    for (size_t i = 0; i < f->n_rows; i++) {
        const struct funnel_row *row = &f->rows[i];
        text_printf(out, "%-37s %12llu %12llu %7.2f%% %14llu %14llu %10llu\n", row->name,
                    (unsigned long long)row->documents_in, (unsigned long long)row->documents_out,
                    100 * share(row->documents_in - row->documents_out, row->documents_in),
                    (unsigned long long)row->bytes_in, (unsigned long long)row->bytes_out,
                    (unsigned long long)row->documents_changed);
    }
}

static void put_bars(const struct funnel *f, struct text *out)
{
    text_printf(out, "\n%-37s %-*s share of what was read\n", "documents left after", BAR_CELLS,
                "");
    for (size_t i = 0; i < f->n_rows; i++) {
        text_printf(out, "%-37s ", f->rows[i].name);
        put_bar(out, f->rows[i].documents_out, f->rows[0].documents_in);
        text_printf(out, " %6.2f%%\n",
                    100 * share(f->rows[i].documents_out, f->rows[0].documents_in));
    }
}

static void put_line_rules(const struct funnel *f, struct text *out)
{
    if (f->n_line_rules) text_printf(out, "\n%-37s %12s\n", "rule of lines", "dropped");
    for (size_t i = 0; i < f->n_line_rules; i++)
        text_printf(out, "%-37s %12llu\n", f->line_rules[i].name,
                    (unsigned long long)f->line_rules[i].lines_dropped);
}

const char *funnel_chart(const struct funnel *f, struct arena *a)
{
    struct text out;
    text_begin(&out, a);
    if (f->n_rows) put_table(f, &out);
    if (f->n_rows) put_bars(f, &out);
    put_line_rules(f, &out);
    return out.n_bytes ? out.data : "";
}
