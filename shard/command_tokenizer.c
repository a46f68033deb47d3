// weft tokenizer encode|decode|train. Encoding gives a line of ids for each input; decoding gives
// the bytes of all ids, one after another, so that decode of encode is the input (but for what the
// tokenizer normalises). With --json a line is {"bytes": B, "tokens": N, "ids": [...]}; with
// --count the ids are left out.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/file.h"
#include "shard/command_tokenizer_train.h"
#include "shard/tokenizer/tokenizer.h"

#define INPUT_LIMIT_BYTES ((size_t)1 << 36)
enum { INPUTS_LIMIT = 1 << 20 };

struct coder {
    const struct tokenizer *tokenizer;
    struct tokenizer_scratch *scratch;
    bool json, count;
};

// What is done with one input; name is for messages.
typedef enum err (*coder_fn)(const struct coder *c, const char *name, struct span input);

static enum err put(const void *data, size_t n_bytes)
{
    if (fwrite(data, 1, n_bytes, stdout) == n_bytes) return OK;
    return fail(ERR_IO, "write standard output: %s", strerror(errno));
}

static enum err put_number(const char *before, uint64_t number)
{
    char text[48];
    int n = snprintf(text, sizeof text, "%s%" PRIu64, before, number);
    return put(text, (size_t)n);
}

static enum err put_tokens(const struct coder *c, size_t n_bytes, struct tokenizer_tokens tokens)
{
    if (c->json || c->count) {
        TRY(put_number(c->json ? "{\"bytes\": " : "bytes ", n_bytes));
        TRY(put_number(c->json ? ", \"tokens\": " : " tokens ", tokens.n_ids));
    }
    if (c->count) return c->json ? put("}\n", 2) : put("\n", 1);
    if (c->json) TRY(put(", \"ids\": [", 10));
    const char *between = c->json ? ", " : " ";
    for (size_t i = 0; i < tokens.n_ids; i++)
        TRY(put_number(i == 0 ? "" : between, tokens.ids[i]));
    return c->json ? put("]}\n", 3) : put("\n", 1);
}

static enum err encode_input(const struct coder *c, const char *name, struct span input)
{
    (void)name;
    struct tokenizer_tokens tokens = {0};
    enum err e = tokenizer_encode(c->tokenizer, c->scratch, input, &tokens);
    if (e == OK) e = put_tokens(c, input.n_bytes, tokens);
    tokenizer_tokens_free(&tokens);
    return e;
}

// first: of its text, so that a space that encoding put before it is taken off.
static enum err put_token(const struct coder *c, const char *name, uint64_t id, bool first)
{
    struct span bytes = {0};
    if (id < tokenizer_vocabulary(c->tokenizer))
        bytes = tokenizer_bytes(c->tokenizer, (uint32_t)id);
    if (bytes.n_bytes == 0)
        return fail(ERR_DATA, "%s: id %" PRIu64 " is not in the vocabulary", name, id);
    if (first) bytes = tokenizer_bytes_first(c->tokenizer, (uint32_t)id);
    return put(bytes.data, bytes.n_bytes);
}

static enum err decode_json_line(const struct coder *c, const char *name, struct span line)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)line.data, line.n_bytes, 0, &error);
    const json_t *ids = json_is_object(root) ? json_object_get(root, "ids") : root;
    enum err e = OK;
    if (!json_is_array(ids))
        e = fail(ERR_DATA, "%s: not a JSON list of ids on each line: %s", name,
                 root == NULL ? error.text : "no list 'ids'");
    for (size_t i = 0; i < json_array_size(ids) && e == OK; i++) {
        const json_t *id = json_array_get(ids, i);
        if (json_is_integer(id) && json_integer_value(id) >= 0)
            e = put_token(c, name, (uint64_t)json_integer_value(id), i == 0);
        else
            e = fail(ERR_DATA, "%s: ids[%zu] is not a number from 0", name, i);
    }
    json_decref(root);
    return e;
}

static enum err decode_json(const struct coder *c, const char *name, struct span input)
{
    while (input.n_bytes > 0) {
        const uint8_t *end = memchr(input.data, '\n', input.n_bytes);
        size_t n = end == NULL ? input.n_bytes : (size_t)(end - input.data);
        if (n > 0) TRY(decode_json_line(c, name, (struct span){input.data, n}));
        n += end != NULL;
        input = (struct span){input.data + n, input.n_bytes - n};
    }
    return OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static enum err decode_input(const struct coder *c, const char *name, struct span input)
{
    if (c->json) return decode_json(c, name, input);
    bool first = true;
    for (size_t at = 0; at < input.n_bytes;) {
        if (is_space(input.data[at])) {
            first = first || input.data[at] == '\n'; // a line is a text
            at++;
            continue;
        }
        uint64_t id = 0;
        size_t start = at;
        for (; at < input.n_bytes && !is_space(input.data[at]); at++) {
            if (input.data[at] < '0' || input.data[at] > '9' || at - start >= 10)
                return fail(ERR_DATA, "%s: byte %zu: not a token id", name, at);
            id = 10 * id + (input.data[at] - '0');
        }
        TRY(put_token(c, name, id, first));
        first = false;
    }
    return OK;
}

// Runs what on standard input, or on each file in turn.
static enum err each_input(const struct coder *c, coder_fn what, char *const *paths, size_t n_paths)
{
    static const char *const standard_input[] = {"-"};
    const char *const *names = n_paths == 0 ? standard_input : (const char *const *)paths;
    for (size_t i = 0; i < (n_paths == 0 ? 1 : n_paths); i++) {
        bool standard = strcmp(names[i], "-") == 0;
        struct arena a;
        arena_init(&a, "input");
        struct span input;
        enum err e = file_read(standard ? "/dev/stdin" : names[i], INPUT_LIMIT_BYTES, &a, &input);
        if (e == OK) e = what(c, standard ? "standard input" : names[i], input);
        arena_fini(&a);
        TRY(e);
    }
    return OK;
}

static enum err code(int argc, char **argv, coder_fn what, const struct cli_usage *about)
{
    const char *path = NULL;
    struct coder c = {0};
    const struct cli_option options[] = {
        {"tokenizer", 't', CLI_TEXT, &path, "TOK", "tokenizer.json, .model, rank file or folder"},
        {"json", 0, CLI_FLAG, &c.json, NULL, "a JSON object a line instead of plain ids"},
        {"count", 0, CLI_FLAG, &c.count, NULL, "only how many bytes and tokens"}};
    struct cli_usage usage = *about;
    usage.options = options;
    usage.n_options = sizeof options / sizeof *options - (what == decode_input);
    usage.max_operands = INPUTS_LIMIT;
    char **paths;
    size_t n_paths;
    TRY(cli_parse(argc, argv, &usage, &paths, &n_paths));
    if (path == NULL) return fail(ERR_USAGE, "weft tokenizer %s: no -t TOK given", argv[0]);
    struct arena a;
    arena_init(&a, "tokenizer");
    struct tokenizer *tokenizer;
    enum err e = tokenizer_open(path, &a, &tokenizer);
    if (e == OK) {
        c.tokenizer = tokenizer;
        e = tokenizer_scratch_open(&c.scratch);
    }
    if (e == OK) e = each_input(&c, what, paths, n_paths);
    tokenizer_scratch_close(c.scratch);
    arena_fini(&a);
    return e;
}

static enum err run_encode(int argc, char **argv)
{
    return code(
        argc, argv, encode_input,
        &(struct cli_usage){.synopsis = "weft tokenizer encode -t TOK [--json] [--count] [FILE...]",
                            .summary = "print the token ids of each file, a line a file",
                            .example = "weft tokenizer encode -t tokenizer.json < a.txt"});
}

static enum err run_decode(int argc, char **argv)
{
    return code(argc, argv, decode_input,
                &(struct cli_usage){.synopsis = "weft tokenizer decode -t TOK [--json] [FILE...]",
                                    .summary = "write the bytes that token ids stand for",
                                    .example = "weft tokenizer decode -t tokenizer.json < ids"});
}

CLI_COMMAND(tokenizer)
{
    static const struct cli_command commands[] = {
        {"train", command_tokenizer_train, "make a vocabulary from text"},
        {"encode", run_encode, "print the token ids of text"},
        {"decode", run_decode, "write the text of token ids"},
    };
    return cli_dispatch(argc, argv, "weft tokenizer", commands, sizeof commands / sizeof *commands);
}
