#include "formats/weight_files.h"

#include <algorithm>
#include <map>
#include <set>

#include "formats/file_sink.h"
#include "formats/quoted.h"
#include "formats/shards.h"
#include "sil/json.h"

namespace sil {
namespace {

// The largest models have some 200. Each is open meanwhile.
constexpr size_t kMostFiles = 500;
constexpr size_t kChunk = size_t{1} << 20;

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw Error(Exit::unreadable, what, "take all files of the folder from one model", {path, 0, 0});
}

void hash_file(const InputFile& file, Sha256& hash) {
  hash.number(file.size());
  std::string chunk;
  for (uint64_t at = 0; at < file.size(); at += chunk.size()) {
    chunk.resize(std::min<uint64_t>(kChunk, file.size() - at));
    file.read(at, chunk.data(), chunk.size());
    hash.bytes(chunk);
  }
}

}  // namespace

WeightFiles::WeightFiles(const std::string& folder, Env& env) {
  const std::string whole = folder + "/" + std::string(kWeightsFile);
  if (env.exists(whole)) {
    path_ = whole;
    open(whole, env);
  } else {
    open_shards(folder, env);
  }
}

void WeightFiles::open(const std::string& path, Env& env) {
  files_.push_back({path, env.open(path)});
  for (StoredTensor& tensor : read_safetensors_header(*files_.back().input, {path, 0, 0}).tensors) {
    places_.push_back({files_.size() - 1, tensor.begin, tensor.size});
    tensors_.push_back(std::move(tensor.about));
  }
}

void WeightFiles::open_shards(const std::string& folder, Env& env) {
  path_ = folder + "/" + std::string(kShardIndexFile);
  index_ = env.read_all(path_);
  ShardIndex index = read_shard_index(index_, {path_, 0, 0});
  std::set<std::string> names;
  for (const auto& [tensor, file] : index.files) names.insert(file);
  if (names.size() > kMostFiles)
    fail("the index names " + std::to_string(names.size()) + " files; at most " + std::to_string(kMostFiles) +
             " are read",
         path_);
  for (const std::string& name : names)
    if (!env.exists(folder + "/" + name)) fail("the index names " + quoted_name(name) + ", which is not there", path_);
  for (const std::string& name : names) open(folder + "/" + name, env);

  double total = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const auto found = index.files.find(tensors_[i].name);
    if (found == index.files.end())
      fail("tensor " + quoted_name(tensors_[i].name) + " is not in the index, or is there twice", path(i));
    if (folder + "/" + found->second != path(i))
      fail(
          "tensor " + quoted_name(tensors_[i].name) + " is here, but the index has it in " + quoted_name(found->second),
          path(i));
    index.files.erase(found);
    total += static_cast<double>(places_[i].size);
  }
  if (!index.files.empty()) {
    const auto& [tensor, file] = *index.files.begin();
    fail("tensor " + quoted_name(tensor) + " is missing, which the index has here", folder + "/" + file);
  }
  if (index.total_size >= 0 && index.total_size != total)
    fail("total_size is " + dump(index.total_size) + ", but the tensors have " + dump(total) + " bytes", path_);
}

void WeightFiles::read(size_t tensor, std::string& bytes) const {
  const Range& place = places_[tensor];
  bytes.resize(place.size);
  files_[place.file].input->read(place.begin, bytes.data(), bytes.size());
}

void WeightFiles::hash(Sha256& hash) const {
  if (!index_.empty()) hash.field(index_);
  for (const File& file : files_) hash_file(*file.input, hash);
}

void write_weight_files(const std::string& folder, std::span<const TensorView> tensors, uint64_t most_bytes,
                        const std::function<std::string_view(const TensorView&)>& bytes, Env& env) {
  const std::vector<Shard> shards = split_into_shards(tensors, most_bytes);
  for (const Shard& shard : shards) {
    FileSink file(folder + "/" + shard.file, env);
    write_safetensors(shard.tensors, file, bytes);
    file.sync();
  }
  if (shards.size() > 1) {
    FileSink index(folder + "/" + std::string(kShardIndexFile), env);
    index.write(write_shard_index(shards));
    index.sync();
  }
  env.sync_dir(folder);
}

}  // namespace sil
