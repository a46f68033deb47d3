#define SOFTMAX_TABLE softmax_avx2
#include "trainer/kernel/softmax_body.h"
