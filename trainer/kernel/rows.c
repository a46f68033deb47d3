#include "trainer/kernel/rows.h"

#include "base/dmath.h"
#include "trainer/kernel/isa.h"

extern const struct rows_kernels rows_kernels_scalar_table;
extern const struct rows_kernels rows_kernels_avx2_table;
extern const struct rows_kernels rows_kernels_avx512_table;

const struct rows_kernels *rows_kernels(void)
{
    switch (isa_get()) {
    case ISA_AMX:
    case ISA_AVX512:
        return &rows_kernels_avx512_table;
    case ISA_AVX2:
        return &rows_kernels_avx2_table;
    case ISA_SCALAR:
        break;
    }
    return &rows_kernels_scalar_table;
}

const struct rows_kernels *rows_kernels_scalar(void)
{
    return &rows_kernels_scalar_table;
}

void rows_rope_table(float *table, size_t n_positions, size_t head_size, double base)
{
    const size_t half = head_size / 2;
    for (size_t i = 0; i < half; i++) {
        const double frequency = dmath_pow(base, -2.0 * (double)i / (double)head_size);
        for (size_t position = 0; position < n_positions; position++) {
            const double angle = (double)position * frequency;
            float *pair = table + (position * half + i) * 2;
            pair[0] = (float)dmath_cos(angle);
            pair[1] = (float)dmath_sin(angle);
        }
    }
}
