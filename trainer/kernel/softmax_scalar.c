#define SOFTMAX_TABLE softmax_scalar
#include "trainer/kernel/softmax_body.h"
