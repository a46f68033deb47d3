#pragma once
// weft tokenizer train -o TOK --vocab N INPUT...

#include "base/err.h"

/// Trains on the inputs and writes a tokenizer.json. Errors: ERR_USAGE, ERR_CONFIG (vocabulary),
/// ERR_DATA (no text), ERR_IO.
enum err command_tokenizer_train(int argc, char **argv) MUST_CHECK;
