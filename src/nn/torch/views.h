// Our memory as tensors of ATen, without a copy.
#pragma once

#include <ATen/ATen.h>

#include <span>

#include "nn/ops/kernels.h"

namespace sil::nn::torch {

inline at::Tensor view(const float* data, at::IntArrayRef sizes) {
  return at::from_blob(const_cast<float*>(data), sizes, at::kFloat);
}
inline at::Tensor view(Tensor tensor) {
  return view(tensor.data, {tensor.rows, tensor.columns});
}
inline at::Tensor view(const Matrix& matrix) {
  return view(matrix.data, {matrix.rows, matrix.columns});
}
inline at::Tensor view(std::span<const float> values) {
  return view(values.data(), {static_cast<int64_t>(values.size())});
}
inline at::Tensor view(std::span<const int32_t> values) {
  return at::from_blob(const_cast<int32_t*>(values.data()), {static_cast<int64_t>(values.size())}, at::kInt);
}

}  // namespace sil::nn::torch
