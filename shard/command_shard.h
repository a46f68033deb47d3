#pragma once
// The commands below weft shard, each in its own file.

#include "base/err.h"

/// argv[0] is the last word. Errors: the command's; main prints the line.
enum err command_shard_build(int argc, char **argv) MUST_CHECK;
enum err command_shard_judge(int argc, char **argv) MUST_CHECK;
enum err command_shard_bins(int argc, char **argv) MUST_CHECK;
enum err command_shard_export(int argc, char **argv) MUST_CHECK;
enum err command_shard_verify(int argc, char **argv) MUST_CHECK;
enum err command_shard_stat(int argc, char **argv) MUST_CHECK;
enum err command_shard_cat(int argc, char **argv) MUST_CHECK;
