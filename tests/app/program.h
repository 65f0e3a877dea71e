// Runs the built program as a shell would.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace sil::testing {

struct ProgramResult {
  int code = -1;
  std::string out, err;
};

// A directory of this test, removed with it.
class TestDirectory {
 public:
  TestDirectory() : path_((std::filesystem::temp_directory_path() / "sil-app-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(const TestDirectory&) = delete;

  std::string at(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::binary) << text;
    return at(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream in(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string path_;
};

// `words` are for the shell, as are `variables`, NAME=VALUE; `input` is what the program reads.
inline ProgramResult run_sil(const std::string& words, const std::string& input = {},
                             const std::string& variables = {}) {
  const TestDirectory directory;
  const std::string in = directory.write("in", input);
  const std::string command = variables + " " + SIL_PROGRAM + " " + words + " <" + in + " >" + directory.at("out") +
                              " 2>" + directory.at("err");
  const int status = std::system(command.c_str());
  ProgramResult result;
  if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
  result.out = directory.read("out");
  result.err = directory.read("err");
  return result;
}

}  // namespace sil::testing
