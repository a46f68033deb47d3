#include "shard/filter/cld2.h"

#include <cstdio> // which CLD2 forgets to include

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

struct cld2_answer cld2_detect(const char *text, size_t n_bytes)
{
    const CLD2::CLDHints no_hints = {nullptr, nullptr, CLD2::UNKNOWN_ENCODING,
                                     CLD2::UNKNOWN_LANGUAGE};
    CLD2::Language languages[3];
    int percents[3], n_text = 0, n_valid = 0;
    double scores[3];
    bool reliable = false;
    CLD2::ExtDetectLanguageSummaryCheckUTF8(text, static_cast<int>(n_bytes), true, &no_hints, 0,
                                            languages, percents, scores, nullptr, &n_text,
                                            &reliable, &n_valid);
    return {CLD2::LanguageCode(languages[0]), percents[0], reliable, static_cast<size_t>(n_valid)};
}
