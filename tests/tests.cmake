# A test is a file tests/<folder>/test_*.c: one program, one ctest case (or one per rank count when
# its first line says "// ranks: 1 2 4"). A script tests/<folder>/test_*.sh is run with the build
# folder as its argument. Exit 77 = skipped.
pkg_check_modules(BROTLI_ENCODER REQUIRED IMPORTED_TARGET libbrotlienc)
set(WEFT_MPIRUN ${CMAKE_SOURCE_DIR}/tests/mpirun)

function(weft_test_register name command)
    add_test(NAME ${name} COMMAND ${command} ${ARGN} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300
        ENVIRONMENT "WEFT_SOURCE=${CMAKE_SOURCE_DIR};WEFT_BUILD=${CMAKE_BINARY_DIR}")
endfunction()

file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS tests/test_*.c)
foreach(source ${test_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_compile_options(${name} PRIVATE ${WEFT_WARNINGS})
    target_link_libraries(${name} PRIVATE trainer datad shard cluster topology base)
    if(source MATCHES "tests/shard/read/")
        target_link_libraries(${name} PRIVATE PkgConfig::BROTLI_ENCODER)
    endif()
    file(STRINGS ${source} first LIMIT_COUNT 1)
    if(first MATCHES "^// ranks: (.*)$")
        string(REPLACE " " ";" counts "${CMAKE_MATCH_1}")
        foreach(n ${counts})
            weft_test_register(${name}_${n} ${WEFT_MPIRUN} -n ${n} $<TARGET_FILE:${name}>)
            set_tests_properties(${name}_${n} PROPERTIES PROCESSORS 2 LABELS ranks_${n})
        endforeach()
    else()
        weft_test_register(${name} $<TARGET_FILE:${name}>)
    endif()
endforeach()

# AMX without AMX (docs/HACKING.md): weft and a few tests, the same objects, on tiles in software.
set(WEFT_TRAP ${CMAKE_SOURCE_DIR}/tests/trainer/amx_trap.c)
set_source_files_properties(${WEFT_TRAP} PROPERTIES COMPILE_OPTIONS -O3)
target_sources(test_amx_faults PRIVATE ${WEFT_TRAP})
target_compile_options(test_amx_faults PRIVATE -mamx-tile -mamx-bf16)
foreach(name weft test_matmul test_attention test_head test_matrix_bits)
    add_executable(amx_${name} ${WEFT_TRAP} $<TARGET_OBJECTS:${name}>)
    set_target_properties(amx_${name} PROPERTIES OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/amx)
    target_compile_options(amx_${name} PRIVATE ${WEFT_WARNINGS})
    target_link_libraries(amx_${name} PRIVATE trainer datad shard cluster topology base)
endforeach()

file(GLOB_RECURSE test_scripts CONFIGURE_DEPENDS tests/test_*.sh)
foreach(script ${test_scripts})
    get_filename_component(name ${script} NAME_WE)
    weft_test_register(${name} ${script} ${CMAKE_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES LABELS script)
endforeach()

# A fuzz target is a file tests/<folder>/fuzz_*.c with LLVMFuzzerTestOneInput (preset fuzz; clang). It
# links its folder alone: cmake --build build/fuzz --target fuzz_protocol.
if(WEFT_FUZZ)
    file(GLOB_RECURSE fuzz_sources CONFIGURE_DEPENDS tests/fuzz_*.c)
    foreach(source ${fuzz_sources})
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "^.*/tests/([a-z]+)/.*$" "\\1" folder ${source})
        add_executable(${name} ${source})
        target_compile_options(${name} PRIVATE ${WEFT_WARNINGS})
        target_link_libraries(${name} PRIVATE ${folder})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    endforeach()
endif()

# Benchmarks are built, so that they keep building, and run by hand.
file(GLOB_RECURSE bench_sources CONFIGURE_DEPENDS tests/bench_*.c)
foreach(source ${bench_sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_compile_options(${name} PRIVATE ${WEFT_WARNINGS})
    target_link_libraries(${name} PRIVATE trainer datad shard cluster topology base)
endforeach()
