#pragma once
// Image files that documents name: found below one folder and nowhere else, and known by their
// first bytes. They are not decoded here.

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum { IMAGE_FILE_LIMIT = 32 << 20 }; // bytes of one image

/// True for bytes that begin like JPEG, PNG or WebP. Can't fail.
bool image_file_known(struct span bytes);
/// The image called name below the folder that beside (a file's path) stands in, into a. Links are
/// not followed. Errors: ERR_DATA (an absolute name, one with .. or of a web page, a link, no
/// file, no image, more than the limit), ERR_IO.
enum err image_file_read(const char *beside, struct span name, struct arena *a,
                         struct span *out) MUST_CHECK;
