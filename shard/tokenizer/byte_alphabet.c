#include "shard/tokenizer/byte_alphabet.h"

#include <stdbool.h>

enum {
    FIRST_BORROWED = 0x100,
    N_LOW = 0x21,
    N_MIDDLE = 0xA1 - 0x7F,
    N_BORROWED = N_LOW + N_MIDDLE + 1
};

// Place of byte among the 68 unprintable ones, ascending, or -1.
static int borrowed_order(uint8_t byte)
{
    if (byte < 0x21) return byte;
    if (byte >= 0x7F && byte <= 0xA0) return N_LOW + byte - 0x7F;
    if (byte == 0xAD) return N_LOW + N_MIDDLE;
    return -1;
}

uint32_t byte_alphabet_code(uint8_t byte)
{
    int order = borrowed_order(byte);
    return order < 0 ? byte : (uint32_t)(FIRST_BORROWED + order);
}

uint32_t byte_alphabet_order(uint8_t byte)
{
    int order = borrowed_order(byte);
    if (order >= 0) return (uint32_t)(256 - N_BORROWED + order);
    if (byte <= 0x7E) return (uint32_t)(byte - 0x21);
    if (byte <= 0xAC) return (uint32_t)(94 + byte - 0xA1);
    return (uint32_t)(106 + byte - 0xAE);
}

// Byte that code stands for, or -1.
static int byte_of(uint32_t code)
{
    if (code < FIRST_BORROWED) return borrowed_order((uint8_t)code) < 0 ? (int)code : -1;
    uint32_t order = code - FIRST_BORROWED;
    if (order < N_LOW) return (int)order;
    if (order < N_LOW + N_MIDDLE) return (int)(order - N_LOW + 0x7F);
    return order < N_BORROWED ? 0xAD : -1;
}

enum err byte_alphabet_decode(struct span text, struct arena *a, struct span *out)
{
    uint8_t *bytes = ARENA_ARRAY(a, uint8_t, text.n_bytes);
    size_t n = 0;
    for (size_t i = 0; i < text.n_bytes; i++) {
        uint32_t code = text.data[i];
        if (code >= 0x80) { // the alphabet needs two bytes of UTF-8 at most
            bool pair = (code & 0xE0) == 0xC0 && code >= 0xC2 && i + 1 < text.n_bytes &&
                        (text.data[i + 1] & 0xC0) == 0x80;
            if (!pair) return fail(ERR_DATA, "byte %zu is no character of GPT-2's alphabet", i);
            code = (code & 0x1F) << 6 | (text.data[++i] & 0x3F);
        }
        int byte = byte_of(code);
        if (byte < 0) return fail(ERR_DATA, "U+%04X is no character of GPT-2's alphabet", code);
        bytes[n++] = (uint8_t)byte;
    }
    *out = (struct span){bytes, n};
    return OK;
}

char *byte_alphabet_encode(struct span bytes, struct arena *a)
{
    char *text = ARENA_ARRAY(a, char, 2 * bytes.n_bytes + 1);
    size_t n = 0;
    for (size_t i = 0; i < bytes.n_bytes; i++) {
        uint32_t code = byte_alphabet_code(bytes.data[i]);
        if (code >= 0x80) {
            text[n++] = (char)(0xC0 | code >> 6);
            code = 0x80 | (code & 0x3F);
        }
        text[n++] = (char)code;
    }
    return text;
}
