# libsil_torch.so, the back end on libtorch: a module that the program opens when it is asked for. It links none of our
# libraries. Without the wheel it is left out, and so are its tests.
if(SIL_SANITIZE OR SIL_FUZZ)
  return()   # libtorch is not instrumented
endif()
list(APPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)
file(GLOB torch_wheel CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/build/wheels/torch/version.py)   # seen once it is fetched
find_package(TorchWheel 2.11 QUIET)
if(NOT TorchWheel_FOUND)
  message(STATUS "libtorch: not found; nn/torch and its tests are left out (scripts/setup.sh --torch)")
  return()
endif()
message(STATUS "libtorch: ${TorchWheel_VERSION} in ${SIL_TORCH_ROOT}")

file(GLOB torch_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/nn/torch/*.cpp)
add_library(sil_torch MODULE ${torch_sources})
target_link_libraries(sil_torch PRIVATE sil_options torch::cpu)
set_target_properties(sil_torch PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
                                           BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "${SIL_TORCH_ROOT}/lib")

# They link libtorch too: its gradients are an oracle.
file(GLOB torch_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/nn/torch/*.cpp)
add_executable(nn_torch_tests ${torch_tests})
target_include_directories(nn_torch_tests PRIVATE ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(nn_torch_tests PRIVATE sil_nn torch::cpu sil_lib::catch)
target_compile_definitions(nn_torch_tests PRIVATE SIL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
set_target_properties(nn_torch_tests PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "${SIL_TORCH_ROOT}/lib")
add_dependencies(nn_torch_tests sil_torch)
add_test(NAME nn_torch COMMAND nn_torch_tests WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
