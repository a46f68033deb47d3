#include <sentencepiece_processor.h>

#include <exception>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#define _Noreturn [[noreturn]] // err.h is C
extern "C" {
#include "shard/tokenizer/sentencepiece.h"
}

namespace sentencepiece::logging
{
void SetMinLogLevel(int level); // exported, but in no header
}

static constexpr size_t TEXT_LIMIT_BYTES = size_t{1} << 28; // the library counts in int
static constexpr int LOG_FATAL_ONLY = 3;

struct sentencepiece_model {
    sentencepiece::SentencePieceProcessor processor;
    std::vector<int> ints;
    std::vector<uint32_t> ids;
};

// What the library has to say comes back as a status; it prints nothing.
static void silence()
{
    static std::once_flag once;
    std::call_once(once, [] { sentencepiece::logging::SetMinLogLevel(LOG_FATAL_ONLY); });
}

static std::string_view view_of(struct span bytes)
{
    return {reinterpret_cast<const char *>(bytes.data), bytes.n_bytes};
}

extern "C" enum err sentencepiece_open(struct span model, const char *name,
                                       struct sentencepiece_model **out)
try {
    silence();
    auto fresh = std::make_unique<sentencepiece_model>();
    const auto status = fresh->processor.LoadFromSerializedProto(view_of(model));
    if (!status.ok()) return fail(ERR_DATA, "%s: %s", name, status.error_message());
    *out = fresh.release();
    return OK;
} catch (const std::bad_alloc &) {
    return fail(ERR_MEMORY, "%s: no memory for the model", name);
} catch (const std::exception &e) {
    return fail(ERR_DATA, "%s: %s", name, e.what());
}

extern "C" void sentencepiece_close(struct sentencepiece_model *s)
{
    delete s;
}

extern "C" enum err sentencepiece_encode(struct sentencepiece_model *s, struct span text,
                                         const uint32_t **ids, size_t *n_ids)
try {
    if (text.n_bytes > TEXT_LIMIT_BYTES)
        return fail(ERR_DATA, "a text of %zu bytes; at most %zu go through SentencePiece",
                    text.n_bytes, TEXT_LIMIT_BYTES);
    s->ints.clear();
    const auto status = s->processor.Encode(view_of(text), &s->ints);
    if (!status.ok()) return fail(ERR_DATA, "SentencePiece: %s", status.error_message());
    s->ids.assign(s->ints.begin(), s->ints.end());
    *ids = s->ids.data();
    *n_ids = s->ids.size();
    return OK;
} catch (const std::bad_alloc &) {
    return fail(ERR_MEMORY, "no memory to encode %zu bytes", text.n_bytes);
} catch (const std::exception &e) {
    return fail(ERR_DATA, "SentencePiece: %s", e.what());
}
