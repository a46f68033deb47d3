// What a batch may not hold: every array at its limits, one beyond them, and below 0.

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "trainer/run/batch_check.h"

enum { T = 8, N = 2 * T };

static const struct batch_limits limits = {.vocabulary = 100, .context = T, .sequence = T};

static void check_integer(const char *name, size_t at, int32_t largest)
{
    int32_t values[N] = {0};
    values[at] = largest;
    CHECK_OK(batch_check_values(name, values, N, &limits));
    values[at] = largest + 1;
    CHECK_ERR(batch_check_values(name, values, N, &limits), ERR_DATA);
    values[at] = -1;
    CHECK_ERR(batch_check_values(name, values, N, &limits), ERR_DATA);
}

static void check_mask(float value, enum err expected)
{
    float values[N] = {0};
    values[N - 1] = value;
    CHECK(batch_check_values("mask", values, N, &limits) == expected);
}

static void check_copy(void)
{
    int32_t data[N] = {1, 2, 3}, out[N] = {0};
    struct batch b = {.n_arrays = 1, .arrays = {{"tokens", BATCH_I32, N, N, data}}};
    struct tensor t = {.name = "tokens", .type = DTYPE_I32};
    CHECK_OK(batch_check_copy(&b, &t, sizeof data, out));
    CHECK(memcmp(out, data, sizeof data) == 0);
    CHECK_ERR(batch_check_copy(&b, &t, sizeof data / 2, out), ERR_DATA);
    t.type = DTYPE_F32;
    CHECK_ERR(batch_check_copy(&b, &t, sizeof data, out), ERR_DATA);
    snprintf(t.name, sizeof t.name, "mask");
    CHECK_ERR(batch_check_copy(&b, &t, sizeof data, out), ERR_DATA);
}

int main(void)
{
    for (size_t at = 0; at < N; at++) {
        check_integer("tokens", at, 99);
        check_integer("targets", at, 99);
        check_integer("positions", at, T - 1);
        check_integer("document_start", at, (int32_t)(at % T));
    }
    check_mask(1, OK);
    check_mask(1.5f, ERR_DATA);
    check_mask(-0.5f, ERR_DATA);
    check_mask(NAN, ERR_DATA);
    check_copy();
    return 0;
}
