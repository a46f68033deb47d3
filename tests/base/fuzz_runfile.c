// Run files of arbitrary bytes: an error is one line that names the file, and what is accepted
// prints as YAML that is accepted again and prints the same.

#include <stdbool.h>
#include <string.h>

#include "base/runfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

struct item {
    const char *path;
    double weight;
};

struct config {
    const char *name;
    uint64_t width;
    int kind;
    bool tied;
    struct item items[3];
    size_t n_items;
};

static const struct runfile_key keys[] = {
    {.path = "name", .type = RUNFILE_TEXT, .offset = offsetof(struct config, name), .fallback = ""},
    {.path = "m.kind",
     .type = RUNFILE_CHOICE,
     .offset = offsetof(struct config, kind),
     .choices = "a b",
     .fallback = "a"},
    {.path = "m.w",
     .type = RUNFILE_U64,
     .offset = offsetof(struct config, width),
     .when = "m.kind=b"},
    {.path = "m.tied",
     .type = RUNFILE_BOOL,
     .offset = offsetof(struct config, tied),
     .fallback = "true"},
    {.path = "l[].p",
     .type = RUNFILE_TEXT,
     .offset = offsetof(struct item, path),
     .list_offset = offsetof(struct config, items),
     .list_stride = sizeof(struct item),
     .list_limit = 3,
     .count_offset = offsetof(struct config, n_items)},
    {.path = "l[].w",
     .type = RUNFILE_F64,
     .offset = offsetof(struct item, weight),
     .fallback = "1",
     .list_offset = offsetof(struct config, items),
     .list_stride = sizeof(struct item),
     .list_limit = 3,
     .count_offset = offsetof(struct config, n_items)},
};
static const struct runfile_table table = {keys, sizeof keys / sizeof keys[0]};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    struct arena a;
    arena_init(&a, "fuzz");
    struct config c = {0}, again = {0};
    if (runfile_parse((const char *)data, n_bytes, "x", NULL, 0, &table, &a, &c) == OK) {
        const char *printed = runfile_print(&table, &c, &a);
        enum err e = runfile_parse(printed, strlen(printed), "y", NULL, 0, &table, &a, &again);
        ASSERT(e == OK && strcmp(runfile_print(&table, &again, &a), printed) == 0);
    } else {
        ASSERT(strncmp(err_line(), "x:", 2) == 0 && strpbrk(err_line(), "\r\n") == NULL);
    }
    arena_fini(&a);
    return 0;
}
