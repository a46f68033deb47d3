#pragma once
// Which lines of a page are its main content, and these as text.

#include "base/arena.h"
#include "base/span.h"
#include "shard/extract/html_page.h"

/// The main content of page, in a: a line for each paragraph, heading, item ("- " before it) and
/// row of a table (" | " between cells), preformatted text as it was. No bytes if there is none.
/// Local. Can't fail.
struct span main_text_extract(const struct html_page *page, struct arena *a);
