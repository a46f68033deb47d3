#include "trainer/prof/run_log.h"

#include <jansson.h>
#include <string.h>

#include "base/file.h"

enum { LIMIT_BYTES = 1 << 30 };

struct field {
    const char *name;
    size_t offset;
};

static const struct field fields[] = {
    {"step", offsetof(struct run_record, step)},
    {"tokens", offsetof(struct run_record, tokens)},
    {"loss", offsetof(struct run_record, loss)},
    {"seconds", offsetof(struct run_record, seconds)},
    {"mfu", offsetof(struct run_record, mfu)},
    {"hfu", offsetof(struct run_record, hfu)},
    {"mfu_palm", offsetof(struct run_record, palm)},
    {"data_wait", offsetof(struct run_record, data_wait)},
    {"comm_exposed", offsetof(struct run_record, comm_exposed)},
    {"opt", offsetof(struct run_record, opt)},
};

static enum err read_fields(const json_t *j, const char *path, size_t line, struct run_record *out)
{
    struct run_record r = {0};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const json_t *value = json_object_get(j, fields[i].name);
        if (!json_is_number(value))
            return fail(ERR_DATA, "%s:%zu: no number '%s': not the log of a run", path, line,
                        fields[i].name);
        double number = json_number_value(value);
        memcpy((char *)&r + fields[i].offset, &number, sizeof number);
    }
    if (r.seconds <= 0 || r.tokens <= 0 || r.step < 1)
        return fail(ERR_DATA, "%s:%zu: step, tokens and seconds are above 0", path, line);
    const json_t *validation = json_object_get(j, "val_loss");
    r.validated = json_is_number(validation);
    r.val_loss = r.validated ? json_number_value(validation) : 0;
    *out = r;
    return OK;
}

static enum err read_line(const char *text, size_t n_bytes, const char *path, size_t line,
                          struct run_record *out)
{
    json_error_t cause;
    json_t *j = json_loadb(text, n_bytes, 0, &cause);
    if (j == NULL) return fail(ERR_DATA, "%s:%zu: not JSON: %s", path, line, cause.text);
    enum err err = read_fields(j, path, line, out);
    json_decref(j);
    return err;
}

enum err run_log_read(const char *path, struct arena *a, struct run_log *out)
{
    struct span text;
    TRY(file_read(path, LIMIT_BYTES, a, &text));
    const char *at = (const char *)text.data, *end = at + text.n_bytes;
    struct run_log log = {0};
    size_t capacity = 0;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        log.cut = newline == NULL;
        if (log.cut) break;
        log.records = ARENA_GROW(a, struct run_record, log.records, log.n_records + 1, &capacity);
        struct run_record *r = &log.records[log.n_records];
        TRY(read_line(at, (size_t)(newline - at), path, log.n_records + 1, r));
        if (log.n_records > 0 && r->step <= r[-1].step)
            return fail(ERR_DATA, "%s:%zu: step %.0f after step %.0f", path, log.n_records + 1,
                        r->step, r[-1].step);
        log.n_records++;
        at = newline + 1;
    }
    if (log.n_records == 0) return fail(ERR_DATA, "%s: no whole step in it", path);
    *out = log;
    return OK;
}
