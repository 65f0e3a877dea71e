#include "nn/cpu/head.h"

namespace sil::nn::cpu {
namespace {

std::span<const float> row_of(Tensor tensor, size_t row) {
  return {tensor.row(static_cast<int64_t>(row)), static_cast<size_t>(tensor.columns)};
}

}  // namespace

void log_probs(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature, std::span<LogSum> sums,
               std::span<float> logp) {
  LogSoftmax softmax(static_cast<size_t>(logits.columns));
  for (size_t t = 0; t < ids.size(); ++t) {
    sums[t] = softmax.scaled_sum(row_of(logits, t), temperature[t]);
    logp[t] = sums[t].log_prob(softmax.row()[static_cast<size_t>(ids[t])]);
  }
}

void log_probs_backward(Tensor logits, std::span<const TokenId> ids, std::span<const float> temperature,
                        std::span<const LogSum> sums, std::span<const float> dlogp, Tensor dlogits) {
  const auto width = static_cast<size_t>(logits.columns);
  LogSoftmax softmax(width);
  for (size_t t = 0; t < ids.size(); ++t) {
    if (dlogp[t] == 0) continue;
    softmax.scale(row_of(logits, t), temperature[t]);
    const std::span<const float> p = softmax.probabilities(sums[t]);
    const float weight = dlogp[t] / temperature[t];
    float* const out = dlogits.row(static_cast<int64_t>(t));
    for (size_t j = 0; j < width; ++j) out[j] -= weight * p[j];
    out[ids[t]] += weight;
  }
}

// With S = softmax(logits) and T = softmax(reference):
//   KL(T|S) = sum T (log T - log S), d/dz_j = S_j - T_j      KL(S|T) = sum S (log S - log T), d/dz_j = S_j (log S_j -
//   log T_j - KL)
double divergence(Tensor logits, Tensor reference, bool forward, double weight, Tensor dlogits) {
  const auto width = static_cast<size_t>(logits.columns);
  LogSoftmax student(width);
  LogSoftmax teacher(width);
  double total = 0;
  for (size_t t = 0; t < static_cast<size_t>(logits.rows); ++t) {
    const LogSum sum_s = student.scaled_sum(row_of(logits, t), 1);
    const LogSum sum_t = teacher.scaled_sum(row_of(reference, t), 1);
    const std::span<const float> s = student.probabilities(sum_s);
    const std::span<const float> q = teacher.probabilities(sum_t);
    const auto difference = [&](size_t j) {  // log S - log T
      return static_cast<double>(sum_s.log_prob(student.row()[j])) -
             static_cast<double>(sum_t.log_prob(teacher.row()[j]));
    };
    double kl = 0;
    for (size_t j = 0; j < width; ++j)
      kl += forward ? -difference(j) * static_cast<double>(q[j]) : difference(j) * static_cast<double>(s[j]);
    total += kl;
    float* const out = dlogits.row(static_cast<int64_t>(t));
    for (size_t j = 0; j < width; ++j) {
      const double slope = forward ? static_cast<double>(s[j]) - static_cast<double>(q[j])
                                   : static_cast<double>(s[j]) * (difference(j) - kl);
      out[j] += static_cast<float>(weight * slope);
    }
  }
  return total;
}

}  // namespace sil::nn::cpu
