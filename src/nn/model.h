// A transformer's description, its kernels, and its states: what the engine's versions are made of.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "formats/safetensors.h"
#include "nn/buffer.h"
#include "nn/decoder.h"
#include "nn/lora.h"
#include "sil/digest.h"
#include "sil/engine.h"
#include "sil/error.h"

namespace sil::nn {

// AdamW's moments in the layout of what is trained; empty where no optimizer state is kept.
struct Moments {
  int64_t steps = 0;
  Buffer first;
  Buffer second;
};

struct State {
  Buffer weights;  // what is trained and saved: the model's own, or the factors of its adapter
  Moments moments;
  Buffer merged;  // with an adapter: what the model reads (Lora::merge)

  const float* read() const { return merged.empty() ? weights.data() : merged.data(); }
};

class WeightSource;  // nn/folder.h

class Model {
 public:
  // `lora`: its own weights are frozen, the factors are what is trained and saved.
  Model(const DecoderShape& shape, std::shared_ptr<const Kernels> kernels, const std::optional<LoraOptions>& lora = {});
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const DecoderShape& shape() const { return shape_; }
  const Kernels& kernels() const { return *kernels_; }
  const Parameters& parameters() const { return parameters_; }  // that the model reads
  const Lora* lora() const { return lora_ ? &*lora_ : nullptr; }
  const Parameters& trained() const { return lora_ ? lora_->parameters() : parameters_; }
  const RotaryTables& rotary() const { return rotary_; }
  // Throws Error(Exit::unreadable) on sequences longer than the context; `what` names one, "score: a sequence".
  void check_length(const std::string& what, int64_t ids) const;
  // Of what a state's weights are, of all that it holds without moments, and of the frozen weights that states share.
  uint64_t trained_bytes() const { return bytes_of(trained()); }
  uint64_t state_bytes() const { return trained_bytes() + shared_bytes(); }
  uint64_t shared_bytes() const { return lora_ ? bytes_of(parameters_) : 0; }

  // The model's own weights from scratch: matrices from a normal distribution of deviation sqrt(2 / (5 width)) (Nguyen
  // & Salazar 2019), divided by sqrt(2 layers) where they write into the residual stream (Radford et al. 2019); norms
  // 1, biases 0. An element's draw belongs to its place in its published tensor.
  Buffer initial(uint64_t key) const;
  // The model's own weights of anyone's files, a tensor at a time: F16 and BF16 too. Throws Error(Exit::unreadable) on
  // other tensors, shapes or values.
  Buffer read_weights(const WeightSource& source) const;

  // What is trained, as safetensors of the published names, written as F32. Throw Error(Exit::unreadable) on other
  // tensors, shapes or values. A state that was read is not merged.
  void write_weights(const State& state, ByteSink& out) const;
  void write_moments(const State& state, ByteSink& out) const;  // nothing where there are none
  State read(std::string_view weights, std::string_view moments) const;
  // Of an update that had finished `done` optimizer steps, in one file.
  void write_checkpoint(const State& state, int64_t done, ByteSink& out) const;
  State read_checkpoint(const UpdateCheckpoint& checkpoint) const;

  Digest digest(const State& state) const;  // over names, shapes and fp32 bytes

 private:
  static uint64_t bytes_of(const Parameters& p) { return static_cast<uint64_t>(p.floats) * sizeof(float); }
  // What of a state is written, under which names.
  struct Part {
    const char* prefix;
    const Buffer& buffer;
  };
  // Beside `tensors`, which hold their own bytes; one tensor is in memory at a time.
  void write(std::span<const Part> parts, std::vector<TensorView> tensors, ByteSink& out) const;
  std::vector<TensorView> tensors(std::initializer_list<const char*> prefixes,
                                  std::initializer_list<const char*> numbers) const;
  // A file's tensors as they must be, in its own dtypes where those are read.
  static std::vector<TensorView> wanted(const Safetensors& file, const Parameters& parameters);
  Moments moments_of(const Safetensors& file, const Place& where) const;
  Buffer read_trained(std::string_view bytes, const Place& where) const;
  // From tensors whose names begin with `prefix`, all of them there.
  Buffer filled(const Safetensors& file, const std::string& prefix) const;

  DecoderShape shape_;
  std::shared_ptr<const Kernels> kernels_;
  Parameters parameters_;
  RotaryTables rotary_;
  std::optional<Lora> lora_;
};

}  // namespace sil::nn
