#pragma once
// Numbers written by people: plain decimal and nothing else. Refused: signs before whole numbers,
// leading zeros, octal, hex, digit separators, blanks, nan, infinity, and what does not fit.

#include <stdbool.h>
#include <stdint.h>

/// 0 or [1-9][0-9]*. False, with *out untouched, when text is anything else or above UINT64_MAX.
bool number_parse_u64(const char *text, uint64_t *out);
/// -?(0|[1-9][0-9]*)(.[0-9]+)?(e[+-]?[0-9]+)?. False when it overflows, or underflows to zero.
bool number_parse_f64(const char *text, double *out);

enum { NUMBER_F64_BYTES = 32 };
/// The shortest decimal that number_parse_f64 reads back to the same bits; value is finite.
void number_print_f64(double value, char out[NUMBER_F64_BYTES]);
