#include "nn/parameters.h"

#include <algorithm>

#include "base/transpose.h"

namespace sil::nn {
namespace {

int64_t rows_of(Parameters::Parts parts) {
  int64_t rows = 0;
  for (const auto& part : parts) rows += part.second;
  return rows;
}

}  // namespace

void Parameters::add_matrix(const Kernels& kernels, int64_t columns, Parts parts, MatrixTraits traits) {
  const int64_t rows = rows_of(parts);
  add({.rows = rows, .columns = columns, .offset = 0, .ones = false, .residual = traits.residual}, parts,
      kernels.matrix_floats(rows, columns), traits.transposed);
}

void Parameters::add_vector(bool ones, Parts parts) {
  const int64_t length = rows_of(parts);
  add({.rows = length, .columns = 0, .offset = 0, .ones = ones, .residual = false}, parts, length);
}

void Parameters::add(Parameter parameter, Parts parts, int64_t floats_of_it, bool transposed) {
  constexpr int64_t kLine = 16;
  int64_t first = 0;
  for (const auto& [name, rows] : parts) {
    tensors.push_back({name, parameters.size(), first, rows, parameter.columns, transposed});
    numbers += tensors.back().numbers();
    first += rows;
  }
  parameter.offset = floats;
  parameters.push_back(parameter);
  floats += (floats_of_it + kLine - 1) / kLine * kLine;
}

std::vector<float> Parameters::get(const Kernels& kernels, const float* buffer, const NamedTensor& tensor) const {
  const Parameter& p = parameters[tensor.parameter];
  const float* const at = buffer + p.offset;
  std::vector<float> out(static_cast<size_t>(tensor.numbers()));
  if (p.columns == 0)
    std::copy_n(at + tensor.first, tensor.rows, out.data());
  else
    kernels.unpack({.data = at, .rows = p.rows, .columns = p.columns}, tensor.first, tensor.rows, out.data());
  if (tensor.transposed) return transposed(out, tensor.rows, tensor.columns);
  return out;
}

void Parameters::put(const Kernels& kernels, std::span<const float> values, const NamedTensor& tensor,
                     float* buffer) const {
  const Parameter& p = parameters[tensor.parameter];
  float* const at = buffer + p.offset;
  if (p.columns == 0) {
    std::copy(values.begin(), values.end(), at + tensor.first);
    return;
  }
  std::vector<float> turned;
  if (tensor.transposed) turned = transposed(values, tensor.columns, tensor.rows);
  const float* const rows = tensor.transposed ? turned.data() : values.data();
  kernels.pack(rows, tensor.first, tensor.rows, {.data = at, .rows = p.rows, .columns = p.columns}, at);
}

}  // namespace sil::nn
