// Addresses are what datatrove's two regular expressions match (pipeline/formatters/pii.py), found
// by hand in linear time:
//   e-mail  \b ATOM (. ATOM)* @ (LABEL .)+ LABEL, or @ [ four octets ]; the local part is searched
//           backwards from its @, and begins at the first word boundary of its run.
//   IPv4    OCTET . OCTET . OCTET . OCTET anywhere, digits around it or not; masked when Python's
//           ipaddress calls it global, which refuses leading zeros.

#include "shard/filter/pii.h"

#include <stdbool.h>
#include <string.h>

#include <utf8proc.h>

#include "base/ascii.h"
#include "base/text.h"

static const char *const EMAILS[] = {"email@example.com", "firstname.lastname@example.org"};
// Addresses that answered nobody when datatrove's authors chose them.
static const char *const ADDRESSES[] = {"22.214.171.124", "126.96.36.199",  "188.8.131.52",
                                        "184.108.40.206", "220.127.116.11", "18.104.22.168"};
enum { N_EMAILS = 2, N_ADDRESSES = 6 };

// What IANA registers as not globally reachable: address, bits of the network.
static const struct {
    uint32_t network;
    int bits;
} PRIVATE[] = {{0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},
               {0xA9FE0000, 16}, {0xAC100000, 12}, {0xC0000000, 24}, {0xC0000200, 24},
               {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24},
               {0xF0000000, 4}};
// 192.0.0.9 and 192.0.0.10 are global within a network that is not.
static const uint32_t GLOBAL_FIRST = 0xC0000009, GLOBAL_LAST = 0xC000000A;

static bool is_atom(uint8_t c)
{
    return ascii_is_alnum(c) || (c != 0 && strchr("!#$%&'*+/=?^_`{|}~-", c) != NULL);
}

/// Whether the character that ends before at belongs to a word, as Python's \w says.
static bool word_before(struct span text, size_t at)
{
    if (at == 0) return false;
    size_t first = at - 1;
    if (text.data[first] < 0x80) return ascii_is_alnum(text.data[first]) || text.data[first] == '_';
    while (first > 0 && at - first < 4 && (text.data[first] & 0xC0) == 0x80)
        first--;
    utf8proc_int32_t c;
    if (utf8proc_iterate(text.data + first, (utf8proc_ssize_t)(at - first), &c) < 1) return false;
    const utf8proc_category_t category = utf8proc_category(c);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO &&
           category != UTF8PROC_CATEGORY_MN && category != UTF8PROC_CATEGORY_MC &&
           category != UTF8PROC_CATEGORY_ME;
}

/// First byte of the local part that ends at the @ at at, not before least; at when there is none.
static size_t local_part(struct span text, size_t least, size_t at)
{
    size_t first = at;
    while (first > least) {
        const uint8_t c = text.data[first - 1];
        const bool dot = c == '.' && first < at && text.data[first] != '.' && first - 1 > least &&
                         is_atom(text.data[first - 2]);
        if (!is_atom(c) && !dot) break;
        first--;
    }
    for (; first < at; first++) {
        const uint8_t c = text.data[first];
        const bool word = ascii_is_alnum(c) || c == '_';
        if (c != '.' && word != word_before(text, first)) return first;
    }
    return at;
}

/// Octet at at as the expression reads it: 25x, 2xx, then up to three digits that begin with 0 or
/// 1, then up to two. Returns its length, 0 if there is none.
static size_t octet(struct span text, size_t at, uint32_t *value)
{
    size_t n = 0;
    *value = 0;
    while (n < 3 && at + n < text.n_bytes && ascii_is_digit(text.data[at + n])) {
        const uint32_t next = *value * 10 + (text.data[at + n] - '0');
        if (next > 255) break;
        *value = next;
        n++;
    }
    return n;
}

/// Three octets, each with a dot behind. Returns the length, 0 if it is not there.
static size_t three_octets(struct span text, size_t at, uint32_t *value, bool *zero_led)
{
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        uint32_t one;
        const size_t length = octet(text, at + n, &one);
        if (length == 0 || at + n + length >= text.n_bytes) return 0;
        if (text.data[at + n + length] != '.') return 0;
        *zero_led |= length > 1 && text.data[at + n] == '0';
        *value = *value << 8 | one;
        n += length + 1;
    }
    return n;
}

/// Length of "[1.2.3.4]" or "[1.2.3.tag:]" at at, 0 if it is neither.
static size_t bracket(struct span text, size_t at)
{
    uint32_t value = 0;
    bool zero_led = false;
    const size_t first = at + 1 + three_octets(text, at + 1, &value, &zero_led);
    if (first == at + 1) return 0;
    const size_t end = first + octet(text, first, &value);
    if (end > first && end < text.n_bytes && text.data[end] == ']') return end + 1 - at;
    size_t tag = first;
    while (tag < text.n_bytes && (ascii_is_alnum(text.data[tag]) || text.data[tag] == '-'))
        tag++;
    if (tag == first || text.data[tag - 1] == '-' || tag + 1 >= text.n_bytes) return 0;
    return text.data[tag] == ':' && text.data[tag + 1] == ']' ? tag + 2 - at : 0;
}

/// Length of the domain at at, 0 if there is none.
static size_t domain(struct span text, size_t at)
{
    if (at < text.n_bytes && text.data[at] == '[') return bracket(text, at);
    size_t n_labels = 0, end = at;
    for (size_t first = at; first < text.n_bytes && ascii_is_alnum(text.data[first]);) {
        size_t run = first;
        while (run < text.n_bytes && (ascii_is_alnum(text.data[run]) || text.data[run] == '-'))
            run++;
        end = run;
        while (text.data[end - 1] == '-')
            end--;
        n_labels++;
        const bool goes_on = end == run && run + 1 < text.n_bytes && text.data[run] == '.' &&
                             ascii_is_alnum(text.data[run + 1]);
        if (!goes_on) break;
        first = run + 1;
    }
    return n_labels >= 2 ? end - at : 0;
}

static void put(struct text *out, struct span text, size_t first, size_t end)
{
    text_put(out, (const char *)text.data + first, end - first);
}

static struct span mask_emails(struct span text, struct arena *a, uint64_t *count)
{
    struct text out;
    size_t kept = 0, n = 0;
    for (size_t at = 0; at < text.n_bytes; at++) {
        const uint8_t *hit = memchr(text.data + at, '@', text.n_bytes - at);
        if (!hit) break;
        at = (size_t)(hit - text.data);
        const size_t first = local_part(text, kept, at);
        const size_t length = first < at ? domain(text, at + 1) : 0;
        if (length == 0) continue;
        if (n == 0) text_begin(&out, a);
        put(&out, text, kept, first);
        text_put(&out, EMAILS[n % N_EMAILS], strlen(EMAILS[n % N_EMAILS]));
        n++;
        kept = at + 1 + length;
        at = kept - 1;
    }
    *count += n;
    if (n == 0) return text;
    put(&out, text, kept, text.n_bytes);
    return (struct span){(const uint8_t *)out.data, out.n_bytes};
}

static bool is_global(uint32_t address)
{
    if (address == GLOBAL_FIRST || address == GLOBAL_LAST) return true;
    for (size_t i = 0; i < sizeof PRIVATE / sizeof PRIVATE[0]; i++)
        if ((address ^ PRIVATE[i].network) >> (32 - PRIVATE[i].bits) == 0) return false;
    return true;
}

/// Length of the IPv4 address at at, 0 if there is none.
static size_t address(struct span text, size_t at, bool *mask)
{
    uint32_t value = 0, last;
    bool zero_led = false;
    const size_t first = three_octets(text, at, &value, &zero_led);
    if (first == 0) return 0;
    const size_t length = octet(text, at + first, &last);
    if (length == 0) return 0;
    zero_led |= length > 1 && text.data[at + first] == '0';
    *mask = !zero_led && is_global(value << 8 | last);
    return first + length;
}

static struct span mask_addresses(struct span text, struct arena *a, uint64_t *count)
{
    struct text out;
    size_t kept = 0, n = 0;
    for (size_t at = 0; at < text.n_bytes;) {
        bool mask = false;
        const size_t length = ascii_is_digit(text.data[at]) ? address(text, at, &mask) : 0;
        if (mask) {
            if (n == 0) text_begin(&out, a);
            put(&out, text, kept, at);
            text_put(&out, ADDRESSES[n % N_ADDRESSES], strlen(ADDRESSES[n % N_ADDRESSES]));
            n++;
            kept = at + length;
        }
        at += length ? length : 1;
    }
    *count += n;
    if (n == 0) return text;
    put(&out, text, kept, text.n_bytes);
    return (struct span){(const uint8_t *)out.data, out.n_bytes};
}

struct span pii_mask(struct span text, struct arena *a, struct pii_counts *counts)
{
    return mask_addresses(mask_emails(text, a, &counts->emails), a, &counts->addresses);
}
