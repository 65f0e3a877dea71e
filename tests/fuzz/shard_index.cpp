#include "formats/shards.h"
#include "fuzz/must.h"
#include "fuzz/targets.h"

namespace sil::fuzz {

void shard_index(std::string_view input) {
  refused_well(Exit::unreadable, [&] {
    const ShardIndex index = read_shard_index(input, {"model.safetensors.index.json", 0, 0});
    must(!index.files.empty(), "an index of nothing");
    must(index.total_size >= 0 || index.total_size == -1, "a negative size");
    for (const auto& [tensor, file] : index.files)
      must(file.ends_with(".safetensors") && file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos,
           "a file outside the folder");
  });
}

}  // namespace sil::fuzz
