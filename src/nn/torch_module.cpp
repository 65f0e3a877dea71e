#include "nn/torch_module.h"

#include <dlfcn.h>

#include <filesystem>

#include "sil/error.h"

namespace sil::nn {
namespace {

struct Module {
  decltype(&sil_torch_kernels) kernels;
  decltype(&sil_torch_version) version;
};

[[noreturn]] void refuse() {
  const char* const why = ::dlerror();
  throw Error(Exit::unfit, std::string("libtorch's back end cannot be opened: ") + (why == nullptr ? "" : why),
              "scripts/setup.sh --torch fetches libtorch; then build again");
}

template <class Function>
Function symbol(void* library, const char* name) {
  void* const at = ::dlsym(library, name);
  if (at == nullptr) refuse();
  return reinterpret_cast<Function>(at);
}

const Module& module() {
  static const Module opened = [] {
    const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libsil_torch.so";
    void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) refuse();
    return Module{.kernels = symbol<decltype(Module::kernels)>(library, "sil_torch_kernels"),
                  .version = symbol<decltype(Module::version)>(library, "sil_torch_version")};
  }();
  return opened;
}

Sampled draw(TokenSampler& sampler, std::span<const float> logits, const DrawAddress& address) {
  return sampler.draw(logits, address);
}

}  // namespace

std::unique_ptr<Kernels> torch_kernels(const TorchOptions& options) {
  return std::unique_ptr<Kernels>(module().kernels({.draw = draw, .host = host_memory()}, options));
}

std::string torch_version() {
  return module().version();
}

}  // namespace sil::nn
