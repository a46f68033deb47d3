#include "base/hash.h"

#include "base/rng.h"
#include "tests/check.h"

// The definition, bit by bit.
static uint32_t crc32c_bitwise(uint32_t crc, const unsigned char *data, size_t n_bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < n_bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static void test_crc32c_check_value(void)
{
    CHECK(hash_crc32c(0, "123456789", 9) == 0xE3069283);
    CHECK(hash_crc32c_portable(0, "123456789", 9) == 0xE3069283);
    CHECK(hash_crc32c(0, "", 0) == 0);
    unsigned char zeros[32] = {0}; // RFC 3720, B.4
    CHECK(hash_crc32c(0, zeros, sizeof zeros) == 0x8A9136AA);
}

static void test_crc32c_agrees(uint64_t seed)
{
    unsigned char data[600];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)rng_u64(seed, 0, i);
    for (uint64_t i = 0; i < 3000; i++) {
        size_t start = rng_u64(seed, 1, i) % 16, n = rng_u64(seed, 2, i) % 500;
        size_t cut = n == 0 ? 0 : rng_u64(seed, 3, i) % n;
        uint32_t expected = crc32c_bitwise(0, data + start, n);
        CHECK(hash_crc32c(0, data + start, n) == expected);
        CHECK(hash_crc32c_portable(0, data + start, n) == expected);
        uint32_t begun = hash_crc32c(0, data + start, cut);
        CHECK(hash_crc32c(begun, data + start + cut, n - cut) == expected);
        CHECK(hash_crc32c_portable(begun, data + start + cut, n - cut) == expected);
    }
}

static void test_names(void)
{
    CHECK(hash_xxh3("weft", 4, 0) != hash_xxh3("weft", 4, 1));
    CHECK(hash_xxh3("", 0, 0) == UINT64_C(0x2D06800538D394C2)); // xxHash's sanity table
    char text[33];
    hash_hex((struct hash128){.hi = UINT64_C(0x0123456789abcdef), .lo = 0xf}, text);
    CHECK_TEXT(text, "0123456789abcdef000000000000000f");
    hash_hex(hash_xxh3_128("", 0), text);
    CHECK_TEXT(text, "99aa06d3014798d86001c324468d497f");
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    test_crc32c_check_value();
    test_crc32c_agrees(seed);
    test_names();
    return 0;
}
