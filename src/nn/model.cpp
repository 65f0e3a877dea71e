// Weights, optimizer and checkpoints are safetensors: NAME; `first.NAME`, `second.NAME` and `steps` [1] I64; and all of
// them with `weights.NAME` and `done` [1] I64, the optimizer steps that the update had finished.
#include "nn/model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <numbers>

#include "base/math.h"
#include "formats/safetensors.h"
#include "nn/folder.h"
#include "sil/error.h"
#include "sil/rng.h"

namespace sil::nn {
namespace {

// Box-Muller on the uniforms that belong to a tensor's element.
std::vector<float> normals(uint64_t key, uint64_t tensor, int64_t count, double deviation) {
  std::vector<float> out;
  out.reserve(static_cast<size_t>(count + 3));
  for (uint64_t block = 0; out.size() < static_cast<size_t>(count); ++block) {
    const auto words = philox4x32_10({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                      static_cast<uint32_t>(tensor), static_cast<uint32_t>(tensor >> 32)},
                                     key);
    for (size_t i = 0; i < 4; i += 2) {
      const double radius = deviation * std::sqrt(-2 * exact_log(static_cast<double>(uniform(words[i]))));
      const CosSin turn = exact_cos_sin(2 * std::numbers::pi * static_cast<double>(uniform(words[i + 1])));
      out.push_back(static_cast<float>(radius * turn.cosine));
      out.push_back(static_cast<float>(radius * turn.sine));
    }
  }
  out.resize(static_cast<size_t>(count));
  return out;
}

TensorView number(const char* name, const int64_t& value) {
  return {name, Dtype::i64, {1}, {reinterpret_cast<const char*>(&value), sizeof value}};
}

int64_t number_of(const Safetensors& file, const char* name, const Place& where) {
  int64_t value = 0;
  std::memcpy(&value, file.find(name)->bytes.data(), sizeof value);
  if (value < 0)
    throw Error(Exit::unreadable, std::string(name) + " is " + std::to_string(value) + "; at least 0 is allowed",
                "load the state that was saved with these weights", where);
  return value;
}

}  // namespace

Model::Model(const DecoderShape& shape, std::shared_ptr<const Kernels> kernels, const std::optional<LoraOptions>& lora)
    : shape_(shape),
      kernels_(std::move(kernels)),
      parameters_(decoder_parameters(shape, *kernels_)),
      rotary_(rotary_tables(shape)) {
  if (lora) lora_.emplace(*lora, parameters_, *kernels_);
}

void Model::check_length(const std::string& what, int64_t ids) const {
  if (ids <= shape_.context) return;
  throw Error(Exit::unreadable,
              what + " has " + std::to_string(ids) + " ids; at most " + std::to_string(shape_.context) + " are allowed",
              "the model's context is fixed: take shorter ones, or a model with a longer context");
}

Buffer Model::filled(const Safetensors& file, const std::string& prefix) const {
  Buffer buffer(trained().floats);
  for (const NamedTensor& tensor : trained().tensors)
    trained().put(*kernels_, floats(*file.find(prefix + tensor.name)), tensor, buffer.data());
  return buffer;
}

Buffer Model::initial(uint64_t key) const {
  const double spread = std::sqrt(2 / (5 * static_cast<double>(shape_.width)));
  Buffer weights(parameters_.floats);
  for (size_t i = 0; i < parameters_.tensors.size(); ++i) {
    const NamedTensor& tensor = parameters_.tensors[i];
    const Parameter& p = parameters_.parameters[tensor.parameter];
    const double deviation = p.residual ? spread / std::sqrt(2 * static_cast<double>(shape_.layers)) : spread;
    const std::vector<float> values =
        p.columns > 0 ? normals(key, i, tensor.numbers(), deviation)
                      : std::vector<float>(static_cast<size_t>(tensor.numbers()), p.ones ? 1.0F : 0.0F);
    parameters_.put(*kernels_, values, tensor, weights.data());
  }
  return weights;
}

void Model::write(std::span<const Part> parts, std::vector<TensorView> tensors, ByteSink& out) const {
  std::map<std::string, std::pair<const Buffer*, const NamedTensor*>> sources;
  for (const Part& part : parts)
    for (const NamedTensor& tensor : trained().tensors) {
      tensors.push_back({part.prefix + tensor.name, Dtype::f32, tensor.shape(), {}});
      sources[tensors.back().name] = {&part.buffer, &tensor};
    }
  std::vector<float> values;
  write_safetensors(tensors, out, [&](const TensorView& view) -> std::string_view {
    const auto source = sources.find(view.name);
    if (source == sources.end()) return view.bytes;
    values = trained().get(*kernels_, source->second.first->data(), *source->second.second);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  });
}

void Model::write_weights(const State& state, ByteSink& out) const {
  write(std::array{Part{"", state.weights}}, {}, out);
}

void Model::write_moments(const State& state, ByteSink& out) const {
  const Moments& moments = state.moments;
  if (moments.first.empty()) return;
  write(std::array{Part{"first.", moments.first}, Part{"second.", moments.second}}, {number("steps", moments.steps)},
        out);
}

void Model::write_checkpoint(const State& state, int64_t done, ByteSink& out) const {
  const Moments& moments = state.moments;
  const Part weights{"weights.", state.weights};
  if (moments.first.empty()) return write(std::array{weights}, {number("done", done)}, out);
  write(std::array{weights, Part{"first.", moments.first}, Part{"second.", moments.second}},
        {number("done", done), number("steps", moments.steps)}, out);
}

std::vector<TensorView> Model::wanted(const Safetensors& file, const Parameters& parameters) {
  std::vector<TensorView> out;
  for (const NamedTensor& tensor : parameters.tensors) {
    const TensorView* found = file.find(tensor.name);
    out.push_back(
        {tensor.name, found != nullptr && is_float(found->dtype) ? found->dtype : Dtype::f32, tensor.shape(), {}});
  }
  return out;
}

Buffer Model::read_trained(std::string_view bytes, const Place& where) const {
  const Safetensors file = read_safetensors(bytes, where);
  expect_tensors(file, wanted(file, trained()), where);
  expect_finite(file, where);
  return filled(file, "");
}

Buffer Model::read_weights(const WeightSource& source) const {
  const Safetensors listed{source.tensors(), {}};
  expect_tensors(listed, wanted(listed, parameters_), source.place());
  std::map<std::string_view, const NamedTensor*> named;
  for (const NamedTensor& tensor : parameters_.tensors) named[tensor.name] = &tensor;
  Buffer weights(parameters_.floats);
  std::vector<float> values;
  for (size_t i = 0; i < listed.tensors.size(); ++i) {
    source.read(i, values);
    TensorView tensor = listed.tensors[i];
    tensor.dtype = Dtype::f32;
    tensor.bytes = {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
    expect_finite({{tensor}, {}}, source.place(i));
    parameters_.put(*kernels_, values, *named.at(tensor.name), weights.data());
  }
  return weights;
}

std::vector<TensorView> Model::tensors(std::initializer_list<const char*> prefixes,
                                       std::initializer_list<const char*> numbers) const {
  std::vector<TensorView> out;
  for (const char* name : numbers) out.push_back({name, Dtype::i64, {1}, {}});
  for (const char* prefix : prefixes)
    for (const NamedTensor& tensor : trained().tensors)
      out.push_back({prefix + tensor.name, Dtype::f32, tensor.shape(), {}});
  return out;
}

Moments Model::moments_of(const Safetensors& file, const Place& where) const {
  return {.steps = number_of(file, "steps", where), .first = filled(file, "first."), .second = filled(file, "second.")};
}

State Model::read(std::string_view weights, std::string_view moments) const {
  State state{.weights = read_trained(weights, {"model weights", 0, 0}), .moments = {}, .merged = {}};
  if (moments.empty()) return state;
  const Place where{"optimizer state", 0, 0};
  const Safetensors file = read_safetensors(moments, where);
  expect_tensors(file, tensors({"first.", "second."}, {"steps"}), where);
  expect_finite(file, where);
  state.moments = moments_of(file, where);
  return state;
}

State Model::read_checkpoint(const UpdateCheckpoint& checkpoint) const {
  const Place where{"checkpoint of an update", 0, 0};
  const Safetensors file = read_safetensors(checkpoint.state, where);
  const bool moments = file.find("steps") != nullptr;
  expect_tensors(
      file, moments ? tensors({"weights.", "first.", "second."}, {"done", "steps"}) : tensors({"weights."}, {"done"}),
      where);
  expect_finite(file, where);
  if (const int64_t done = number_of(file, "done", where); done != checkpoint.step)
    throw Error(Exit::unreadable,
                "it is of step " + std::to_string(done) + ", wanted " + std::to_string(checkpoint.step),
                "start the round again", where);
  return {.weights = filled(file, "weights."), .moments = moments ? moments_of(file, where) : Moments(), .merged = {}};
}

Digest Model::digest(const State& state) const {
  Sha256 hash;
  hash.field("weights").number(trained().tensors.size());
  for (const NamedTensor& tensor : trained().tensors) {
    hash.field(tensor.name);
    for (int64_t dimension : tensor.shape()) hash.number(static_cast<uint64_t>(dimension));
    const std::vector<float> values = trained().get(*kernels_, state.weights.data(), tensor);
    hash.array(std::span<const float>(values));
  }
  return hash.finish();
}

}  // namespace sil::nn
