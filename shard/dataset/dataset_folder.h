#pragma once
// The folder of a dataset that is being built. Everything is written in OUT.partial, which one
// build at a time may hold; when all of it is on disk the folder is renamed to OUT. So OUT is whole
// or absent. What a killed build left in OUT.partial is cleared by the next, but for the folder
// OUT.partial/work, from which it may go on.

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct dataset_folder {
    const char *out;
    const char *partial; // OUT.partial
    const char *work;    // OUT.partial/work
    int fd;              // of partial, locked
    bool keep;           // dataset_folder_end leaves OUT.partial to the next build
};

/// Where things lie when OUT is built; nothing is touched. Paths live in a. Can't fail.
void dataset_folder_name(const char *out, struct arena *a, struct dataset_folder *f);
/// Makes and locks OUT.partial, with nothing in it but work. OUT may be an empty folder. Paths live
/// in a. Errors: ERR_USAGE (OUT exists), ERR_IO (also: another build holds it).
enum err dataset_folder_begin(const char *out, struct arena *a,
                              struct dataset_folder *f) MUST_CHECK;
/// Removes work and renames OUT.partial to OUT, with fsync before and after. Errors: ERR_IO.
enum err dataset_folder_commit(struct dataset_folder *f) MUST_CHECK;
/// Removes OUT.partial, if it is still there and not to be kept, and releases it. Keeps the error
/// line. Can't fail.
void dataset_folder_end(struct dataset_folder *f);
