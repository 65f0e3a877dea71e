#include "formats/shards.h"

#include <cstdio>
#include <utility>

#include "sil/json.h"

namespace sil {
namespace {

constexpr int kDepth = 4;
constexpr size_t kLargest = size_t{16} << 20;
constexpr size_t kMostTensors = 100'000;

[[noreturn]] void fail(const std::string& what, const Place& where) {
  throw Error(Exit::unreadable, "not a readable index of weights: " + what, "take the folder as transformers saved it",
              where);
}

uint64_t element_count(const TensorView& tensor) {
  uint64_t count = 1;
  for (const int64_t dimension : tensor.shape) count *= static_cast<uint64_t>(dimension);
  return count;
}

uint64_t size_of(const TensorView& tensor) {
  return element_count(tensor) * byte_size(tensor.dtype);
}

std::string shard_name(size_t number, size_t of) {
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", number, of);
  return name;
}

bool is_plain_name(const std::string& file) {
  constexpr std::string_view kSuffix = ".safetensors";
  return file.size() > kSuffix.size() && file.ends_with(kSuffix) && file.front() != '.' &&
         file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

double read_total(const Json& json, const Place& where) {
  const Json* metadata = json.find("metadata");
  if (metadata == nullptr) return -1;
  if (!metadata->is_object()) fail(std::string("metadata is ") + metadata->kind() + ", not a map", where);
  const Json* total = metadata->find("total_size");
  if (total == nullptr) return -1;
  if (!total->is_number() || total->as_double() < 0)
    fail("total_size is " + dump(*total).substr(0, 100) + "; allowed: numbers from 0", where);
  return total->as_double();
}

}  // namespace

// As huggingface_hub splits a state dict, oddity included: a tensor beyond the limit closes its file at once, and the
// file that was being filled goes on after it.
std::vector<Shard> split_into_shards(std::span<const TensorView> tensors, uint64_t most_bytes) {
  std::vector<Shard> shards;
  Shard open;
  uint64_t size = 0;
  for (const TensorView& tensor : tensors) {
    if (size_of(tensor) > most_bytes) {
      shards.push_back({{}, {tensor}});
      continue;
    }
    if (size + size_of(tensor) > most_bytes) {
      shards.push_back(std::exchange(open, {}));
      size = 0;
    }
    open.tensors.push_back(tensor);
    size += size_of(tensor);
  }
  if (!open.tensors.empty() || shards.empty()) shards.push_back(std::move(open));
  for (size_t i = 0; i < shards.size(); ++i)
    shards[i].file = shards.size() == 1 ? std::string(kWeightsFile) : shard_name(i + 1, shards.size());
  return shards;
}

std::string write_shard_index(std::span<const Shard> shards) {
  std::map<std::string, std::string> files;
  uint64_t parameters = 0, bytes = 0;
  for (const Shard& shard : shards)
    for (const TensorView& tensor : shard.tensors) {
      SIL_CHECK(files.emplace(tensor.name, shard.file).second);
      parameters += element_count(tensor);
      bytes += size_of(tensor);
    }
  Json map = Json::object();
  for (const auto& [tensor, file] : files) map.as_object().emplace_back(tensor, file);
  Json out = Json::object();
  out.set("metadata", Json::Object{{"total_parameters", parameters}, {"total_size", bytes}});
  out.set("weight_map", std::move(map));
  return dump_pretty(out) + "\n";
}

ShardIndex read_shard_index(std::string_view text, const Place& where) {
  const Json json = parse_json(text, where, {kDepth, kLargest});
  const Json* map = json.find("weight_map");
  if (map == nullptr || !map->is_object() || map->as_object().empty())
    fail("there is no weight_map that names the tensors and their files", where);
  if (map->as_object().size() > kMostTensors)
    fail("it has " + std::to_string(map->as_object().size()) + " tensors; at most " + std::to_string(kMostTensors) +
             " are read",
         where);
  ShardIndex out{{}, read_total(json, where)};
  for (const auto& [tensor, file] : map->as_object()) {
    if (!file.is_string() || !is_plain_name(file.as_string()))
      fail("weight_map has " + dump(file).substr(0, 100) + " for " + dump(tensor).substr(0, 100) +
               "; allowed: names of .safetensors files in the same folder",
           where);
    out.files.emplace(tensor, file.as_string());
  }
  return out;
}

}  // namespace sil
