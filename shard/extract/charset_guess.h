#pragma once
// The encoding of text that nobody named and that is not UTF-8, by the shares of its bytes.

#include "base/span.h"

/// The name, as iconv knows it, of the likeliest of a few encodings of Japanese, Chinese, Korean,
/// Russian, Greek, Hebrew and Arabic; windows-1252 ("CP1252") if none is likely. Reads at most
/// 64 KiB. Can't fail.
const char *charset_guess(struct span text);
