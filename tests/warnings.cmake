set(WEFT_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wdouble-promotion
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
    $<$<COMPILE_LANGUAGE:C>:-Wold-style-definition>
    -Wvla -Wundef -Wformat=2 -Wcast-qual -Wwrite-strings -Wpointer-arith -Wimplicit-fallthrough
    -fno-common)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    list(APPEND WEFT_WARNINGS -Wlogical-op -Wduplicated-cond)
else()
    list(APPEND WEFT_WARNINGS -Wcomma -Wconditional-uninitialized)
endif()
if(WEFT_WERROR)
    list(APPEND WEFT_WARNINGS -Werror)
endif()
# Bits: no contraction, no reassociation (invariant I2).
add_compile_options(-ffp-contract=off -fno-strict-aliasing -fstack-protector-strong)
add_link_options(-Wl,-z,relro,-z,now)
if(WEFT_SANITIZE)
    add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${WEFT_SANITIZE})
    if(CMAKE_C_COMPILER_ID MATCHES Clang)
        add_compile_options(-Wno-pass-failed) # checked loops are not vectorised, and need not be
    endif()
    if(WEFT_SANITIZE MATCHES address)
        add_compile_definitions(WEFT_ASAN)
    endif()
endif()
