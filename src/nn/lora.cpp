#include "nn/lora.h"

#include <algorithm>
#include <cmath>

#include "base/transpose.h"
#include "sil/error.h"
#include "sil/rng.h"

namespace sil::nn {
namespace {

constexpr int64_t kRowsAtOnce = 256;  // of a matrix that is merged

std::string_view last_word(std::string_view dotted) {
  return dotted.substr(dotted.rfind('.') + 1);
}

// "q_proj" of "model.layers.0.self_attn.q_proj.weight".
std::string_view module_of(std::string_view tensor) {
  return last_word(tensor.substr(0, tensor.rfind('.')));
}

// Matrices of the layers: not the embedding, not the head.
bool adaptable(const NamedTensor& tensor) {
  return tensor.columns > 0 && (tensor.name.starts_with("model.layers.") || tensor.name.starts_with("transformer.h."));
}

std::vector<std::string> modules(const Parameters& base) {
  std::vector<std::string> out;
  for (const NamedTensor& tensor : base.tensors) {
    const std::string module(module_of(tensor.name));
    if (adaptable(tensor) && std::find(out.begin(), out.end(), module) == out.end()) out.push_back(module);
  }
  return out;
}

void check_targets(const std::vector<std::string>& targets, const std::vector<std::string>& known) {
  std::string list;
  for (const std::string& module : known) list += (list.empty() ? "" : ", ") + module;
  for (const std::string& target : targets)
    if (std::find(known.begin(), known.end(), target) == known.end())
      throw Error(Exit::usage, "lora: targets: the model has no matrices `" + target + "`", "it has " + list);
}

std::vector<float> uniforms(uint64_t key, uint64_t tensor, int64_t count, float bound) {
  std::vector<float> out;
  out.reserve(static_cast<size_t>(count + 3));
  for (uint64_t block = 0; out.size() < static_cast<size_t>(count); ++block)
    for (const uint32_t word : philox4x32_10({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                              static_cast<uint32_t>(tensor), static_cast<uint32_t>(tensor >> 32)},
                                             key))
      out.push_back((2 * uniform(word) - 1) * bound);
  out.resize(static_cast<size_t>(count));
  return out;
}

}  // namespace

Lora::Lora(const LoraOptions& options, const Parameters& base, const Kernels& kernels)
    : options_(options), base_(base), kernels_(kernels) {
  const std::vector<std::string> known = modules(base);
  check_targets(options_.targets, known);
  if (options_.targets.empty()) options_.targets = known;
  for (const NamedTensor& tensor : base.tensors) {
    const std::string module(module_of(tensor.name));
    if (!adaptable(tensor)) continue;
    if (std::find(options_.targets.begin(), options_.targets.end(), module) == options_.targets.end()) continue;
    targets_.push_back({tensor, parameters_.parameters.size()});
    const std::string path = "base_model.model." + tensor.name.substr(0, tensor.name.rfind('.'));
    parameters_.add_matrix(kernels, tensor.columns, {{path + ".lora_A.weight", options_.r}});
    parameters_.add_matrix(kernels, options_.r, {{path + ".lora_B.weight", tensor.rows}});
  }
}

float Lora::scale() const {
  const auto r = static_cast<double>(options_.r);
  return static_cast<float>(options_.alpha / (options_.rslora ? std::sqrt(r) : r));
}

Buffer Lora::initial(uint64_t key) const {
  Buffer factors(parameters_.floats, kernels_.memory());
  for (const Target& target : targets_) {
    const NamedTensor& a = parameters_.tensors[target.a];
    const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(a.columns)));
    parameters_.put(kernels_, uniforms(key, target.a, a.numbers(), bound), a, factors.data());
  }
  return factors;
}

void Lora::merge(const Buffer& base, const Buffer& factors, Buffer& out, ThreadPool* pool) const {
  SIL_CHECK(base.size() == base_.floats && factors.size() == parameters_.floats && out.size() == base.size());
  kernels_.memory().copy(base.data(), base.size(), out.data());
  const auto count = static_cast<int64_t>(targets_.size());
  const auto one = [&](int64_t i) { merge_target(targets_[static_cast<size_t>(i)], base, factors, out); };
  if (pool != nullptr)
    pool->for_each(count, one);
  else
    for (int64_t i = 0; i < count; ++i) one(i);
}

// B A by the product kernel: A is turned into the matrix whose rows are its columns, and rows of B are what it is
// applied to.
void Lora::merge_target(const Target& target, const Buffer& base, const Buffer& factors, Buffer& out) const {
  const auto& [tensor, a_index] = target;
  const std::vector<float> a = parameters_.get(kernels_, factors.data(), parameters_.tensors[a_index]);
  const std::vector<float> b = parameters_.get(kernels_, factors.data(), parameters_.tensors[target.b()]);
  const int64_t r = options_.r;
  const std::vector<float> turned = transposed(a, r, tensor.columns);
  const Memory& memory = kernels_.memory();
  Buffer packed(kernels_.matrix_floats(tensor.columns, r), memory);
  const Matrix by{.data = packed.data(), .rows = tensor.columns, .columns = r};
  kernels_.pack(turned.data(), 0, tensor.columns, by, packed.data());

  const Parameter& p = base_.parameters[tensor.parameter];
  const Matrix from{.data = base.data() + p.offset, .rows = p.rows, .columns = p.columns};
  std::vector<float> plain(static_cast<size_t>(kRowsAtOnce * tensor.columns));
  Buffer left(kRowsAtOnce * r, memory);
  Buffer own(kRowsAtOnce * tensor.columns, memory);
  Buffer change(kRowsAtOnce * tensor.columns, memory);
  for (int64_t first = 0; first < tensor.rows; first += kRowsAtOnce) {
    const int64_t rows = std::min(kRowsAtOnce, tensor.rows - first);
    const Tensor sum{own.data(), rows, tensor.columns};
    const Tensor product{change.data(), rows, tensor.columns};
    memory.write(b.data() + first * r, rows * r, left.data());
    kernels_.linear({left.data(), rows, r}, by, nullptr, product);
    kernels_.scale(product, scale());
    kernels_.unpack(from, tensor.first + first, rows, plain.data());
    memory.write(plain.data(), sum.size(), own.data());
    kernels_.add(sum, product, sum);
    memory.read(own.data(), sum.size(), plain.data());
    kernels_.pack(plain.data(), tensor.first + first, rows, from, out.data() + p.offset);
  }
}

Matrix Lora::matrix(size_t parameter, const float* factors) const {
  const Parameter& p = parameters_.parameters[parameter];
  return {.data = factors + p.offset, .rows = p.rows, .columns = p.columns};
}

LoraFactors::LoraFactors(const Lora& lora, const float* values, float* gradients) {
  const auto gradient = [&](size_t parameter) { return gradients + lora.parameters_.parameters[parameter].offset; };
  size_t next = 0;
  for (size_t parameter = 0; parameter < lora.base_.parameters.size(); ++parameter) {
    begin_.push_back(factors_.size());
    for (; next < lora.targets_.size() && lora.targets_[next].tensor.parameter == parameter; ++next) {
      const Lora::Target& target = lora.targets_[next];
      factors_.push_back({.a = lora.matrix(target.a, values),
                          .b = lora.matrix(target.b(), values),
                          .first = target.tensor.first,
                          .scale = lora.scale(),
                          .da = gradient(target.a),
                          .db = gradient(target.b())});
    }
  }
  begin_.push_back(factors_.size());
}

std::span<const LowRank> LoraFactors::of(size_t parameter) const {
  return std::span(factors_).subspan(begin_[parameter], begin_[parameter + 1] - begin_[parameter]);
}

}  // namespace sil::nn
