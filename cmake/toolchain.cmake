# Compiler settings of our own targets, and the tools that make builds quick where they are installed.
find_program(SIL_CCACHE ccache)
if(SIL_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SIL_CCACHE})
endif()
find_program(SIL_MOLD mold)
if(SIL_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1")

find_package(Threads REQUIRED)

set(SIL_SANITIZE "" CACHE STRING "-fsanitize= list, e.g. address,undefined")
if(SIL_SANITIZE)
  add_compile_options(-fsanitize=${SIL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SIL_SANITIZE})
endif()

if(SIL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_library(sil_options INTERFACE)
target_include_directories(sil_options INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src
                                                 ${CMAKE_BINARY_DIR}/generated)
# Contraction off: a*b+c is fused only where the source says fma, so every machine rounds alike.
target_compile_options(sil_options INTERFACE -ffp-contract=off -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor
                                             -Woverloaded-virtual -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(sil_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict)   # false alarms of g++ 12
else()
  target_compile_options(sil_options INTERFACE -Wno-string-conversion)   # SIL_CHECK(!"what is not handled")
endif()
target_link_libraries(sil_options INTERFACE Threads::Threads)
