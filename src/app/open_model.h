// A model outside any run.
#pragma once

#include <memory>
#include <string>

#include "sil/engine.h"

namespace sil {

// Of a folder, an adapter's folder or a .gguf file; `threads` as a command line has them, 0 = all cores.
std::unique_ptr<Engine> open_model(const std::string& folder, int64_t threads);

}  // namespace sil
