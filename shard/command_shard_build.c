#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/size.h"
#include "shard/build/dataset_build.h"
#include "shard/command_shard.h"
#include "shard/lost.h"

enum { WORKERS_LIMIT = 1024, MEMORY_LEAST = 64, MEMORY_DEFAULT = 2048 /* MiB */ };

static double megabytes(uint64_t n_bytes)
{
    return (double)n_bytes / 1e6;
}

// What show_progress and show_lost know beside what they are told.
struct showing {
    const char *station; // the one that began at start_ns
    uint64_t start_ns, text_bytes;
    int n_ranks;
    struct lost lost;
};

// Rank 0 knows its own share alone, and the others have about as much to do: parts are dealt out.
static void show_progress(void *context, const struct station_progress *p)
{
    struct showing *s = context;
    const uint64_t now_ns = clock_now_ns();
    if (s->station != p->station)
        *s = (struct showing){p->station, now_ns, p->text_bytes, s->n_ranks, s->lost};
    const double seconds = (double)(now_ns - s->start_ns) / 1e9;
    const double rate = megabytes(p->text_bytes - s->text_bytes) / (seconds > 0 ? seconds : 1);
    char share[64] = "";
    if (s->n_ranks > 1) snprintf(share, sizeof share, "rank 0 of %d: ", s->n_ranks);
    log_progress("shard build: %s: %spart %zu of %zu, %llu documents %.1f MB text %.1f MB/s",
                 p->station, share, p->n_parts_done, p->n_parts, (unsigned long long)p->n_rows,
                 megabytes(p->text_bytes), rate);
}

static void show_lost(void *context, const char *line)
{
    struct showing *s = context;
    lost_add(&s->lost, line);
}

static void print_result(const char *out, const struct dataset_build_result *r, struct arena *a)
{
    printf("%s: documents %llu tokens %llu text %.1f MB shards %llu bins %llu file %.1f MB\n", out,
           (unsigned long long)r->n_documents, (unsigned long long)r->n_tokens,
           megabytes(r->text_bytes), (unsigned long long)r->n_shards, (unsigned long long)r->n_bins,
           megabytes(r->file_bytes));
    if (r->n_dropped)
        printf("of these %llu documents are dropped ones, kept with their verdict; the funnel "
               "ends with the others\n",
               (unsigned long long)r->n_dropped);
    if (r->n_empty || r->n_bad || r->n_skipped_files || r->n_other)
        printf("left out: %llu empty documents, %llu bad documents (%llu bytes), %llu files of "
               "other kinds, %llu records that are no documents\n",
               (unsigned long long)r->n_empty, (unsigned long long)r->n_bad,
               (unsigned long long)r->bad_bytes, (unsigned long long)r->n_skipped_files,
               (unsigned long long)r->n_other);
    if (r->funnel.n_rows > 2) fputs(funnel_chart(&r->funnel, a), stdout);
}

struct arguments {
    const char *out, *tokenizer, *bins, *compression, *split, *separator, *extract;
    const char *profile, *languages, *language_model, *dedup, *minhash, *url_lists[URL_LISTS];
    struct cli_list rules, evaluation;
    uint64_t n_workers, shard_tokens, bin_tokens, part_bytes, memory;
    bool skip_bad, mask_pii, keep_dropped;
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

static enum err choose_judge(const struct arguments *in, struct arena *a, struct judge_options *o)
{
    char **overrides = ARENA_ARRAY(a, char *, in->rules.n_items + 1);
    size_t n = 0;
    for (; n < in->rules.n_items; n++)
        overrides[n] = arena_strdup(a, in->rules.items[n]);
    if (in->languages) overrides[n++] = arena_printf(a, "language=%s", in->languages);
    o->filter = (struct filter_options){in->profile, overrides, n};
    o->language_model = in->language_model;
    for (int i = 0; i < URL_LISTS; i++)
        o->url_lists[i] = in->url_lists[i];
    o->mask_pii = in->mask_pii;
    o->keep_dropped = in->keep_dropped;
    return extract_mode_named(in->extract, &o->extract);
}

static enum err choose(const struct arguments *in, struct arena *a, struct dataset_build_options *o)
{
    if (!in->out || !*in->out) return fail(ERR_USAGE, "shard build: -o OUT is missing");
    // Ranks of a node share its cores.
    const uint64_t n_cores = pool_usable_cores(),
                   n_local = o->fabric ? fabric_local_size(o->fabric) : 1;
    o->n_workers = in->n_workers ? in->n_workers : n_cores > n_local ? n_cores / n_local : 1;
    TRY(choose_codec(in->compression, &o->codec));
    TRY(choose_separator(in, &o->separator));
    TRY(choose_judge(in, a, &o->judge));
    TRY(check_range("workers", o->n_workers, 1, WORKERS_LIMIT));
    TRY(check_range("bin-tokens", in->bin_tokens, 1, DATASET_BUILD_BIN_TOKENS_LIMIT));
    TRY(check_range("shard-tokens", in->shard_tokens, 1, DATASET_BUILD_SHARD_TOKENS_LIMIT));
    TRY(check_range("memory", in->memory, MEMORY_LEAST, 1 << 20));
    o->out = in->out;
    o->tokenizer = in->tokenizer;
    o->bin_tokens = in->bin_tokens;
    o->shard_tokens = in->shard_tokens;
    o->skip_bad = in->skip_bad;
    o->bins = in->bins;
    o->dedup = in->dedup;
    o->minhash = in->minhash;
    o->n_evaluation = in->evaluation.n_items;
    char **evaluation = ARENA_ARRAY(a, char *, o->n_evaluation);
    for (size_t i = 0; i < o->n_evaluation; i++)
        evaluation[i] = arena_strdup(a, in->evaluation.items[i]);
    o->evaluation = evaluation;
    o->memory_bytes = in->memory << 20;
    o->part_bytes = in->part_bytes;
    return OK;
}

// Only rank 0 speaks. The fabric is the build's alone.
static enum err build(const struct arguments *in, struct dataset_build_options *o, struct arena *a)
{
    struct dataset_build_result result;
    const int rank = o->fabric ? fabric_rank(o->fabric) : 0;
    enum err e = choose(in, a, o);
    if (e == OK) e = dataset_build(o, a, &result);
    if (e == OK && rank == 0) {
        log_progress_end();
        print_result(o->out, &result, a);
    }
    if (rank != 0) err_clear();
    return e;
}

static enum err build_on_ranks(const struct arguments *in, struct dataset_build_options *o)
{
    struct arena a;
    arena_init(&a, "shard build");
    enum err e = OK;
    if (fabric_launched()) e = fabric_open_mpi(NULL, &a, &o->fabric);
    struct showing showing = {.n_ranks = e == OK && o->fabric ? fabric_size(o->fabric) : 1};
    showing.lost.limit = size_max(LOST_LINES / (size_t)showing.n_ranks, 1);
    o->progress = show_progress;
    o->lost = show_lost;
    o->context = &showing;
    if (e == OK) e = build(in, o, &a);
    if (o->fabric) fabric_close(o->fabric);
    arena_fini(&a);
    return e;
}

enum err command_shard_build(int argc, char **argv)
{
    struct arguments in = {.profile = "none",
                           .compression = "zstd",
                           .extract = "main",
                           .shard_tokens = DATASET_BUILD_SHARD_TOKENS,
                           .bin_tokens = DATASET_BUILD_BIN_TOKENS,
                           .memory = MEMORY_DEFAULT};
    const struct cli_option options[] = {
        {"out", 'o', CLI_TEXT, &in.out, "OUT", "folder to make; must not exist"},
        {"bins", 0, CLI_TEXT, &in.bins, "EDGES", "of trajectories: made by weft shard bins"},
        {"tokenizer", 't', CLI_TEXT, &in.tokenizer, "TOK", "default: a token a byte"},
        {"extract", 0, CLI_TEXT, &in.extract, "HOW", "of HTML: main content (default) or plain"},
        {"profile", 0, CLI_TEXT, &in.profile, "NAME",
         "rules: none, gopher, c4-paper, fineweb, ..."},
        {"set-rule", 0, CLI_LIST, &in.rules, "RULE=X", "another threshold, or off"},
        {"languages", 0, CLI_TEXT, &in.languages, "LIST", "keep these: en,de"},
        {"language-model", 0, CLI_TEXT, &in.language_model, "FILE", "fastText; default: CLD2"},
#define X(list, name, text) {name, 0, CLI_TEXT, &in.url_lists[list], "FILE", text},
        URL_LIST_TABLE(X)
#undef X
            {"mask-pii", 0, CLI_FLAG, &in.mask_pii, NULL, "mask e-mail and IP addresses"},
        {"dedup", 0, CLI_TEXT, &in.dedup, "LIST",
         "in this order, of: document, paragraph, line, c4, ccnet, c4-spans, minhash"},
        {"minhash", 0, CLI_TEXT, &in.minhash, "PRESET", "fineweb (14x8, default) or 20x13"},
        {"decontaminate", 0, CLI_LIST, &in.evaluation, "FILE", "drop what shares 13 words with it"},
        {"keep-dropped", 0, CLI_FLAG, &in.keep_dropped, NULL, "keep all, with a verdict"},
        {"compression", 0, CLI_TEXT, &in.compression, "CODEC", "zstd, lz4 or none"},
        {"workers", 0, CLI_U64, &in.n_workers, "N", "threads; the output does not depend on it"},
        {"memory", 0, CLI_U64, &in.memory, "MIB", "of each rank, where it could grow"},
        {"part-bytes", 0, CLI_U64, &in.part_bytes, "N", "of input between two points of return"},
        {"split", 0, CLI_TEXT, &in.split, "HOW", "text files: file, form-feed or blank-lines"},
        {"separator", 0, CLI_TEXT, &in.separator, "TEXT", "text files: split at this text"},
        {"shard-tokens", 0, CLI_U64, &in.shard_tokens, "N", "size at which a shard ends"},
        {"bin-tokens", 0, CLI_U64, &in.bin_tokens, "N", "most tokens of a bin of documents"},
        {"skip-bad", 0, CLI_FLAG, &in.skip_bad, NULL, "leave out unreadable documents"}};
    const struct cli_usage usage = {
        .synopsis = "weft shard build -o OUT [--tokenizer TOK] [OPTION]... INPUT...",
        .summary = "turn documents into a dataset; over ranks: mpirun -n N weft shard build ...",
        .example = "weft shard build -o data/books -t tokenizer.json books/ more.jsonl",
        .options = options,
        .n_options = sizeof options / sizeof options[0],
        .min_operands = 1,
        .max_operands = SIZE_MAX};
    char **operands = NULL;
    size_t n_operands = 0;
    TRY(cli_parse(argc, argv, &usage, &operands, &n_operands));
    struct dataset_build_options o = {.inputs = operands, .n_inputs = n_operands};
    return build_on_ranks(&in, &o);
}
