#pragma once
// Asks a running datad how it is doing.

#include "base/arena.h"
#include "base/err.h"

/// The JSON object of datad/report.h, NUL-terminated, in a. Local. Errors: ERR_GONE (nobody listens
/// or answers), ERR_DENIED, ERR_DATA (a foreign or broken datad).
enum err status_ask(const char *socket, struct arena *a, char **json) MUST_CHECK;
