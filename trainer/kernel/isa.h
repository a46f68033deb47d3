#pragma once
// Which instruction set the kernels use, chosen once at run time. All give the same bits (I2 i);
// WEFT_ISA=scalar|avx2|avx512|amx in the environment caps the choice (an unsupported wish is
// lowered to what the CPU has).

#include "base/err.h"

enum isa { ISA_SCALAR, ISA_AVX2, ISA_AVX512, ISA_AMX };

/// Detects once (CPUID, and permission for AMX tiles by arch_prctl) and remembers. Thread-safe.
/// A WEFT_ISA that names nothing caps nothing. Can't fail.
enum isa isa_get(void);
const char *isa_name(enum isa i);
/// For tests: use this one from now on, lowered to what the CPU has; returns what is used.
enum isa isa_set(enum isa wish);
/// The cap that WEFT_ISA asks for (ISA_AMX when unset), so that a run's start can refuse a misspelt
/// one. Errors: ERR_USAGE.
enum err isa_from_environment(enum isa *cap) MUST_CHECK;
