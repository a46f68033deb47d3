#include "shard/dedup/decontaminate_text.h"

#include <jansson.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

static const size_t FILE_LIMIT_BYTES = (size_t)4 << 30;

static const char *const QUESTIONS[] = {"query", "question", "prompt", "input"};
static const char *const ANSWERS[] = {"label", "answer", "text", "target", "completion", "choices"};
enum {
    N_QUESTIONS = sizeof QUESTIONS / sizeof *QUESTIONS,
    N_ANSWERS = sizeof ANSWERS / sizeof *ANSWERS
};

struct reading {
    const struct decontaminate_visitor *visitor;
    const char *path;
    uint32_t path_idx;
};

typedef enum err (*string_fn)(const struct reading *r, struct span text, const json_t *question);

static struct span string_of(const json_t *j)
{
    return (struct span){(const uint8_t *)json_string_value(j), json_string_length(j)};
}

static enum err each_string(const struct reading *r, json_t *j, string_fn call,
                            const json_t *question);

static enum err each_of_object(const struct reading *r, json_t *j, string_fn call,
                               const json_t *question)
{
    for (void *at = json_object_iter(j); at != NULL; at = json_object_iter_next(j, at))
        TRY(each_string(r, json_object_iter_value(at), call, question));
    return OK;
}

// Recursion is bounded by jansson's limit of nesting (2048).
static enum err each_string(const struct reading *r, json_t *j, string_fn call,
                            const json_t *question)
{
    if (json_is_string(j)) return call(r, string_of(j), question);
    if (json_is_object(j)) return each_of_object(r, j, call, question);
    for (size_t i = 0; i < json_array_size(j); i++)
        TRY(each_string(r, json_array_get(j, i), call, question));
    return OK;
}

static enum err give_string(const struct reading *r, struct span text, const json_t *question)
{
    (void)question;
    return r->visitor->string(r->visitor->context, text);
}

static enum err give_answer(const struct reading *r, struct span text, const json_t *question)
{
    return r->visitor->answer(r->visitor->context, string_of(question), text);
}

static enum err give_answers(const struct reading *r, json_t *line)
{
    for (size_t q = 0; q < N_QUESTIONS; q++) {
        const json_t *question = json_object_get(line, QUESTIONS[q]);
        for (size_t i = 0; i < N_ANSWERS && json_is_string(question); i++)
            TRY(each_string(r, json_object_get(line, ANSWERS[i]), give_answer, question));
    }
    return OK;
}

static enum err give_line(const struct reading *r, struct span text, uint32_t line)
{
    json_error_t error;
    json_t *j =
        json_loadb((const char *)text.data, text.n_bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (j == NULL) return fail(ERR_DATA, "%s:%u: no JSON: %s", r->path, line, error.text);
    enum err e =
        r->visitor->item(r->visitor->context, (struct decontaminate_item){r->path_idx, line});
    if (e == OK) e = each_string(r, j, give_string, NULL);
    if (e == OK) e = give_answers(r, j);
    json_decref(j);
    return e;
}

static bool is_blank(struct span line)
{
    for (size_t i = 0; i < line.n_bytes; i++)
        if (memchr(" \t\r\f\v", line.data[i], 5) == NULL) return false;
    return true;
}

// A paragraph of a text file, from line first on.
static enum err give_paragraph(const struct reading *r, struct span text, uint32_t first)
{
    if (text.n_bytes == 0) return OK;
    TRY(r->visitor->item(r->visitor->context, (struct decontaminate_item){r->path_idx, first}));
    return r->visitor->string(r->visitor->context, text);
}

static enum err give_lines(const struct reading *r, struct span text, bool jsonl)
{
    struct span paragraph = {text.data, 0};
    uint32_t line = 0, first = 1;
    for (size_t at = 0, end; at < text.n_bytes; at = end + 1) {
        const uint8_t *newline = memchr(text.data + at, '\n', text.n_bytes - at);
        end = newline != NULL ? (size_t)(newline - text.data) : text.n_bytes;
        line++;
        const struct span this = {text.data + at, end - at};
        if (is_blank(this)) {
            TRY(give_paragraph(r, paragraph, first));
            paragraph.n_bytes = 0;
        } else if (jsonl) {
            TRY(give_line(r, this, line));
        } else {
            if (paragraph.n_bytes == 0) {
                paragraph.data = this.data;
                first = line;
            }
            paragraph.n_bytes = (size_t)(this.data - paragraph.data) + this.n_bytes;
        }
    }
    return give_paragraph(r, paragraph, first);
}

enum err decontaminate_parse(struct span text, bool jsonl, const char *path, uint32_t path_idx,
                             const struct decontaminate_visitor *v)
{
    return give_lines(&(struct reading){v, path, path_idx}, text, jsonl);
}

static bool is_jsonl(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && (strcmp(dot, ".jsonl") == 0 || strcmp(dot, ".ndjson") == 0);
}

enum err decontaminate_read(const char *path, uint32_t path_idx,
                            const struct decontaminate_visitor *v)
{
    struct arena a;
    struct span text;
    arena_init(&a, "evaluation file");
    enum err e = file_read(path, FILE_LIMIT_BYTES, &a, &text);
    if (e == OK) e = decontaminate_parse(text, is_jsonl(path), path, path_idx, v);
    arena_fini(&a);
    return e;
}
