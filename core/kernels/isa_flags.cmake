# SPDX-License-Identifier: GPL-3.0-or-later
# Each file in core/kernels/simd is compiled for the instruction set that its name ends in; cpu.h chooses among
# them when the program runs. The rest of Orrery runs on any x86-64.
set(flags_portable "")
set(flags_avx2 -mavx2 -mfma -mf16c)
set(flags_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mf16c -mprefer-vector-width=512)
set(flags_avx512_vnni ${flags_avx512} -mavx512vnni)
set(flags_avx512_bf16 ${flags_avx512_vnni} -mavx512bf16)
# GCC 12 calls the undefined registers in its own intrinsics uninitialised (bug 105593).
set(quiet "")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(quiet -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
# Checks of undefined behaviour around every element of a register take the compiler minutes; the addresses, which
# are what these kernels can get wrong, stay checked.
set(optimise "-O3;-ffp-contract=fast")
if(ORRERY_SANITIZE)
  set(optimise "-O1;-fno-sanitize=undefined")
endif()
foreach(set portable avx2 avx512 avx512_vnni avx512_bf16)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/simd/*_${set}.cpp)
  foreach(file IN LISTS files)
    set_source_files_properties(${file} PROPERTIES SKIP_PRECOMPILE_HEADERS ON
                                COMPILE_OPTIONS "${optimise};${quiet};${flags_${set}}")
  endforeach()
endforeach()
