// The weights of a model's folder, in one safetensors file or in several with an index, read and written a tensor at a
// time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "sil/digest.h"
#include "sil/env.h"

namespace sil {

// Holds the files open. Thread-safe once made. Errors are Error(Exit::unreadable) at the file in question; a file that
// shrinks meanwhile: Exit::corrupt.
class WeightFiles {
 public:
  // Of `folder`: model.safetensors, or else the files of model.safetensors.index.json. Reads the index and the headers
  // and checks that they agree: every tensor stands where the index says and nowhere else, and their bytes make up its
  // total_size.
  explicit WeightFiles(const std::string& folder, Env& env = system_env());

  // Without bytes, by file and place in it.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  // The bytes of tensors()[tensor]; `bytes` is reused.
  void read(size_t tensor, std::string& bytes) const;
  const std::string& path(size_t tensor) const { return files_[places_[tensor].file].path; }  // of its file
  const std::string& path() const { return path_; }  // of the one file or of the index

  // Hashes the bytes of all files: of the one file, or of the index and the shards by name.
  void hash(Sha256& hash) const;

 private:
  struct File {
    std::string path;
    std::unique_ptr<InputFile> input;
  };
  struct Range {
    size_t file;
    uint64_t begin, size;
  };
  void open(const std::string& path, Env& env);
  void open_shards(const std::string& folder, Env& env);

  std::string path_;
  std::string index_;  // text, or ""
  std::vector<File> files_;
  std::vector<TensorView> tensors_;
  std::vector<Range> places_;  // of tensors_
};

// Writes the files that split_into_shards says to a folder that holds none of them, synced, the index last: without it
// several files are no model. `bytes` is asked for each tensor's, and what it returns is not kept.
void write_weight_files(const std::string& folder, std::span<const TensorView> tensors, uint64_t most_bytes,
                        const std::function<std::string_view(const TensorView&)>& bytes, Env& env = system_env());

}  // namespace sil
