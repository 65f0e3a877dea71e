#include "nn/parameters.h"

#include "base/transpose.h"

namespace sil::nn {
namespace {

int64_t rows_of(Parameters::Parts parts) {
  int64_t rows = 0;
  for (const auto& part : parts) rows += part.second;
  return rows;
}

int64_t whole_lines(int64_t floats) {
  constexpr int64_t kLine = 16;
  return (floats + kLine - 1) / kLine * kLine;
}

}  // namespace

void Parameters::add_matrix(const Kernels& kernels, int64_t columns, Parts parts, MatrixTraits traits) {
  const int64_t rows = rows_of(parts);
  const int64_t own = kernels.matrix_floats(rows, columns);
  bf16 = kernels.rounding() != nullptr;
  add({.rows = rows, .columns = columns, .offset = 0, .read = 0, .ones = false, .residual = traits.residual}, parts,
      own, bf16 ? (own + 1) / 2 : own, traits.transposed);
}

void Parameters::add_vector(bool ones, Parts parts) {
  const int64_t length = rows_of(parts);
  add({.rows = length, .columns = 0, .offset = 0, .read = 0, .ones = ones, .residual = false}, parts, length, length);
}

void Parameters::add(Parameter parameter, Parts parts, int64_t floats_of_it, int64_t reads_of_it, bool transposed) {
  int64_t first = 0;
  for (const auto& [name, rows] : parts) {
    tensors.push_back({name, parameters.size(), first, rows, parameter.columns, transposed});
    numbers += tensors.back().numbers();
    first += rows;
  }
  parameter.offset = floats;
  parameter.read = reads;
  parameters.push_back(parameter);
  floats += whole_lines(floats_of_it);
  reads += whole_lines(reads_of_it);
}

std::vector<float> Parameters::get(const Kernels& kernels, const float* buffer, const NamedTensor& tensor) const {
  const Parameter& p = parameters[tensor.parameter];
  const float* const at = buffer + p.offset;
  std::vector<float> out(static_cast<size_t>(tensor.numbers()));
  if (p.columns == 0)
    kernels.memory().read(at + tensor.first, tensor.rows, out.data());
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
    kernels.memory().write(values.data(), std::ssize(values), at + tensor.first);
    return;
  }
  std::vector<float> turned;
  if (tensor.transposed) turned = transposed(values, tensor.columns, tensor.rows);
  const float* const rows = tensor.transposed ? turned.data() : values.data();
  kernels.pack(rows, tensor.first, tensor.rows, {.data = at, .rows = p.rows, .columns = p.columns}, at);
}

void Parameters::round(const Kernels& kernels, const float* buffer, float* out) const {
  const Rounding& rounding = *kernels.rounding();
  for (const Parameter& p : parameters) {
    if (p.columns == 0)
      rounding.round(buffer + p.offset, p.rows, out + p.read);
    else
      rounding.narrow(buffer + p.offset, kernels.matrix_floats(p.rows, p.columns), out + p.read);
  }
}

}  // namespace sil::nn
