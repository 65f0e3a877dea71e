// Where the weights of a model, or of an adapter, lie in one flat buffer of floats, and which published tensors they
// are.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nn/ops/kernels.h"

namespace sil::nn {

// One published tensor: rows [first, first + rows) of parameter `parameter`; vectors have columns 0.
struct NamedTensor {
  std::string name;
  size_t parameter = 0;
  int64_t first = 0;
  int64_t rows = 0;
  int64_t columns = 0;
  bool transposed = false;  // published as [columns, rows]

  int64_t numbers() const { return columns == 0 ? rows : rows * columns; }
  std::vector<int64_t> shape() const {
    if (columns == 0) return {rows};
    return transposed ? std::vector<int64_t>{columns, rows} : std::vector<int64_t>{rows, columns};
  }
};

// A matrix or vector of the weights, as the model reads it; q, k, v and gate, up are one matrix each.
struct Parameter {
  int64_t rows = 0;       // of a vector: its length
  int64_t columns = 0;    // 0 = vector
  int64_t offset = 0;     // floats before it in the flat buffer
  int64_t read = 0;       // and in the one that forward reads
  bool ones = false;      // a norm's scale
  bool residual = false;  // writes into the residual stream
};

// For one back end. Where it rounds weights, forward reads a second buffer, made of the first: bf16 matrices, rounded
// vectors. Else it is the same one.
struct Parameters {
  std::vector<Parameter> parameters;
  std::vector<NamedTensor> tensors;
  int64_t floats = 0;   // of the buffer, padding included
  int64_t reads = 0;    // floats of the buffer that forward reads
  int64_t numbers = 0;  // parameters as they are counted
  bool bf16 = false;    // forward reads the second buffer

  // Puts a parameter behind the others: one published tensor, or several stacked ones, as {name, rows}.
  using Parts = std::initializer_list<std::pair<std::string, int64_t>>;
  struct MatrixTraits {
    bool residual = false;    // of Parameter
    bool transposed = false;  // of NamedTensor
  };
  void add_matrix(const Kernels& kernels, int64_t columns, Parts parts, MatrixTraits traits = {false, false});
  void add_vector(bool ones, Parts parts);

  // A published tensor's row-major values, from and to a flat buffer.
  std::vector<float> get(const Kernels& kernels, const float* buffer, const NamedTensor& tensor) const;
  void put(const Kernels& kernels, std::span<const float> values, const NamedTensor& tensor, float* buffer) const;
  // The buffer that forward reads, of the one that is trained; only where the back end rounds weights.
  void round(const Kernels& kernels, const float* buffer, float* out) const;

 private:
  void add(Parameter parameter, Parts parts, int64_t floats_of_it, int64_t reads_of_it, bool transposed = false);
};

}  // namespace sil::nn
