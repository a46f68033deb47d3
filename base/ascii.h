#pragma once
// Classes of ASCII bytes, whatever the locale; bytes of 128 and more are in none.

#include <stdbool.h>
#include <stdint.h>

static inline bool ascii_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool ascii_is_alnum(uint8_t c)
{
    return ascii_is_digit(c) || ascii_is_letter(c);
}

/// c, capitals made small.
static inline uint8_t ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}
