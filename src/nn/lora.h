// LoRA (Hu et al. 2021, arXiv 2106.09685): the model's own weights W are frozen; of chosen matrices, W + scale B A is
// read, and only A and B are trained. The sum is formed anew whenever B A changes, so sampler, scorer and trainer read
// one and the same matrix and every law of full training holds.
//
// Factors are flat buffers of `parameters()`, whose tensors have PEFT's names.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "nn/ops/buffer.h"
#include "nn/ops/ops.h"
#include "nn/parameters.h"
#include "sil/engine.h"

namespace sil::nn {

class Lora {
 public:
  // Of a model with these parameters. Throws Error(Exit::usage) on targets that it does not have.
  Lora(const LoraOptions& options, const Parameters& base, const Kernels& kernels);

  const LoraOptions& options() const { return options_; }
  const Parameters& parameters() const { return parameters_; }
  float scale() const;  // alpha / r, or alpha / sqrt(r) (rsLoRA: Kalajdzievski 2023, arXiv 2312.03732)

  // B zero, A uniform within 1 / sqrt(columns of W), as PEFT's default; an element's draw belongs to its place.
  Buffer initial(uint64_t key) const;
  // W + scale B A in the layout of the model's parameters; `out` may hold anything, of that size.
  void merge(const Buffer& base, const Buffer& factors, Buffer& out, ThreadPool* pool) const;

 private:
  friend class LoraFactors;
  struct Target {
    NamedTensor tensor;  // of the model
    size_t a = 0;        // parameters; B's follows A's
    size_t b() const { return a + 1; }
  };
  void merge_target(const Target& target, const Buffer& base, const Buffer& factors, Buffer& out) const;
  Matrix matrix(size_t parameter, const float* factors) const;

  LoraOptions options_;
  const Parameters& base_;
  const Kernels& kernels_;
  Parameters parameters_;
  std::vector<Target> targets_;  // in the order of the model's parameters
};

// The factors of one version as the model's backward pass reads them. A view.
class LoraFactors {
 public:
  LoraFactors(const Lora& lora, const float* values, float* gradients);

  std::span<const LowRank> of(size_t parameter) const;  // of the model; empty where it has none

 private:
  std::vector<LowRank> factors_;  // by the model's parameter
  std::vector<size_t> begin_;     // [parameter] of its factors, and of the one behind the last
};

}  // namespace sil::nn
