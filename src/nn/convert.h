// A model written anew as a Hugging Face folder: from a folder, a PEFT adapter's (its factors are added to the base's
// matrices), or a GGUF file.
#pragma once

#include <string>

namespace sil::nn {

// Makes `folder`, whole or not at all. Weights are F32; what stands beside them is carried over. Throws
// Error(Exit::usage) where the folder exists or cannot be made, and as ModelFolder does.
void write_model_folder(const std::string& model, const std::string& folder);

}  // namespace sil::nn
