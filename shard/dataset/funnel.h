#pragma once
// What each stage of a build let through: ordered rows, a stage or a rule each. What leaves a row
// enters the next, so the rows add up; dropped documents end in the row that dropped them.

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { FUNNEL_ROW_LIMIT = 64, FUNNEL_LINE_RULE_LIMIT = 8 };

struct funnel_row {
    const char *name;
    uint64_t documents_in, bytes_in; // bytes of what the documents hold there
    uint64_t documents_out, bytes_out;
    uint64_t documents_changed; // of those that left: their bytes are not what came in
};

struct funnel_line_rule {
    const char *name;
    uint64_t lines_dropped; // of documents that were judged, whatever became of them
};

struct funnel {
    struct funnel_row rows[FUNNEL_ROW_LIMIT];
    size_t n_rows;
    struct funnel_line_rule line_rules[FUNNEL_LINE_RULE_LIMIT];
    size_t n_line_rules;
};

/// The way of one document through consecutive rows.
struct funnel_trail {
    size_t n_entered;                     // rows it came into
    bool out;                             // it left the last of them
    uint64_t bytes[FUNNEL_ROW_LIMIT + 1]; // bytes[i] entered row i; bytes[n_entered] left the last
    bool changed[FUNNEL_ROW_LIMIT];
};

/// Appends a row; name is borrowed. Can't fail.
void funnel_add_row(struct funnel *f, const char *name);
/// Appends a rule of lines; name is borrowed. Can't fail.
void funnel_add_line_rule(struct funnel *f, const char *name);
/// Counts a document whose trail begins at row first. Can't fail.
void funnel_count(struct funnel *f, size_t first, const struct funnel_trail *trail);
/// Adds the counts of other, which has the same rows. Can't fail.
void funnel_add(struct funnel *f, const struct funnel *other);

/// The document enters the next row with n_bytes. Can't fail.
void funnel_trail_enter(struct funnel_trail *t, uint64_t n_bytes);
/// It leaves that row with n_bytes. Can't fail.
void funnel_trail_leave(struct funnel_trail *t, uint64_t n_bytes, bool changed);

/// Whether what leaves each row enters the next. Can't fail.
bool funnel_adds_up(const struct funnel *f);
/// An object: "stages", an array of {stage documents_in bytes_in documents_out bytes_out
/// documents_changed}, and "line_rules", an array of {rule lines_dropped}. Owned by the caller;
/// NULL when memory ran out.
json_t *funnel_to_json(const struct funnel *f);
/// Reads what funnel_to_json makes; names live in a. False: it is something else.
bool funnel_from_json(const json_t *funnel, struct arena *a, struct funnel *out);
/// A table, and a bar for each row: lines for people, in a; "" without rows. Can't fail.
const char *funnel_chart(const struct funnel *f, struct arena *a);
