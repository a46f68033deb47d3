#pragma once
// The encoding of a page, found as browsers find it, and its bytes as UTF-8.
//
// In this order: a byte order mark; what the server said; what a <meta> in the first 64 KiB says
// (or <?xml encoding?>); UTF-8 if that is what the bytes are; a guess (charset_guess.h). Two
// departures, because servers and templates are often wrong: bytes of more than ASCII that are
// valid UTF-8 are UTF-8 whatever single-byte encoding was said, and what was said to be UTF-8 but
// is mostly not is taken as if nothing had been said.

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/// html as valid UTF-8, without a byte order mark; what is not text becomes U+FFFD. The bytes
/// themselves if they are valid already, else a copy in a. hint: as extract_page's charset_hint.
/// Local. Errors: ERR_DATA (an encoding that browsers refuse to decode, UTF-7; ERR_IO: the system
/// has no converter).
enum err charset_decode(struct span html, struct span hint, struct arena *a,
                        struct span *utf8) MUST_CHECK;

/// The name, as iconv knows it, of the encoding charset_decode would take; "" if it refuses it.
/// For tests and statistics. Local. Can't fail.
const char *charset_find(struct span html, struct span hint);
