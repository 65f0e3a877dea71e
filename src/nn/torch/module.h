// The way into libsil_torch.so, which the program opens when it is first asked for (nn/torch_module.h). The module
// takes nothing from the program by name: what it needs of it is handed over.
#pragma once

#include "nn/ops/kernels.h"

namespace sil::nn {

struct TorchCore {
  Sampled (*draw)(TokenSampler& sampler, std::span<const float> logits, const DrawAddress& address);
  const Memory& host;
};

struct TorchOptions {
  bool bf16 = false;  // forward reads bf16 of the weights (Kernels::rounding)
};

}  // namespace sil::nn

extern "C" {

// New kernels on libtorch's CPU device, owned by the caller. What they throw is a std::exception.
sil::nn::Kernels* sil_torch_kernels(const sil::nn::TorchCore& core, const sil::nn::TorchOptions& options);
// Version of the libtorch that the module was built with, "2.11.0".
const char* sil_torch_version();
}
