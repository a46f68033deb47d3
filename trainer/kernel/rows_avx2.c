#define ROWS_TABLE rows_kernels_avx2_table
#include "trainer/kernel/rows_body.h"
