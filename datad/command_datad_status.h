#pragma once
// `weft datad status`, dispatched by `weft datad`.

#include "base/err.h"

/// argv[0] is "status". Errors: ERR_USAGE; those of status_ask.
enum err command_datad_status(int argc, char **argv) MUST_CHECK;
