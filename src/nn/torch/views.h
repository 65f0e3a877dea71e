// Our memory as tensors of ATen, without a copy.
#pragma once

#include <ATen/ATen.h>

#include <span>

#include "nn/ops/kernels.h"

namespace sil::nn::torch {

inline at::Tensor host(std::span<const float> values) {
  return at::from_blob(const_cast<float*>(values.data()), {static_cast<int64_t>(values.size())}, at::kFloat);
}

// For a back end whose memory is on `device`.
class Views {
 public:
  explicit Views(at::Device device) : device_(device) {}
  at::Device device() const { return device_; }

  at::Tensor view(const float* data, at::IntArrayRef sizes) const { return view(data, sizes, at::kFloat); }
  at::Tensor view(Tensor tensor) const { return view(tensor.data, {tensor.rows, tensor.columns}); }
  at::Tensor view(const Matrix& matrix) const {
    return view(matrix.data, {matrix.rows, matrix.columns}, matrix.bf16 ? at::kBFloat16 : at::kFloat);
  }
  at::Tensor narrow_view(float* data, int64_t length) const { return view(data, {length}, at::kBFloat16); }

  // The host's values, copied where that is another device.
  at::Tensor here(std::span<const float> values) const { return host(values).to(device_); }
  at::Tensor here(std::span<const int32_t> values) const {
    return at::from_blob(const_cast<int32_t*>(values.data()), {static_cast<int64_t>(values.size())}, at::kInt)
        .to(device_);
  }

 private:
  at::Tensor view(const float* data, at::IntArrayRef sizes, at::ScalarType type) const {
    return at::for_blob(const_cast<float*>(data), sizes)
        .options(at::TensorOptions().dtype(type).device(device_))
        .target_device(device_)
        .make_tensor();
  }

  at::Device device_;
};

}  // namespace sil::nn::torch
