#pragma once
// What a kind of input is: one row says by which names and first bytes its files are known, how the
// next record is found, and how a record becomes a document. For the readers of kinds alone.

#include "shard/read/reader.h"
#include "shard/read/trajectory.h"
#include "shard/read/unpack.h"

static const uint64_t READER_SKIP_LIMIT = (uint64_t)4 << 30;

struct reader {
    const struct inputs *inputs;
    const struct reader_options *options;
    struct reader_loss loss;
    size_t next_file;
    const struct input_file *file; // open, or NULL
    struct unpack *unpack;         // of the open file, once a kind asked for it
    struct arena scratch;          // the kind's, between two calls of its own
    struct arena file_arena;       // lives as long as the file is open
    void *state;                   // the kind's, in file_arena
    bool ended;                    // the open file has no more
    uint64_t number;               // records so far, or lines
    uint64_t end_offset;           // of the file that was closed last; 0: nothing was unpacked
    bool streamed;                 // it had members that were
    size_t searched;               // bytes of the window that hold no separator
};

/// The next record of the open file, in a; nothing more = r->ended. After ERR_DATA the next call
/// goes on behind what was bad. Errors: ERR_IO ERR_MEMORY ERR_DATA.
typedef enum err (*reader_next_fn)(struct reader *r, struct arena *a, struct reader_record *out);
typedef enum err (*reader_document_fn)(const struct reader_record *record, struct arena *a,
                                       struct document *out);

typedef enum err (*reader_trajectory_fn)(const struct reader_record *record, struct arena *a,
                                         struct trajectory *out);

/// What ends each record of such a file, so that it can be cut; NULL = nothing.
typedef const char *(*reader_separator_fn)(const struct reader_options *options);

struct reader_kind {
    const char *name;
    const char *suffixes[5];
    bool within_folders;             // taken from folders too, not only when it is named
    bool compressed;                 // .gz and .zst of it are taken
    bool (*sniff)(struct span head); // first bytes of a named file with another suffix; or NULL
    reader_next_fn next;
    void (*close)(struct reader *r); // what its state holds; NULL = nothing
    reader_document_fn document;
    reader_trajectory_fn trajectory; // NULL: holds none
    reader_separator_fn separator;   // that plain files can be cut at; NULL = none
    bool members;                    // a record begins with a compressed member, as sniff tells
    char mark;                       // between source and number in the id of a record without one
};

extern const struct reader_kind READER_KINDS[INPUT_N];

/// The open file's bytes in r->unpack. Errors: ERR_IO ERR_MEMORY.
enum err reader_unpack(struct reader *r) MUST_CHECK;
/// Appends to the window. After damage the window is dropped and reading goes on at the next
/// member, but the error is returned. Errors: ERR_IO ERR_MEMORY ERR_DATA.
enum err reader_fill(struct reader *r) MUST_CHECK;
/// The next piece up to separator or the file's end, borrowed from the window; r->ended when there
/// is none. Longer ones are gone past before the error. Errors: as reader_fill.
enum err reader_piece(struct reader *r, const char *separator, struct span *out) MUST_CHECK;
/// A compressed record that was skipped for more than READER_SKIP_LIMIT bytes is a bomb: the rest
/// of its member is left out. Errors: ERR_DATA (then), ERR_IO.
enum err reader_skip_check(struct reader *r, uint64_t n_skipped) MUST_CHECK;
/// A record of raw, copied to a.
struct reader_record reader_record_of(const struct reader *r, struct span raw, struct arena *a);
/// A record of tokens, in a. Can't fail.
struct reader_record reader_record_of_tokens(const struct reader *r, const uint32_t *tokens,
                                             size_t n_tokens, struct arena *a);
/// s without the byte order mark that programs of Windows begin UTF-8 files with. Can't fail.
struct span reader_without_mark(struct span s);
/// True for white space and nothing else.
bool reader_blank(struct span s);
/// fail_at with path:number of the record.
enum err reader_fail_at(const struct reader_record *record, enum err e) MUST_CHECK;

// Columns of the rows of READER_KINDS.

/// The next record of a file of that kind. Errors: as reader_next_fn.
enum err reader_text_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;
enum err reader_file_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;
enum err reader_csv_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;
enum err reader_jsonl_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;
enum err reader_json_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;
enum err reader_megatron_next(struct reader *r, struct arena *a,
                              struct reader_record *out) MUST_CHECK;
enum err reader_llmc_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;
enum err reader_tar_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;
enum err reader_warc_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;
enum err reader_image_next(struct reader *r, struct arena *a, struct reader_record *out) MUST_CHECK;

/// The document in a record of that kind. Thread-safe. Errors: ERR_DATA ERR_IO ERR_MEMORY.
enum err reader_text_document(const struct reader_record *record, struct arena *a,
                              struct document *out) MUST_CHECK;
enum err reader_html_document(const struct reader_record *record, struct arena *a,
                              struct document *out) MUST_CHECK;
enum err reader_csv_document(const struct reader_record *record, struct arena *a,
                             struct document *out) MUST_CHECK;
enum err reader_json_document(const struct reader_record *record, struct arena *a,
                              struct document *out) MUST_CHECK;
enum err reader_tokens_document(const struct reader_record *record, struct arena *a,
                                struct document *out) MUST_CHECK;
enum err reader_tar_document(const struct reader_record *record, struct arena *a,
                             struct document *out) MUST_CHECK;
enum err reader_warc_document(const struct reader_record *record, struct arena *a,
                              struct document *out) MUST_CHECK;
enum err reader_image_document(const struct reader_record *record, struct arena *a,
                               struct document *out) MUST_CHECK;

/// The trajectory in a record of that kind. Errors: ERR_DATA.
enum err reader_json_trajectory(const struct reader_record *record, struct arena *a,
                                struct trajectory *out) MUST_CHECK;
enum err reader_csv_trajectory(const struct reader_record *record, struct arena *a,
                               struct trajectory *out) MUST_CHECK;

/// What ends records of that kind; NULL = nothing. Can't fail.
const char *reader_text_separator(const struct reader_options *options);
const char *reader_jsonl_separator(const struct reader_options *options);

/// Whether a file that begins with head is of that kind. Can't fail.
bool reader_warc_sniff(struct span head);
bool reader_tar_sniff(struct span head);
bool reader_megatron_sniff(struct span head);
bool reader_llmc_sniff(struct span head);

/// Closes what the kind's state holds. Can't fail.
void reader_megatron_close(struct reader *r);
void reader_llmc_close(struct reader *r);
