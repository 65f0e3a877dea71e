// Attention of nn/ops/kernels.h by matrix products over whole runs.
#pragma once

#include "nn/torch/views.h"

namespace sil::nn::torch {

void attention(const Views& on, Tensor qkv, const Heads& heads, const AttentionLayer& layer, const Layout& layout,
               Tensor out, SoftmaxStats* stats);
void attention_backward(const Views& on, Tensor qkv, const Heads& heads, const AttentionLayer& layer,
                        const Layout& layout, Tensor out, const SoftmaxStats* stats, Tensor dout, Tensor dqkv);

}  // namespace sil::nn::torch
