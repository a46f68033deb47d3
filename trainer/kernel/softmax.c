#include "trainer/kernel/softmax.h"

#include "trainer/kernel/isa.h"

const struct softmax_kernels *softmax_kernels(void)
{
    switch (isa_get()) {
    case ISA_SCALAR:
        return &softmax_scalar;
    case ISA_AVX2:
        return &softmax_avx2;
    case ISA_AVX512:
    case ISA_AMX:
        return &softmax_avx512;
    }
    err_abort(__FILE__, __LINE__, "no kernels for instruction set %d", (int)isa_get());
}
