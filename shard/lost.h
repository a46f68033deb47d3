#pragma once
// What --skip-bad leaves out: all of it is counted, the first of it named on stderr.

#include <stdint.h>

enum { LOST_LINES = 10 }; // named by a command, whatever the number of its ranks

struct lost {
    uint64_t n;
    uint64_t limit; // lines; 0 = LOST_LINES
};

/// A reader's lost: counts, and names the first ones. context is a struct lost. One thread. Can't
/// fail.
void lost_add(void *context, const char *line);
