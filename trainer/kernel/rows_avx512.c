#define ROWS_TABLE rows_kernels_avx512_table
#include "trainer/kernel/rows_body.h"
