#include "shard/command_shard.h"

#include "base/cli.h"

CLI_COMMAND(shard)
{
    static const struct cli_command commands[] = {
        {"build", command_shard_build, "documents to a dataset of shards"},
        {"judge", command_shard_judge, "say which documents a profile's rules drop"},
        {"bins", command_shard_bins, "edges of the bins of trajectories"},
        {"verify", command_shard_verify, "check every byte of datasets or shards"},
        {"stat", command_shard_stat, "what a dataset holds"},
        {"export", command_shard_export, "tokens as Megatron or llm.c read them"},
        {"cat", command_shard_cat, "print documents as text or tokens"}};
    return cli_dispatch(argc, argv, "weft shard", commands, sizeof commands / sizeof commands[0]);
}
