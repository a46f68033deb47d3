// Any bytes as a fastText model: refused, or labels a text with shares.
#include "base/arena.h"
#include "shard/filter/fasttext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "the river runs to the sea";
    struct arena a;
    struct fasttext *f;
    arena_init(&a, "fuzz");
    if (fasttext_open_memory((struct span){data, size}, "fuzz", &a, &f) == OK) {
        float *shares = arena_array(&a, fasttext_n_labels(f), sizeof *shares, alignof(float));
        fasttext_predict(f, (struct span){(const uint8_t *)text, sizeof text - 1}, &a, shares);
    }
    arena_fini(&a);
    return 0;
}
