#pragma once
// Named failure sites. A site that is told to fail makes its caller behave as if the syscall behind
// it had failed with errno EIO or ENOSPC, or kills the process there. Tests walk k = 1, 2, ...
// until a run survives. In the environment: WEFT_FAULT=site:k:action, with action eio, enospc or
// kill; site * = any; k+ = the k-th hit and all later ones.
//
//     if (fault_hit("file_write")) return fail(ERR_IO, "write %s: %s", path, strerror(errno));

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum fault_action { FAULT_EIO, FAULT_ENOSPC, FAULT_KILL };

/// True when this call must fail now; errno is set. Counts calls of armed sites. Thread-safe.
bool fault_hit(const char *site);
/// Arms: the k-th hit (1-based) of site ("*" = any) fails; with for_ever all later ones too.
void fault_arm(const char *site, uint64_t k, enum fault_action action, bool for_ever);
void fault_disarm(void);
/// Hits counted since fault_arm.
uint64_t fault_count(void);
/// Reads WEFT_FAULT; unset = nothing. Called once by main. Errors: ERR_USAGE for a bad value.
enum err fault_arm_from_environment(void) MUST_CHECK;
