#pragma once
// Turns files into records, in order, and records into documents (shard/document.h). Reading
// records is one thread's work and looks for boundaries; a record becomes a document (JSON parsed,
// HTTP undone, images loaded) in any thread. Text bytes are kept as they are, valid UTF-8 or not;
// HTML is handed on as HTML, marked so.
//
// A text file is one document, or split: at form feeds, at two or more blank lines, or at a given
// separator; then newlines around a piece are dropped, and pieces of only white space too.
// An HTML file is one document. Each line of a JSONL file is an object with "text" and maybe "id".

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/document.h"
#include "shard/read/inputs.h"

enum {
    READER_DOCUMENT_LIMIT = 64 << 20, // bytes of a record, checked before allocation
    READER_HTML_LIMIT = 16 << 20,     // bytes of an HTML file
    READER_ID_LIMIT = 1024            // bytes of a document's id
};

struct bin_edges;
struct trajectory;

struct reader_record {
    const struct input_file *file;
    const struct reader_options *options;
    struct span raw;
    uint64_t number; // line of a JSONL file or piece of a split text, from 1; 0 = the whole file
};

struct reader_options {
    const char *separator; // splits text files into documents; NULL = a file is a document
    // What cannot be read is left out and counted; false: it is an error. Damage within a record
    // that only reader_document sees is its error either way.
    bool skip_bad;
    // Told by reader_next why it left something out; may be NULL.
    void (*lost)(void *context, const char *line);
    void *context;
    const struct bin_edges *bin_edges; // of trajectories; NULL = they are errors
    // What ends a text in pre-tokenized input, and is left off its documents, where it is known.
    bool has_end_of_text;
    uint32_t end_of_text;
};

/// What a reader left out so far.
struct reader_loss {
    uint64_t n_documents; // damaged or longer than a limit; a damaged stretch counts as one
    uint64_t n_bytes;     // of them, as they stand in the file (compressed if it is)
    uint64_t n_other;     // sound records that are no documents (requests, redirects, ...)
};

struct reader;

/// Borrows inputs and options; lives in a. A part of the inputs is read by giving a struct inputs
/// whose files point into the whole. Can't fail.
struct reader *reader_open(const struct inputs *inputs, const struct reader_options *options,
                           struct arena *a);
/// Closes the open file. Can't fail.
void reader_close(struct reader *r);
/// What was left out so far. Can't fail.
struct reader_loss reader_loss(const struct reader *r);
/// The next record, its bytes in a; *more false at the end. Errors: ERR_IO; ERR_DATA (damage, a
/// record longer than the limit) naming file and record, unless skip_bad.
enum err reader_next(struct reader *r, struct arena *a, struct reader_record *out,
                     bool *more) MUST_CHECK;

/// The document in a record, in a (or in the record); no pieces, or only empty ones = nothing in
/// it. Without an id of its own it is named by its source, with #piece or :line. Thread-safe.
/// Errors: ERR_DATA naming file and line.
enum err reader_document(const struct reader_record *record, struct arena *a,
                         struct document *out) MUST_CHECK;

/// The trajectory in a record, in a: for finding bin edges. Errors: ERR_DATA (also of a record that
/// holds none).
enum err reader_trajectory(const struct reader_record *record, struct arena *a,
                           struct trajectory *out) MUST_CHECK;
