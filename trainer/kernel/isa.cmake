# One source file per instruction set, each with its own flags; chosen at run time (kernel/isa.h).
# -O3 in every preset: these files are all loop, and a debug build without it trains 20 times slower.
# -fno-math-errno and -fno-trapping-math change no bits; loops with roots or selections vectorise by them.
set(WEFT_FLAGS_scalar -O3 -fno-math-errno -fno-trapping-math)
set(WEFT_FLAGS_avx2 ${WEFT_FLAGS_scalar} -mavx2 -mfma)
set(WEFT_FLAGS_avx512 ${WEFT_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
set(WEFT_FLAGS_amx ${WEFT_FLAGS_avx512} -mamx-tile -mamx-bf16)

foreach(isa scalar avx2 avx512 amx)
    file(GLOB sources CONFIGURE_DEPENDS trainer/kernel/*_${isa}.c)
    set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "${WEFT_FLAGS_${isa}}")
endforeach()
