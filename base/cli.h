#pragma once
// Command-line options from a table, shared by all commands.
//
//     static const struct cli_option options[] = {
//         {"ranks", 'n', CLI_U64, &ranks, "RANKS", "how many ranks"},
//         {"json", 0, CLI_FLAG, &json, NULL, "print JSON"}};
//     TRY(cli_parse_one(argc, argv, &(struct cli_usage){...}, &run_file));

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum cli_type {
    CLI_FLAG /* bool */,
    CLI_U64 /* uint64_t */,
    CLI_F64 /* double */,
    CLI_TEXT /* const char * */,
    CLI_LIST /* struct cli_list */
};

enum { CLI_LIST_LIMIT = 64 };
struct cli_list {
    const char *items[CLI_LIST_LIMIT];
    size_t n_items;
};

struct cli_option {
    const char *name; // without --
    char letter;      // 0 = none
    enum cli_type type;
    void *out;
    const char *value_name;
    const char *help;
};

struct cli_usage {
    const char *synopsis; // "weft shard verify DIR"
    const char *summary;  // one line
    const char *example;  // one command line
    const struct cli_option *options;
    size_t n_options;
    size_t min_operands, max_operands;
};

/// Options and operands may be mixed; "--" ends options. *operands points into argv (reordered).
/// --help prints usage to stdout and exits 0. Errors: ERR_USAGE with the nearest valid option.
enum err cli_parse(int argc, char **argv, const struct cli_usage *usage, char ***operands,
                   size_t *n_operands) MUST_CHECK;

/// As cli_parse, for exactly one operand; usage's own limits are not read. Errors: ERR_USAGE.
enum err cli_parse_one(int argc, char **argv, const struct cli_usage *usage,
                       const char **operand) MUST_CHECK;

/// A command: argv[0] is the command's last word ("verify").
typedef enum err (*cli_command_fn)(int argc, char **argv);

struct cli_command {
    const char *name;
    cli_command_fn run;
    const char *summary; // one line
};

/// Runs the command named by argv[1] with argc - 1 and argv + 1, or lists them all for --help.
/// words is what was typed so far ("weft shard"). Errors: ERR_USAGE with the nearest valid command;
/// those of the command.
enum err cli_dispatch(int argc, char **argv, const char *words, const struct cli_command *commands,
                      size_t n_commands) MUST_CHECK;

// Begins the definition of a command of weft.c's table: CLI_COMMAND(train) { ... argc, argv ... }
#define CLI_COMMAND(name)                                      \
    enum err command_##name(int argc, char **argv) MUST_CHECK; \
    enum err command_##name(int argc, char **argv)
