#define ROWS_TABLE rows_kernels_scalar_table
#include "trainer/kernel/rows_body.h"
