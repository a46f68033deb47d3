#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at)
{
    while (is_digit(*at))
        at++;
    return at;
}

// Past 0 or [1-9][0-9]*; NULL when neither is there.
static const char *skip_whole(const char *at)
{
    if (*at == '0') return at + 1;
    return is_digit(*at) ? skip_digits(at) : NULL;
}

bool number_parse_u64(const char *text, uint64_t *out)
{
    const char *end = skip_whole(text);
    if (end == NULL || *end != '\0') return false;
    uint64_t value = 0;
    for (; *text != '\0'; text++) {
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) return false;
    }
    *out = value;
    return true;
}

static bool f64_grammar(const char *at)
{
    at = skip_whole(*at == '-' ? at + 1 : at);
    if (at == NULL) return false;
    if (*at == '.') {
        if (!is_digit(at[1])) return false;
        at = skip_digits(at + 1);
    }
    if (*at == 'e' || *at == 'E') {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        if (!is_digit(*at)) return false;
        at = skip_digits(at);
    }
    return *at == '\0';
}

bool number_parse_f64(const char *text, double *out)
{
    if (!f64_grammar(text)) return false;
    errno = 0;
    double value = strtod(text, NULL);
    if (!isfinite(value) || (errno == ERANGE && value == 0)) return false;
    *out = value;
    return true;
}

void number_print_f64(double value, char out[NUMBER_F64_BYTES])
{
    ASSERT(isfinite(value));
    if (fabs(value) < 1e15 && value == floor(value) && !(value == 0 && signbit(value))) {
        snprintf(out, NUMBER_F64_BYTES, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, NUMBER_F64_BYTES, "%.*g", digits, value);
        if (strtod(out, NULL) == value) return;
    }
}
