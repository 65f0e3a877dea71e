// A model written anew: as a Hugging Face folder, as the folder of its PEFT adapter, or as a GGUF file.
#pragma once

#include <string>

#include "formats/ggml.h"
#include "formats/safetensors.h"

namespace sil::nn {

struct ModelFolder;

// All make `out`, whole or not at all, and throw Error(Exit::usage) where it exists, cannot be made, or cannot hold the
// model. An adapter's factors are added to its base's matrices. Of the tensors one is written at a time.

// Weights in `dtype`, one of is_float; what stands beside them is carried over.
void write_model_folder(const ModelFolder& model, Dtype dtype, const std::string& out);
// The factors as they are, on the same base.
void write_adapter_folder(const ModelFolder& model, const std::string& out);
// Matrices in `type`, one of is_quantised, vectors in F32, with the vocabulary and the chat template.
void write_gguf_file(const ModelFolder& model, GgmlType type, const std::string& out);

}  // namespace sil::nn
