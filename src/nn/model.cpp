// The optimizer's bytes are safetensors too: `first.NAME` and `second.NAME` for every tensor NAME, and `steps` [1] I64.
// A checkpoint is "SILTRAIN", format 1, the steps done, and the sizes of weights and moments before their bytes.
#include "nn/model.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numbers>

#include "base/math.h"
#include "formats/safetensors.h"
#include "sil/error.h"
#include "sil/rng.h"

namespace sil::nn {
namespace {

constexpr int64_t kSlack = 16;
constexpr std::string_view kCheckpoint = "SILTRAIN";
constexpr uint64_t kFormat = 1;

// Tensors with the bytes that they own, until they are written.
class TensorList {
 public:
  void add(std::string name, std::vector<int64_t> shape, std::vector<float> values) {
    owned_.push_back(std::make_unique<std::vector<float>>(std::move(values)));
    const std::vector<float>& held = *owned_.back();
    views_.push_back({std::move(name),
                      Dtype::f32,
                      std::move(shape),
                      {reinterpret_cast<const char*>(held.data()), held.size() * sizeof(float)}});
  }
  std::vector<TensorView>& views() { return views_; }

 private:
  std::vector<std::unique_ptr<std::vector<float>>> owned_;
  std::vector<TensorView> views_;
};

std::vector<int64_t> shape_of(const NamedTensor& tensor) {
  if (tensor.columns == 0) return {tensor.rows};
  return {tensor.rows, tensor.columns};
}

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

// Little-endian 64 bit numbers.
std::string number(uint64_t value) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &value, 8);
  return out;
}

uint64_t take_number(std::string_view& bytes) {
  uint64_t value = 0;
  if (bytes.size() < 8) throw Error(Exit::unreadable, "checkpoint of an update: cut short", "start the round again");
  std::memcpy(&value, bytes.data(), 8);
  bytes.remove_prefix(8);
  return value;
}

}  // namespace

void Buffer::Free::operator()(float* data) const {
  std::free(data);
}

Buffer::Buffer(int64_t floats) : size_(floats) {
  const size_t bytes = static_cast<size_t>((floats + kSlack + 15) / 16 * 16) * sizeof(float);
  data_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
  if (!data_) throw std::bad_alloc();
  std::memset(data_.get(), 0, bytes);
}

Buffer::Buffer(const Buffer& other) {
  if (other.empty()) return;
  Buffer copy(other.size_);
  std::copy_n(other.data(), other.size_, copy.data());
  *this = std::move(copy);
}

Buffer& Buffer::operator=(Buffer other) noexcept {
  data_ = std::move(other.data_);
  size_ = other.size_;
  return *this;
}

void Buffer::clear() {
  std::fill_n(data(), size_, 0.0F);
}

Model::Model(const LlamaShape& shape, std::shared_ptr<const Kernels> kernels)
    : shape_(shape),
      kernels_(std::move(kernels)),
      parameters_(shape, *kernels_),
      rotary_(shape.rope_theta > 0 ? rotary_table(shape.context, shape.heads.width, shape.rope_theta) : RotaryTable()) {
}

void Model::put(std::span<const float> values, const NamedTensor& tensor, Buffer& buffer) const {
  const Parameter& p = parameters_.parameters[tensor.parameter];
  float* const at = buffer.data() + p.offset;
  if (p.columns == 0)
    std::copy(values.begin(), values.end(), at + tensor.first);
  else
    kernels_->pack(values.data(), tensor.first, tensor.rows, {.data = at, .rows = p.rows, .columns = p.columns}, at);
}

std::vector<float> Model::plain(const Buffer& buffer, const NamedTensor& tensor) const {
  const Parameter& p = parameters_.parameters[tensor.parameter];
  const float* const at = buffer.data() + p.offset;
  std::vector<float> out(static_cast<size_t>(tensor.rows * std::max<int64_t>(1, tensor.columns)));
  if (p.columns == 0)
    std::copy_n(at + tensor.first, tensor.rows, out.data());
  else
    kernels_->unpack({.data = at, .rows = p.rows, .columns = p.columns}, tensor.first, tensor.rows, out.data());
  return out;
}

Buffer Model::filled(const Safetensors& file, const std::string& prefix) const {
  Buffer buffer(parameters_.floats);
  for (const NamedTensor& tensor : parameters_.tensors) put(floats(*file.find(prefix + tensor.name)), tensor, buffer);
  return buffer;
}

State Model::initial(uint64_t key) const {
  const double spread = std::sqrt(2 / (5 * static_cast<double>(shape_.width)));
  State state{.weights = Buffer(parameters_.floats), .moments = {}};
  for (size_t i = 0; i < parameters_.tensors.size(); ++i) {
    const NamedTensor& tensor = parameters_.tensors[i];
    const Parameter& p = parameters_.parameters[tensor.parameter];
    const int64_t count = tensor.rows * std::max<int64_t>(1, tensor.columns);
    const double deviation = p.residual ? spread / std::sqrt(2 * static_cast<double>(shape_.layers)) : spread;
    if (p.columns > 0)
      put(normals(key, i, count, deviation), tensor, state.weights);
    else
      put(std::vector<float>(static_cast<size_t>(count), p.ones ? 1.0F : 0.0F), tensor, state.weights);
  }
  return state;
}

void Model::write_weights(const State& state, ByteSink& out) const {
  TensorList list;
  for (const NamedTensor& tensor : parameters_.tensors)
    list.add(tensor.name, shape_of(tensor), plain(state.weights, tensor));
  write_safetensors(list.views(), out);
}

void Model::write_moments(const State& state, ByteSink& out) const {
  const Moments& moments = state.moments;
  if (moments.first.empty()) return;
  TensorList list;
  for (const NamedTensor& tensor : parameters_.tensors) {
    list.add("first." + tensor.name, shape_of(tensor), plain(moments.first, tensor));
    list.add("second." + tensor.name, shape_of(tensor), plain(moments.second, tensor));
  }
  list.views().push_back(
      {"steps", Dtype::i64, {1}, {reinterpret_cast<const char*>(&moments.steps), sizeof moments.steps}});
  write_safetensors(list.views(), out);
}

State Model::read_weights(std::string_view weights, const Place& where) const {
  const Safetensors file = read_safetensors(weights, where);
  std::vector<TensorView> wanted;
  for (const NamedTensor& tensor : parameters_.tensors) {
    const TensorView* found = file.find(tensor.name);
    wanted.push_back(
        {tensor.name, found != nullptr && is_float(found->dtype) ? found->dtype : Dtype::f32, shape_of(tensor), {}});
  }
  expect_tensors(file, wanted, where);
  expect_finite(file, where);
  return {.weights = filled(file, ""), .moments = {}};
}

State Model::read(std::string_view weights, std::string_view moments) const {
  State state = read_weights(weights, {"model weights", 0, 0});
  if (moments.empty()) return state;
  const Place where{"optimizer state", 0, 0};
  const Safetensors file = read_safetensors(moments, where);
  std::vector<TensorView> wanted{{"steps", Dtype::i64, {1}, {}}};
  for (const char* prefix : {"first.", "second."})
    for (const NamedTensor& tensor : parameters_.tensors)
      wanted.push_back({prefix + tensor.name, Dtype::f32, shape_of(tensor), {}});
  expect_tensors(file, wanted, where);
  expect_finite(file, where);
  state.moments.first = filled(file, "first.");
  state.moments.second = filled(file, "second.");
  std::memcpy(&state.moments.steps, file.find("steps")->bytes.data(), sizeof state.moments.steps);
  if (state.moments.steps < 0)
    throw Error(Exit::unreadable, "steps is " + std::to_string(state.moments.steps) + "; at least 0 is allowed",
                "load the optimizer state that was saved with these weights", where);
  return state;
}

std::string Model::write_checkpoint(const State& state, int64_t steps) const {
  StringSink weights;
  StringSink moments;
  write_weights(state, weights);
  write_moments(state, moments);
  const std::string weight_bytes = weights.take();
  return std::string(kCheckpoint) + number(kFormat) + number(static_cast<uint64_t>(steps)) +
         number(weight_bytes.size()) + weight_bytes + moments.take();
}

State Model::read_checkpoint(const UpdateCheckpoint& checkpoint) const {
  std::string_view bytes = checkpoint.state;
  const auto refuse = [](const std::string& what) {
    throw Error(Exit::unreadable, "checkpoint of an update: " + what, "start the round again");
  };
  if (!bytes.starts_with(kCheckpoint)) refuse("the bytes do not begin with " + std::string(kCheckpoint));
  bytes.remove_prefix(kCheckpoint.size());
  const uint64_t format = take_number(bytes);
  if (format > kFormat)
    throw Error(Exit::newer, "checkpoint of an update: format " + std::to_string(format) + "; this program reads 1",
                "use the version of sil that wrote it");
  const uint64_t steps = take_number(bytes);
  if (steps != static_cast<uint64_t>(checkpoint.step))
    refuse("it is of step " + std::to_string(steps) + ", wanted " + std::to_string(checkpoint.step));
  const uint64_t size = take_number(bytes);
  if (size > bytes.size()) refuse("cut short");
  return read(bytes.substr(0, size), bytes.substr(size));
}

Digest Model::digest(const State& state) const {
  Sha256 hash;
  hash.field("weights").number(parameters_.tensors.size());
  for (const NamedTensor& tensor : parameters_.tensors) {
    hash.field(tensor.name);
    for (int64_t dimension : shape_of(tensor)) hash.number(static_cast<uint64_t>(dimension));
    const std::vector<float> values = plain(state.weights, tensor);
    hash.array(std::span<const float>(values));
  }
  return hash.finish();
}

}  // namespace sil::nn
