// A new file, written piece by piece.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sil/engine.h"
#include "sil/env.h"

namespace sil {

class FileSink final : public ByteSink {
 public:
  FileSink(const std::string& path, Env& env) : file_(env.create(path, Create::exclusive)) {}
  void write(std::string_view bytes) override { file_->write(bytes); }
  void sync() { file_->sync(); }

 private:
  std::unique_ptr<OutputFile> file_;
};

}  // namespace sil
