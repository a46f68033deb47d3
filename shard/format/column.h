#pragma once
// Types of a shard's columns. A column is a sequence of elements of one type; a blob column's
// elements are byte strings. Codes are on disk (docs/SHARD_FORMAT.md) and never change meaning;
// a reader skips a column whose code it does not know.

#include <stddef.h>
#include <stdint.h>

// One row a type: name, code on disk, bytes of an element (0 = varies).
#define COLUMN_TYPE_TABLE(X)   \
    X(COLUMN_U8, 1, 1, "u8")   \
    X(COLUMN_U16, 2, 2, "u16") \
    X(COLUMN_U32, 3, 4, "u32") \
    X(COLUMN_U64, 4, 8, "u64") \
    X(COLUMN_I32, 5, 4, "i32") \
    X(COLUMN_I64, 6, 8, "i64") \
    X(COLUMN_F32, 7, 4, "f32") \
    X(COLUMN_F64, 8, 8, "f64") \
    X(COLUMN_BLOB, 9, 0, "blob")

enum column_type {
#define X(name, code, n_bytes, text) name = code,
    COLUMN_TYPE_TABLE(X)
#undef X
};

enum {
    COLUMN_NAME_LIMIT = 64, // with the NUL
    COLUMN_LIMIT = 256,     // columns of a shard
    COLUMN_UNKNOWN_BYTES = -1
};

/// Bytes of an element of the type with that code: 0 for blobs, COLUMN_UNKNOWN_BYTES for codes of
/// the future. Can't fail.
int column_type_bytes(uint8_t code);
/// "u16", "blob"; "unknown" for codes of the future. Can't fail.
const char *column_type_name(uint8_t code);
/// Whether name is 1 to 63 characters of a-z 0-9 _ . and begins with a letter. Can't fail.
int column_name_valid(const char *name, size_t n_bytes);
