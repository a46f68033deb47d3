// The labelled pages as the fuzz target takes them, and seeded damage to each: bytes changed, cut
// short, and parts of another page written over.

#include <dirent.h>

#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/shard/extract/extract_devour.h"

enum { PAGES_LIMIT = 200, MUTATIONS = 60 };

static int is_page(const struct dirent *d)
{
    const size_t n = strlen(d->d_name);
    return n > 5 && strcmp(d->d_name + n - 5, ".html") == 0;
}

static size_t read_pages(const char *folder, struct arena *a, struct span *pages)
{
    struct dirent **names = NULL;
    const int n = scandir(folder, &names, is_page, alphasort);
    CHECK(n > 0 && n < PAGES_LIMIT);
    for (int i = 0; i < n; i++) {
        CHECK_OK(
            file_read(arena_printf(a, "%s/%s", folder, names[i]->d_name), 1 << 20, a, &pages[i]));
        free(names[i]);
    }
    free(names);
    return (size_t)n;
}

static void damage(uint64_t key, uint64_t number, struct span page, struct span other)
{
    static const uint8_t marks[] = {0, '<', '>', '&', '"', '\'', '/', 0x80, 0xff, 0x1b};
    struct arena a;
    arena_init(&a, "damage");
    uint8_t *bytes = arena_alloc(&a, page.n_bytes + 1, 1);
    bytes[0] = (uint8_t)number;
    memcpy(bytes + 1, page.data, page.n_bytes);
    const uint64_t r = rng_u64(key, number, 0);
    size_t n = page.n_bytes + 1;
    if (r % 3 == 0) n -= (r >> 8) % page.n_bytes;
    for (uint64_t i = 1; i <= (r >> 40) % 32; i++) {
        const uint64_t s = rng_u64(key, number, i);
        bytes[1 + s % page.n_bytes] = s >> 63 ? marks[(s >> 32) % 10] : (uint8_t)(s >> 40);
    }
    if (r % 5 == 0) {
        const size_t n_part = (r >> 16) % (page.n_bytes < other.n_bytes ? page : other).n_bytes;
        memcpy(bytes + 1 + (r >> 32) % (page.n_bytes - n_part), other.data, n_part);
    }
    devour_page((struct span){bytes, n});
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "damage");
    const char *source = getenv("WEFT_SOURCE");
    struct arena a;
    arena_init(&a, "pages");
    struct span *pages = ARENA_ARRAY(&a, struct span, PAGES_LIMIT);
    const char *folder = arena_printf(&a, "%s/tests/shard/extract/pages", source ? source : ".");
    const size_t n_pages = read_pages(folder, &a, pages);
    CHECK(n_pages >= 29);
    // Found by fuzz_extract: gumbo made bytes of it that are not UTF-8.
    static const uint8_t beyond_unicode[] = "\x80<p>&#666666666666666666666666;";
    devour_page((struct span){beyond_unicode, sizeof beyond_unicode - 1});
    // And a tag's name with a NUL, which compared equal to a shorter one.
    static const uint8_t name_with_nul[] = "\0<h1\0<h1";
    devour_page((struct span){name_with_nul, sizeof name_with_nul - 1});
    static const uint8_t attribute_with_nul[] = "\0<p id\0xxxxxxxxxxxxx='a'>text</p>";
    devour_page((struct span){attribute_with_nul, sizeof attribute_with_nul - 1});
    for (size_t i = 0; i < n_pages; i++)
        for (uint64_t k = 0; k < MUTATIONS; k++)
            damage(key, i * MUTATIONS + k, pages[i], pages[(i + k) % n_pages]);
    arena_fini(&a);
    return 0;
}
