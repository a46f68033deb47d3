// The command table: one line a command. A command is command_<name>.c in the folder that it
// serves, and returns its error; its line is printed here, once. A command on several ranks leaves
// the line empty (err_clear) on all but the rank that knows the cause.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/log.h"

#define COMMAND_TABLE(X)                                            \
    X(data, "what a run was trained on")                            \
    X(datad, "serve batches of a dataset to trainers on this node") \
    X(eval, "validation loss of a checkpoint")                      \
    X(export, "write a checkpoint for other programs")              \
    X(plan, "say what a run will do, need and take")                \
    X(prof, "say what a run did and what its time went into")       \
    X(sample, "write text with a trained model")                    \
    X(shard, "datasets: build, judge, verify, stat, cat, export")   \
    X(submit, "render the Slurm script that trains a run")          \
    X(tokenizer, "train, encode, decode: byte-level BPE")           \
    X(topo, "show this machine and where ranks go on it")           \
    X(train, "train a model")                                       \
    X(warc, "pack HTML files into WARC")

#define X(name, summary) enum err command_##name(int argc, char **argv) MUST_CHECK;
COMMAND_TABLE(X)
#undef X

static enum err command_version(int argc, char **argv)
{
    if (argc > 1) return fail(ERR_USAGE, "unexpected operand '%s'", argv[1]);
    printf("weft %s\n", WEFT_VERSION);
    return OK;
}

static const struct cli_command commands[] = {
#define X(name, summary) {#name, command_##name, summary},
    COMMAND_TABLE(X)
#undef X
        {"version", command_version, "print weft's version"},
};

static enum err run(int argc, char **argv)
{
    TRY(fault_arm_from_environment());
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return command_version(1, argv);
    return cli_dispatch(argc, argv, "weft", commands, sizeof commands / sizeof commands[0]);
}

int main(int argc, char **argv)
{
    enum err e = run(argc, argv);
    log_progress_end();
    if (fflush(stdout) != 0 && e == OK)
        e = fail(ERR_IO, "write standard output: %s", strerror(errno));
    if (e != OK && *err_line() != '\0') log_line("%s", err_line());
    return err_exit_code(e);
}
