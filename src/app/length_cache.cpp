#include "app/length_cache.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "sil/env.h"
#include "sil/error.h"

namespace sil {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

std::string cache_folder() {
  if (const std::string own = variable("SIL_CACHE_DIR"); !own.empty()) return own;
  if (const std::string shared = variable("XDG_CACHE_HOME"); !shared.empty()) return shared + "/sil";
  const std::string home = variable("HOME");
  return home.empty() ? std::string() : home + "/.cache/sil";
}

// The file: 32 bytes of SHA-256 over what follows, two numbers of 32 bits a row as this machine keeps them.
constexpr size_t kSum = 32;

std::string_view bytes_of(const std::vector<RowLengths>& lengths) {
  return {reinterpret_cast<const char*>(lengths.data()), lengths.size() * sizeof(RowLengths)};
}

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

}  // namespace

LengthCache::LengthCache(const Digest& key) : folder_(cache_folder()) {
  if (folder_.empty()) return;
  folder_ += "/lengths";
  path_ = folder_ + "/" + key.hex();
}

std::optional<std::vector<RowLengths>> LengthCache::read() const {
  if (folder_.empty()) return std::nullopt;
  try {
    if (!system_env().exists(path_)) return std::nullopt;
    const std::string bytes = system_env().read_all(path_);
    if (bytes.size() < kSum || (bytes.size() - kSum) % sizeof(RowLengths) != 0) return std::nullopt;
    const std::string_view rows = std::string_view(bytes).substr(kSum);
    if (bytes_of(sha256(rows)) != std::string_view(bytes).substr(0, kSum)) return std::nullopt;
    std::vector<RowLengths> out(rows.size() / sizeof(RowLengths));
    rows.copy(reinterpret_cast<char*>(out.data()), rows.size());
    return out;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void LengthCache::write(const std::vector<RowLengths>& lengths) const {
  if (folder_.empty()) return;
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  const std::string temporary = path_ + "." + std::to_string(::getpid());
  try {
    Env& env = system_env();
    env.remove(temporary);
    {
      const auto file = env.create(temporary, Create::exclusive);
      file->write(bytes_of(sha256(bytes_of(lengths))));
      file->write(bytes_of(lengths));
    }
    env.rename_over(temporary, path_);
  } catch (const Error&) {  // a full disk or a folder that cannot be written: the next time counts again
    std::filesystem::remove(temporary, failed);
  }
}

}  // namespace sil
