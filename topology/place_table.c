#include "topology/place.h"

#include <stdio.h>
#include <string.h>

// Columns are as wide as their widest cell; the last one is not padded.
enum { COLUMNS = 6, CELL_BYTES = 160 };

struct row {
    char cells[COLUMNS][CELL_BYTES];
};

static const char *const titles[COLUMNS] = {"rank", "host", "cores", "numa", "memory", "bound"};

static void print_bound(const struct place *p, char *out)
{
    snprintf(out, CELL_BYTES, "%s%s%s", p->bound ? "yes" : "no", p->why_not[0] != '\0' ? ", " : "",
             p->why_not);
}

static struct row row_of(const struct place *p, const char *host, size_t rank)
{
    struct row r = {{{0}}};
    snprintf(r.cells[0], CELL_BYTES, "%zu", rank);
    snprintf(r.cells[1], CELL_BYTES, "%s", host);
    snprintf(r.cells[2], CELL_BYTES, "%s", p->cores);
    snprintf(r.cells[3], CELL_BYTES, "%s", p->numa);
    snprintf(r.cells[4], CELL_BYTES, "%.1f GiB", (double)p->memory_bytes / (1 << 30));
    print_bound(p, r.cells[5]);
    return r;
}

static size_t print_row(const struct row *r, const int *widths, char *out, size_t n_bytes)
{
    size_t used = 0;
    for (int c = 0; c < COLUMNS; c++) {
        const bool is_last = c == COLUMNS - 1;
        used += (size_t)snprintf(out + used, n_bytes - used, "%-*s%s", is_last ? 0 : widths[c],
                                 r->cells[c], is_last ? "\n" : "  ");
    }
    return used;
}

char *place_table(const struct place *places, const char *const *hosts, size_t n_ranks,
                  struct arena *a)
{
    struct row *rows = ARENA_ARRAY(a, struct row, n_ranks + 1);
    int widths[COLUMNS] = {0};
    for (int c = 0; c < COLUMNS; c++)
        snprintf(rows[0].cells[c], CELL_BYTES, "%s", titles[c]);
    for (size_t r = 0; r < n_ranks; r++)
        rows[r + 1] = row_of(&places[r], hosts[r], r);
    size_t width = 1;
    for (int c = 0; c < COLUMNS; c++) {
        for (size_t r = 0; r <= n_ranks; r++) {
            const int n = (int)strlen(rows[r].cells[c]);
            if (n > widths[c]) widths[c] = n;
        }
        width += (size_t)widths[c] + 2;
    }
    const size_t n_bytes = (n_ranks + 1) * width + 1;
    char *text = ARENA_ARRAY(a, char, n_bytes);
    size_t used = 0;
    for (size_t r = 0; r <= n_ranks; r++)
        used += print_row(&rows[r], widths, text + used, n_bytes - used);
    return text;
}
