// A model written anew as a Hugging Face folder: from a folder, a PEFT adapter's (its factors are added to the base's
// matrices), or a GGUF file.
#pragma once

#include <string>

namespace sil::nn {

// Makes `folder`, whose weights are F32 in one file; what stands beside them is carried over. It has its name once it
// is whole and durable. Throws Error(Exit::usage) where `folder` exists already, and as ModelFolder does.
void write_model_folder(const std::string& model, const std::string& folder);

}  // namespace sil::nn
