// A folder of the real file system that goes away with its test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "sil/error.h"

namespace sil {

class TempDir {
 public:
  TempDir() {
    path_ = (std::filesystem::temp_directory_path() / "sil_record_XXXXXX").string();
    SIL_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~TempDir() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sil
