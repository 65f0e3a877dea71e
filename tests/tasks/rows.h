// Datasets of a few rows.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "sil/json.h"
#include "tasks/shelf.h"

namespace sil::test {

class Rows {
 public:
  explicit Rows(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "sil_rows_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
    folder_ = name;
    std::ofstream(path(), std::ios::binary) << text;
  }
  ~Rows() { std::filesystem::remove_all(folder_); }
  Rows(const Rows&) = delete;
  std::string path() const { return (folder_ / "rows.jsonl").string(); }
  std::unique_ptr<Task> task(Json::Object options = {}) const {
    options.emplace_back("path", path());
    return make_task("jsonl", std::move(options));
  }

 private:
  std::filesystem::path folder_;
};

// The problem of a file's first row.
inline Problem problem_of(const std::string& row, const Json& field = {}) {
  Json::Object options;
  if (!field.is_null()) options.emplace_back("field", field);
  return Rows(row + "\n").task(std::move(options))->at(0);
}

}  // namespace sil::test
