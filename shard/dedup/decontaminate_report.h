#pragma once
// What decontamination dropped, over all ranks: rank 0 writes a line of JSON for each document, in
// the documents' order, and a table of evaluation items with their number of documents.
//
//     TRY(decontaminate_report_open(&options, index, &report));     // options as in duplicates.h
//     e = decontaminate_report_add(report, number, id, &hit);
//     TRY(decontaminate_report_write(report, e, folder));           // collective
//     decontaminate_report_close(report);

#include "base/err.h"
#include "shard/dedup/decontaminate.h"
#include "shard/dedup/duplicates.h"

#define DECONTAMINATE_REPORT_NAME "decontamination.jsonl"
#define DECONTAMINATE_TABLE_NAME "decontamination.txt"

enum { DECONTAMINATE_ID_BYTES = 1024 };

struct decontaminate_report;

/// Borrows index until close. Local. Errors: ERR_USAGE (memory_bytes too small), ERR_MEMORY.
enum err decontaminate_report_open(const struct duplicates_options *o,
                                   const struct decontaminate_index *index,
                                   struct decontaminate_report **out) MUST_CHECK;
/// Notes a dropped document of this rank, once. id names it for people; of a longer one the first
/// DECONTAMINATE_ID_BYTES are kept. Local. Errors: ERR_IO (spill), ERR_MEMORY.
enum err decontaminate_report_add(struct decontaminate_report *r, uint64_t document, struct span id,
                                  const struct decontaminate_hit *hit) MUST_CHECK;
/// Writes the two files into folder, new or over old ones. mine is this rank's error so far.
/// Collective. Errors: any rank's.
enum err decontaminate_report_write(struct decontaminate_report *r, enum err mine,
                                    const char *folder) MUST_CHECK;
/// Documents dropped, over all ranks. After the write. Can't fail.
uint64_t decontaminate_report_n_dropped(const struct decontaminate_report *r);
/// Frees; NULL is fine. Can't fail.
void decontaminate_report_close(struct decontaminate_report *r);
