// A model in a GGUF file becomes a folder of Hugging Face, which ModelFolder and transformers read.
#pragma once

#include <string>

#include "sil/env.h"

namespace sil::nn {

// Writes `folder`, whole or not at all: config.json, generation_config.json, weights in F32, tokenizer.json and what
// belongs to it. One tensor is in memory beside the file. Throws Error(Exit::usage) where the folder exists or cannot
// be made, Error(Exit::unreadable) at the file for what GgufModel and tokenizer_json_of_gguf refuse.
void import_gguf(const std::string& file, const std::string& folder, Env& env = system_env());

}  // namespace sil::nn
