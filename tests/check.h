#pragma once
// What a test program needs: a check that fails prints file:line, the condition and the error line,
// and ends the program with 1. A test with random input asks for its seed here, which prints it
// with the command that runs it again.
//
//     int main(int argc, char **argv)
//     {
//         uint64_t seed = check_seed(argc, argv);
//         CHECK_OK(file_read(path, 100, &a, &bytes));
//         CHECK_ERR(file_read("absent", 100, &a, &bytes), ERR_IO);
//         CHECK_LINE("open absent: No such file or directory");
//         return 0;
//     }

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define CHECK(cond)                                                           \
    do {                                                                      \
        if (!(cond)) check_failed(__FILE__, __LINE__, "not true: %s", #cond); \
    } while (0)

#define CHECK_OK(call) check_err(__FILE__, __LINE__, #call, (call), OK)
#define CHECK_ERR(call, expected) check_err(__FILE__, __LINE__, #call, (call), (expected))
/// The error line recorded last is exactly this text.
#define CHECK_LINE(expected) check_text(__FILE__, __LINE__, err_line(), (expected))
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, (actual), (expected))
/// As CHECK(actual == expected) for integers, printing both.
#define CHECK_EQ(actual, expected) \
    check_eq(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))

#define CHECK_SKIP(reason)                 \
    do {                                   \
        printf("skipped: %s\n", (reason)); \
        exit(77);                          \
    } while (0)

__attribute__((format(printf, 3, 4), noreturn, unused)) static void
check_failed(const char *file, int line, const char *format, ...)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: ", file, line);
    __builtin_va_list args;
    __builtin_va_start(args, format);
    vfprintf(stderr, format, args);
    __builtin_va_end(args);
    fprintf(stderr, "\n%s:%d: last error: %s\n", file, line, err_line());
    exit(1);
}

__attribute__((unused)) static void check_err(const char *file, int line, const char *call,
                                              enum err actual, enum err expected)
{
    if (actual == expected) return;
    check_failed(file, line, "%s gave %s, expected %s", call, err_name(actual), err_name(expected));
}

__attribute__((unused)) static void check_text(const char *file, int line, const char *actual,
                                               const char *expected)
{
    if (strcmp(actual, expected) == 0) return;
    check_failed(file, line, "texts differ\n  actual:   %s\n  expected: %s", actual, expected);
}

__attribute__((unused)) static void check_eq(const char *file, int line, const char *what,
                                             long long actual, long long expected)
{
    if (actual == expected) return;
    check_failed(file, line, "%s is %lld, expected %lld", what, actual, expected);
}

/// The seed after --seed, else 1; printed with the command that runs the test again with it.
__attribute__((unused)) static uint64_t check_seed(int argc, char **argv)
{
    uint64_t seed = 1;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--seed") == 0) seed = strtoull(argv[i + 1], NULL, 0);
    printf("seed %llu; again: %s --seed %llu\n", (unsigned long long)seed, argv[0],
           (unsigned long long)seed);
    return seed;
}
