// Weights in several safetensors files with an index, as transformers' save_pretrained lays them out:
// model-00001-of-00003.safetensors ... and model.safetensors.index.json, which says where each tensor is.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/safetensors.h"

namespace sil {

inline constexpr std::string_view kWeightsFile = "model.safetensors";
inline constexpr std::string_view kShardIndexFile = "model.safetensors.index.json";

// One file of a model's weights.
struct Shard {
  std::string file;                 // without a path
  std::vector<TensorView> tensors;  // what write_safetensors gets
};

// The files for `tensors`, filled in their order, each of at most `most_bytes` of tensors: a tensor that is larger has
// a file of its own. One file is model.safetensors and needs no index.
std::vector<Shard> split_into_shards(std::span<const TensorView> tensors, uint64_t most_bytes);
// Text of the index; the same for the same shards, byte for byte what transformers 5 writes.
std::string write_shard_index(std::span<const Shard> shards);

struct ShardIndex {
  std::map<std::string, std::string> files;  // of each tensor
  double total_size = -1;                    // bytes of all tensors; -1: it does not say
};

// Throws Error(Exit::unreadable) at `where` for what is no index. File names are plain: none leaves the folder.
ShardIndex read_shard_index(std::string_view text, const Place& where);

}  // namespace sil
