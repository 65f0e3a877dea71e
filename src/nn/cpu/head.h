// The head's softmax, row by row, by the one routine that sampler, scorer and trainer share (engines/log_softmax.h).
#pragma once

#include <span>

#include "engines/log_softmax.h"
#include "nn/ops/tensor.h"
#include "sil/records.h"

namespace sil::nn::cpu {

void log_probs(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature, std::span<LogSum> sums,
               std::span<float> logp);
void log_probs_backward(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                        std::span<const LogSum> sums, std::span<const float> dlogp, Tensor dlogits);
double divergence(Tensor logits, Tensor reference, bool forward, double weight, Tensor dlogits);

}  // namespace sil::nn::cpu
