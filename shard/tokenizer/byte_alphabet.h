#pragma once
// GPT-2's way to write any byte as a printable character: the printable bytes 0x21-7E, A1-AC and
// AE-FF stand for themselves (as code points), the other 68 bytes, ascending, for U+0100 and up.
// Vocabulary files are written in it ("Ġthe" is " the").

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/// Code point that stands for byte. Can't fail.
uint32_t byte_alphabet_code(uint8_t byte);
/// Place of byte in the alphabet's order, printables first: GPT-2's ids 0..255. Can't fail.
uint32_t byte_alphabet_order(uint8_t byte);
/// The bytes that text (UTF-8) stands for, in a. Errors: ERR_DATA when a character is not in the
/// alphabet.
enum err byte_alphabet_decode(struct span text, struct arena *a, struct span *out) MUST_CHECK;
/// NUL-terminated UTF-8 that stands for bytes, in a. Can't fail.
char *byte_alphabet_encode(struct span bytes, struct arena *a);
