#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/clock.h"
#include "base/log.h"
#include "shard/build/dataset_build.h"
#include "shard/command_shard.h"

enum { WORKERS_LIMIT = 1024 };

static uint64_t usable_cores(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
    return (uint64_t)CPU_COUNT(&cores);
}

static double megabytes(uint64_t n_bytes)
{
    return (double)n_bytes / 1e6;
}

static void show_progress(void *context, const struct dataset_build_result *r)
{
    const uint64_t *start_ns = context;
    const double seconds = (double)(clock_now_ns() - *start_ns) / 1e9;
    log_progress("shard build: %llu documents %.1f MB text %.2f M tokens %llu shards %.1f MB/s",
                 (unsigned long long)r->n_documents, megabytes(r->text_bytes),
                 (double)r->n_tokens / 1e6, (unsigned long long)r->n_shards,
                 megabytes(r->text_bytes) / (seconds > 0 ? seconds : 1));
}

static void print_result(const char *out, const struct dataset_build_result *r)
{
    printf("%s: documents %llu tokens %llu text %.1f MB shards %llu bins %llu file %.1f MB\n", out,
           (unsigned long long)r->n_documents, (unsigned long long)r->n_tokens,
           megabytes(r->text_bytes), (unsigned long long)r->n_shards, (unsigned long long)r->n_bins,
           megabytes(r->file_bytes));
    if (r->n_empty || r->n_bad || r->n_skipped_files)
        printf("left out: %llu empty documents, %llu bad documents, %llu files of other kinds\n",
               (unsigned long long)r->n_empty, (unsigned long long)r->n_bad,
               (unsigned long long)r->n_skipped_files);
}

struct arguments {
    const char *out, *tokenizer, *profile, *compression, *split, *separator;
    uint64_t n_workers, shard_tokens, bin_tokens;
    bool skip_bad;
};

static enum err choose_codec(const char *name, enum frame_codec *codec)
{
    static const enum frame_codec codecs[] = {FRAME_ZSTD, FRAME_LZ4, FRAME_NONE};
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        if (strcmp(name, frame_codec_name((uint8_t)codecs[i])) != 0) continue;
        *codec = codecs[i];
        return OK;
    }
    return fail(ERR_USAGE, "--compression %s: choose zstd, lz4 or none", name);
}

static enum err choose_separator(const struct arguments *in, const char **separator)
{
    *separator = in->separator;
    if (in->separator && in->split)
        return fail(ERR_USAGE, "--split and --separator exclude each other");
    if (in->separator && !*in->separator) return fail(ERR_USAGE, "--separator must not be empty");
    if (in->separator || !in->split || strcmp(in->split, "file") == 0) return OK;
    if (strcmp(in->split, "form-feed") == 0)
        *separator = "\f";
    else if (strcmp(in->split, "blank-lines") == 0)
        *separator = "\n\n\n";
    else
        return fail(ERR_USAGE, "--split %s: choose file, form-feed or blank-lines", in->split);
    return OK;
}

static enum err check_range(const char *name, uint64_t value, uint64_t least, uint64_t most)
{
    if (value >= least && value <= most) return OK;
    return fail(ERR_USAGE, "--%s %llu: must be %llu to %llu", name, (unsigned long long)value,
                (unsigned long long)least, (unsigned long long)most);
}

static enum err choose(const struct arguments *in, struct dataset_build_options *o)
{
    if (!in->out) return fail(ERR_USAGE, "shard build: -o OUT is missing");
    if (strcmp(in->profile, "none") != 0)
        return fail(ERR_USAGE, "--profile %s: only 'none' (no filter) is known", in->profile);
    TRY(choose_codec(in->compression, &o->codec));
    TRY(choose_separator(in, &o->separator));
    TRY(check_range("workers", in->n_workers, 1, WORKERS_LIMIT));
    TRY(check_range("bin-tokens", in->bin_tokens, 1, DATASET_BUILD_BIN_TOKENS_LIMIT));
    TRY(check_range("shard-tokens", in->shard_tokens, 1, DATASET_BUILD_SHARD_TOKENS_LIMIT));
    o->out = in->out;
    o->tokenizer = in->tokenizer;
    o->n_workers = in->n_workers;
    o->bin_tokens = in->bin_tokens;
    o->shard_tokens = in->shard_tokens;
    o->skip_bad = in->skip_bad;
    return OK;
}

enum err command_shard_build(int argc, char **argv)
{
    struct arguments in = {.profile = "none",
                           .compression = "zstd",
                           .n_workers = usable_cores(),
                           .shard_tokens = DATASET_BUILD_SHARD_TOKENS,
                           .bin_tokens = DATASET_BUILD_BIN_TOKENS};
    const struct cli_option options[] = {
        {"out", 'o', CLI_TEXT, &in.out, "OUT", "folder to make; must not exist"},
        {"tokenizer", 't', CLI_TEXT, &in.tokenizer, "TOK", "default: a token a byte"},
        {"profile", 0, CLI_TEXT, &in.profile, "NAME", "filters; only 'none' is known"},
        {"compression", 0, CLI_TEXT, &in.compression, "CODEC", "zstd, lz4 or none"},
        {"workers", 0, CLI_U64, &in.n_workers, "N", "threads; the output does not depend on it"},
        {"split", 0, CLI_TEXT, &in.split, "HOW", "text files: file, form-feed or blank-lines"},
        {"separator", 0, CLI_TEXT, &in.separator, "TEXT", "text files: split at this text"},
        {"shard-tokens", 0, CLI_U64, &in.shard_tokens, "N", "size at which a shard ends"},
        {"bin-tokens", 0, CLI_U64, &in.bin_tokens, "N", "most tokens of a bin of documents"},
        {"skip-bad", 0, CLI_FLAG, &in.skip_bad, NULL, "leave out unreadable documents"}};
    const struct cli_usage usage = {
        .synopsis = "weft shard build -o OUT [--tokenizer TOK] [OPTION]... INPUT...",
        .summary = "turn text, HTML and JSONL files, and folders of them, into a dataset",
        .example = "weft shard build -o data/books -t tokenizer.json books/ more.jsonl",
        .options = options,
        .n_options = sizeof options / sizeof options[0],
        .min_operands = 1,
        .max_operands = SIZE_MAX};
    char **operands = NULL;
    size_t n_operands = 0;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    uint64_t start_ns = clock_now_ns();
    struct dataset_build_options o = {.inputs = operands,
                                      .n_inputs = n_operands,
                                      .progress = show_progress,
                                      .context = &start_ns};
    TRY(choose(&in, &o));
    struct dataset_build_result result;
    TRY(dataset_build(&o, &result));
    log_progress_end();
    print_result(o.out, &result);
    return OK;
}
