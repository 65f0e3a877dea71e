// libtorch as a back end: libsil_torch.so beside the program, opened at the first call and never closed. A program
// linked with libtorch would take 0.3 s to start.
#pragma once

#include <memory>
#include <string>

#include "nn/torch/module.h"

namespace sil::nn {

// Both throw Error(Exit::unfit) where the module or what it needs is not there.
std::unique_ptr<Kernels> torch_kernels(const TorchOptions& options = {});
std::string torch_version();

}  // namespace sil::nn
