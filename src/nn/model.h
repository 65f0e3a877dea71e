// A transformer's description, its kernels, and its states: what the engine's versions are made of.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "formats/safetensors.h"
#include "formats/weight_files.h"
#include "nn/llama.h"
#include "sil/digest.h"
#include "sil/engine.h"
#include "sil/error.h"

namespace sil::nn {

// A flat buffer of floats with slack behind it, zeros at first.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t floats);
  Buffer(const Buffer& other);
  Buffer& operator=(Buffer other) noexcept;
  Buffer(Buffer&&) noexcept = default;

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear();  // zeros

 private:
  struct Free {
    void operator()(float* data) const;
  };
  std::unique_ptr<float, Free> data_;
  int64_t size_ = 0;
};

// AdamW's moments in the layout of the weights; empty where no optimizer state is kept.
struct Moments {
  int64_t steps = 0;
  Buffer first;
  Buffer second;
};

struct State {
  Buffer weights;
  Moments moments;
};

class Model {
 public:
  Model(const LlamaShape& shape, std::shared_ptr<const Kernels> kernels);

  const LlamaShape& shape() const { return shape_; }
  const Kernels& kernels() const { return *kernels_; }
  const LlamaParameters& parameters() const { return parameters_; }
  const RotaryTable& rotary() const { return rotary_; }
  uint64_t bytes() const { return static_cast<uint64_t>(parameters_.floats) * sizeof(float); }  // of a state's weights

  // Matrices from a normal distribution of deviation sqrt(2 / (5 width)) (Nguyen & Salazar 2019), divided by
  // sqrt(2 layers) where they write into the residual stream (Radford et al. 2019); norms 1, biases 0. An element's
  // draw belongs to its place in its published tensor.
  State initial(uint64_t key) const;

  // safetensors of the published names, written as F32. Throw Error(Exit::unreadable) on other tensors, shapes or
  // values.
  void write_weights(const State& state, ByteSink& out) const;
  void write_moments(const State& state, ByteSink& out) const;  // nothing where there are none
  State read(std::string_view weights, std::string_view moments) const;
  // Of anyone's files: F16 and BF16 too.
  State read_weights(std::string_view weights, const Place& where) const;
  State read_weights(const WeightFiles& files) const;  // a tensor at a time

  // Of an update that had finished `done` optimizer steps, in one file.
  void write_checkpoint(const State& state, int64_t done, ByteSink& out) const;
  State read_checkpoint(const UpdateCheckpoint& checkpoint) const;

  Digest digest(const State& state) const;  // over names, shapes and fp32 bytes

 private:
  // One published tensor, row-major.
  std::vector<float> plain(const Buffer& buffer, const NamedTensor& tensor) const;
  void put(std::span<const float> values, const NamedTensor& tensor, Buffer& buffer) const;
  // What of a state is written, under which names.
  struct Part {
    const char* prefix;
    const Buffer& buffer;
  };
  // Beside `tensors`, which hold their own bytes; one tensor is in memory at a time.
  void write(std::span<const Part> parts, std::vector<TensorView> tensors, ByteSink& out) const;
  std::vector<TensorView> tensors(std::initializer_list<const char*> prefixes,
                                  std::initializer_list<const char*> numbers) const;
  // Its tensors as the model needs them, in the file's dtypes where those are read.
  std::vector<TensorView> wanted(const Safetensors& file) const;
  Moments moments_of(const Safetensors& file, const Place& where) const;
  // From tensors whose names begin with `prefix`, all of them there.
  Buffer filled(const Safetensors& file, const std::string& prefix) const;

  LlamaShape shape_;
  std::shared_ptr<const Kernels> kernels_;
  LlamaParameters parameters_;
  RotaryTable rotary_;
};

}  // namespace sil::nn
