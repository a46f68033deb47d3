#pragma once
// All kernels of rows.h as one table named ROWS_TABLE. rows_scalar.c, rows_avx2.c and rows_avx512.c
// include this, each compiled with its own flags (isa.cmake). Nothing in here depends on the flags
// but how many elements the compiler takes at a time, and row_lanes.h.

#include "trainer/kernel/rows_elementwise_body.h"
#include "trainer/kernel/rows_norm_body.h"

#include "trainer/kernel/rows_table_body.h" // uses cast and fold of the first

#ifndef ROWS_TABLE
#define ROWS_TABLE rows_body_table
#endif

extern const struct rows_kernels ROWS_TABLE;
const struct rows_kernels ROWS_TABLE = {
    .cast = cast,
    .add = add,
    .multiply = multiply,
    .activate = activate,
    .activate_gradient = activate_gradient,
    .rmsnorm = rmsnorm,
    .rmsnorm_gradient = rmsnorm_gradient,
    .layernorm = layernorm,
    .layernorm_gradient = layernorm_gradient,
    .column_sums = column_sums,
    .rope = rope,
    .embed = embed,
    .embed_gradient = embed_gradient,
    .fold = fold,
    .adamw = adamw,
    .sum_squares = sum_squares,
    .sum = sum,
};
