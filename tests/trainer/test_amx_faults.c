// The software tiles of amx_trap.c themselves: what would fault on hardware dies of SIGILL for the
// reason given, and tiles smaller than the largest multiply as Intel documents it.
#include <immintrin.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "trainer/kernel/isa.h"

enum { CONFIG_BYTES = 64, COLUMN_BYTES = 16, ROWS = 48, FULL_ROWS = 16, FULL_BYTES = 64 };

// In allocated memory, so that compilers take fences for a reason to have written it.
struct buffers {
    uint8_t config[CONFIG_BYTES];
    uint16_t a[FULL_ROWS][32], b[FULL_ROWS][32];
    float c[FULL_ROWS][FULL_ROWS];
};

static struct buffers *buffers;

static void set_tile(int t, uint8_t rows, uint8_t row_bytes)
{
    buffers->config[ROWS + t] = rows;
    buffers->config[COLUMN_BYTES + 2 * t] = row_bytes;
}

static void configure(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    _tile_loadconfig(buffers->config);
}

static void configure_byte(int at, uint8_t value)
{
    buffers->config[at] = value;
    configure();
}

// c[3, 5] = a[3, 4 pairs] b[4 pairs, 5], then one tile changed.
static void multiply_with(int t, uint8_t rows, uint8_t row_bytes)
{
    set_tile(0, 3, 20);
    set_tile(1, 3, 16);
    set_tile(2, 4, 20);
    if (t >= 0) set_tile(t, rows, row_bytes);
    configure();
    _tile_dpbf16ps(0, 1, 2);
}

static void use_unconfigured(void)
{
    _tile_zero(0);
}

static void use_released(void)
{
    configure();
    _tile_release();
    _tile_loadd(0, buffers->a, 64);
}

static void store_released(void)
{
    configure();
    _tile_release();
    _tile_stored(0, buffers->c, 64);
}

static void multiply_unconfigured(void)
{
    _tile_dpbf16ps(0, 1, 2);
}

static void use_absent_tile(void)
{
    set_tile(3, 0, 0);
    configure();
    _tile_loadd(3, buffers->a, 64);
}

static void odd_row(void)
{
    set_tile(3, 4, 6);
    configure();
    _tile_loadd(3, buffers->a, 64);
}

static void other_rows(void)
{
    multiply_with(0, 4, 20);
}

static void other_depth(void)
{
    multiply_with(1, 3, 20);
}

static void other_columns(void)
{
    multiply_with(0, 3, 16);
}

static void palette_two(void)
{
    configure_byte(0, 2);
}

static void start_row(void)
{
    configure_byte(1, 1);
}

static void reserved_2(void)
{
    configure_byte(15, 1);
}

static void ninth_columns(void)
{
    configure_byte(COLUMN_BYTES + 16, 64);
}

static void ninth_rows(void)
{
    configure_byte(ROWS + 8, 16);
}

static void wide_row(void)
{
    configure_byte(COLUMN_BYTES + 4, 65);
}

static void wide_row_high_byte(void)
{
    configure_byte(COLUMN_BYTES + 5, 1);
}

static void many_rows(void)
{
    configure_byte(ROWS + 2, 17);
}

static void half_tile(void)
{
    configure_byte(ROWS + 2, 0);
}

static void configure_twice(void)
{
    configure();
    configure();
}

static void release_twice(void)
{
    configure();
    _tile_release();
    _tile_release();
}

static void other_instruction(void)
{
    __builtin_trap();
}

static const struct {
    void (*run)(void);
    const char *reason;
} FAULTS[] = {{use_unconfigured, "#UD: tiles are not configured"},
              {use_released, "#UD: tiles are not configured"},
              {store_released, "#UD: tiles are not configured"},
              {multiply_unconfigured, "#UD: tiles are not configured"},
              {use_absent_tile, "#UD: the tile is not configured"},
              {odd_row, "#UD: a row is not whole double words"},
              {other_rows, "#UD: rows of c and a"},
              {other_depth, "#UD: columns of a, rows of b"},
              {other_columns, "#UD: columns of c and b"},
              {palette_two, "#GP: palette is not 1"},
              {start_row, "start_row is not 0"},
              {reserved_2, "#GP: bytes 2 to 15"},
              {ninth_columns, "#GP: bytes 32 to 47"},
              {ninth_rows, "#GP: bytes 56 to 63"},
              {wide_row, "#GP: more than 64 bytes"},
              {wide_row_high_byte, "#GP: more than 64 bytes"},
              {many_rows, "#GP: more than 16 rows"},
              {half_tile, "#GP: half a tile"},
              {configure_twice, "configured twice"},
              {release_twice, "released without"},
              {other_instruction, "not one of AMX"}};

static void set_full_tiles(void)
{
    memset(buffers, 0, sizeof *buffers);
    buffers->config[0] = 1;
    for (int t = 0; t < 8; t++)
        set_tile(t, FULL_ROWS, FULL_BYTES);
}

// Runs f in a child with full tiles set; its wait status, and what it wrote to stderr.
static int run_child(void (*f)(void), char *text, size_t n_bytes)
{
    int ends[2], status;
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        set_full_tiles();
        f();
        exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t n; (n = read(ends[0], text + length, n_bytes - 1 - length)) > 0;)
        length += (size_t)n;
    text[length] = '\0';
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void test_faults(void)
{
    char text[1000];
    for (size_t f = 0; f < sizeof FAULTS / sizeof FAULTS[0]; f++) {
        const int status = run_child(FAULTS[f].run, text, sizeof text);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGILL && strstr(text, FAULTS[f].reason))
            continue;
        check_failed(__FILE__, __LINE__, "%s: status %d, wrote %s", FAULTS[f].reason, status, text);
    }
    const int status = run_child(configure, text, sizeof text); // no release
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static uint16_t half(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)(bits >> 16);
}

// Small integers, exact in any order: c = 1 + a b, the rest of c's rows untouched.
static void test_small_tiles(void)
{
    set_full_tiles();
    for (int x = 0; x < FULL_ROWS; x++)
        for (int y = 0; y < 32; y++) {
            buffers->a[x][y] = half((float)(x + y));
            buffers->b[x][y] = half((float)(3 * x - y));
            buffers->c[x][y / 2] = 1.0f;
        }
    set_tile(0, 3, 20);
    set_tile(1, 3, 16);
    set_tile(2, 4, 20);
    configure();
    _tile_loadd(0, buffers->c, 64);
    _tile_loadd(1, buffers->a, 64);
    _tile_loadd(2, buffers->b, 64);
    _tile_dpbf16ps(0, 1, 2);
    _tile_stored(0, buffers->c, 64);
    _tile_release();
    atomic_signal_fence(memory_order_seq_cst);
    for (int m = 0; m < FULL_ROWS; m++)
        for (int n = 0; n < FULL_ROWS; n++) {
            int want = 1;
            for (int k = 0; k < 8 && m < 3 && n < 5; k++)
                want += (m + k) * (3 * (k / 2) - (2 * n + k % 2));
            CHECK_EQ(buffers->c[m][n], want);
        }
}

int main(void)
{
    CHECK_EQ(isa_set(ISA_AMX), ISA_AMX);
    buffers = malloc(sizeof *buffers);
    CHECK(buffers != NULL);
    test_faults();
    test_small_tiles();
    free(buffers);
    return 0;
}
