# The torch wheel of PyPI as libraries: torch::headers, torch::cpu. No Python, no CMake files of torch's own, which would
# bring CUDA in. Input: SIL_TORCH_ROOT, its folder .../torch (default: where scripts/setup.sh --torch puts it).
set(SIL_TORCH_ROOT "${CMAKE_SOURCE_DIR}/build/wheels/torch" CACHE PATH "folder of the unpacked torch wheel")
if(EXISTS "${SIL_TORCH_ROOT}/version.py")
  file(STRINGS "${SIL_TORCH_ROOT}/version.py" line REGEX "^__version__")
  string(REGEX REPLACE ".*'([0-9.]+)(\\+[^']*)?'.*" "\\1" TorchWheel_VERSION "${line}")
endif()
find_library(TorchWheel_CPU NAMES torch_cpu PATHS "${SIL_TORCH_ROOT}/lib" NO_DEFAULT_PATH)
find_library(TorchWheel_C10 NAMES c10 PATHS "${SIL_TORCH_ROOT}/lib" NO_DEFAULT_PATH)
mark_as_advanced(TorchWheel_CPU TorchWheel_C10)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchWheel REQUIRED_VARS TorchWheel_CPU TorchWheel_C10 VERSION_VAR TorchWheel_VERSION)

if(TorchWheel_FOUND AND NOT TARGET torch::cpu)
  add_library(torch::headers INTERFACE IMPORTED)
  set_target_properties(torch::headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${SIL_TORCH_ROOT}/include;${SIL_TORCH_ROOT}/include/torch/csrc/api/include"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${SIL_TORCH_ROOT}/include;${SIL_TORCH_ROOT}/include/torch/csrc/api/include")
  add_library(torch::c10 SHARED IMPORTED)
  set_target_properties(torch::c10 PROPERTIES IMPORTED_LOCATION "${TorchWheel_C10}" IMPORTED_SONAME libc10.so)
  add_library(torch::cpu SHARED IMPORTED)
  set_target_properties(torch::cpu PROPERTIES IMPORTED_LOCATION "${TorchWheel_CPU}" IMPORTED_SONAME libtorch_cpu.so
                                              INTERFACE_LINK_LIBRARIES "torch::headers;torch::c10")
endif()
