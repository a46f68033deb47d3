#define SOFTMAX_TABLE softmax_avx512
#include "trainer/kernel/softmax_body.h"
