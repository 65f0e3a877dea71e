#include "formats/shards.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <utility>

#include "formats/weight_files.h"
#include "record/temp_dir.h"
#include "sil/json.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

const std::string kGolden = SIL_SOURCE_DIR "/tests/golden/shards";

std::string bytes_of(const std::string& path) {
  return system_env().read_all(path);
}

// A copy of the golden folder, to be spoilt.
class Folder {
 public:
  Folder() {
    for (const std::string& name : system_env().list(kGolden)) write(name, bytes_of(kGolden + "/" + name));
  }
  std::string read(const std::string& name) const { return bytes_of(dir_.path() + "/" + name); }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(dir_.path() + "/" + name, std::ios::binary) << bytes;
  }
  void remove(const std::string& name) const { std::filesystem::remove(dir_.path() + "/" + name); }
  void change_index(const std::function<void(Json& index)>& change) const {
    Json index = parse_json(read("model.safetensors.index.json"));
    change(index);
    write("model.safetensors.index.json", dump(index));
  }
  const std::string& path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

std::string refusal(const Folder& folder) {
  try {
    const WeightFiles files(folder.path());
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    CHECK(error.findings().size() == 1);
    CHECK(std::string(error.what()).starts_with(folder.path()));
    return std::string(error.what()).substr(folder.path().size());
  }
  return "accepted";
}

std::string digest_of(const std::string& folder) {
  Sha256 hash;
  WeightFiles(folder).hash(hash);
  return hash.finish().hex();
}

// The golden folder's tensors in the order in which they were saved, with their bytes in `kept`.
std::vector<TensorView> saved_tensors(std::vector<std::string>& kept) {
  const WeightFiles files(kGolden);
  const Json order = parse_json(bytes_of(kGolden + "/order.json"));
  std::vector<TensorView> out;
  kept.resize(files.tensors().size());
  for (const Json& name : order.as_array())
    for (size_t i = 0; i < files.tensors().size(); ++i) {
      if (files.tensors()[i].name != name.as_string()) continue;
      files.read(i, kept[i]);
      out.push_back(files.tensors()[i]);
      out.back().bytes = kept[i];
    }
  return out;
}

constexpr const char* kFirst = "model-00001-of-00006.safetensors";
constexpr const char* kEmbedding = "model.embed_tokens.weight";

}  // namespace

TEST_CASE("a model in several files is read whole, a tensor at a time") {
  const WeightFiles files(kGolden);
  CHECK(files.tensors().size() == parse_json(bytes_of(kGolden + "/order.json")).as_array().size());
  std::string bytes;
  for (size_t i = 0; i < files.tensors().size(); ++i) {
    files.read(i, bytes);
    const std::string file = bytes_of(files.path(i));
    const Safetensors whole = read_safetensors(file);
    CHECK(bytes == whole.find(files.tensors()[i].name)->bytes);
  }
}

TEST_CASE("tensors are split over files as transformers splits them, with its bytes and its index") {
  std::vector<std::string> kept;
  const std::vector<TensorView> tensors = saved_tensors(kept);
  const std::vector<Shard> shards = split_into_shards(tensors, 1000);
  REQUIRE(shards.size() == 6);
  for (const Shard& shard : shards) {
    StringSink sink;
    write_safetensors(shard.tensors, sink);
    CHECK(sink.take() == bytes_of(kGolden + "/" + shard.file));
  }
  CHECK(write_shard_index(shards) == bytes_of(kGolden + "/model.safetensors.index.json"));
}

TEST_CASE("a folder is written a tensor at a time with the files of transformers, and never over others") {
  std::vector<std::string> kept;
  std::vector<TensorView> tensors = saved_tensors(kept);
  std::map<std::string, std::string> bytes;
  for (TensorView& tensor : tensors) bytes[tensor.name] = std::exchange(tensor.bytes, {});
  const TempDir dir;
  std::string one;  // gone with the next
  const auto give = [&](const TensorView& tensor) -> std::string_view { return one = bytes.at(tensor.name); };
  write_weight_files(dir.path(), tensors, 1000, give);
  for (const std::string& name : system_env().list(kGolden))
    if (name != "order.json") CHECK(bytes_of(dir.path() + "/" + name) == bytes_of(kGolden + "/" + name));
  CHECK(system_env().list(dir.path()).size() == 7);
  CHECK_THROWS_AS(write_weight_files(dir.path(), tensors, 1000, give), Error);
  const TempDir whole;
  write_weight_files(whole.path(), tensors, 1'000'000, give);
  CHECK(system_env().list(whole.path()) == std::vector<std::string>{"model.safetensors"});
}

TEST_CASE("what fits into one file is one, without a number") {
  std::vector<std::string> kept;
  const std::vector<TensorView> tensors = saved_tensors(kept);
  const std::vector<Shard> shards = split_into_shards(tensors, 5184);
  REQUIRE(shards.size() == 1);
  CHECK(shards.front().file == "model.safetensors");
  CHECK(split_into_shards(tensors, 5183).size() == 2);
  CHECK(split_into_shards({}, 1).size() == 1);
}

TEST_CASE("one file goes before an index, and the digest is that of what is read") {
  const Folder folder;
  const std::string sharded = digest_of(folder.path());
  CHECK(sharded == digest_of(kGolden));
  const std::string shard = folder.read(kFirst);
  folder.write("model.safetensors", shard);
  const WeightFiles files(folder.path());
  REQUIRE(files.tensors().size() == 1);
  CHECK(files.path() == folder.path() + "/model.safetensors");
  CHECK(digest_of(folder.path()) == Sha256().field(shard).finish().hex());
  folder.remove("model.safetensors");
  folder.change_index([](Json&) {});  // other spaces
  CHECK(digest_of(folder.path()) != sharded);
}

TEST_CASE("files that do not agree with their index are refused in one line, at the file") {
  {
    const Folder folder;
    folder.remove(kFirst);
    CHECK_THAT(refusal(folder), Contains("index.json: the index names \"" + std::string(kFirst) + "\", which is not"));
  }
  {
    const Folder folder;
    folder.change_index(
        [](Json& i) { (*i.as_object()[1].second.as_object().begin()).second = "model-00002-of-00006.safetensors"; });
    CHECK_THAT(refusal(folder), Contains(kEmbedding) && Contains("is missing, which the index has here"));
  }
  {
    const Folder folder;  // the second file's tensor as another copy of the first
    folder.write("model-00002-of-00006.safetensors", folder.read(kFirst));
    CHECK_THAT(refusal(folder), Contains("model-00002") && Contains(kEmbedding) && Contains("there twice"));
  }
  {
    const Folder folder;
    const std::string last = "model-00006-of-00006.safetensors";
    const std::string first = folder.read(kFirst);
    folder.write(kFirst, folder.read(last));
    folder.write(last, first);
    CHECK_THAT(refusal(folder), Contains(kFirst) && Contains("is here, but the index has it in \"" + last));
  }
  {
    const Folder folder;
    folder.change_index([](Json& i) { i.as_object()[1].second.as_object().pop_back(); });
    CHECK_THAT(refusal(folder), Contains("\"model.norm.weight\" is not in the index"));
  }
  {
    const Folder folder;
    folder.change_index([](Json& i) { i.as_object()[0].second.set("total_size", 5183); });
    CHECK_THAT(refusal(folder), Contains("total_size is 5183, but the tensors have 5184 bytes"));
  }
  {
    const Folder folder;
    folder.write(kFirst, folder.read(kFirst).substr(0, 1000));
    CHECK_THAT(refusal(folder), Contains(kFirst) && Contains("the data has"));
  }
}

TEST_CASE("an index that says no total is read, as is one whose total is no integer") {
  const Folder folder;
  folder.change_index([](Json& i) { i.as_object()[0].second.set("total_size", 5184.0); });
  CHECK(refusal(folder) == "accepted");
  folder.change_index([](Json& i) { i.set("metadata", Json::object()); });
  CHECK(refusal(folder) == "accepted");
}

TEST_CASE("what is no index is refused") {
  const Folder folder;
  const auto with = [&](const std::string& text) {
    folder.write("model.safetensors.index.json", text);
    return refusal(folder);
  };
  CHECK_THAT(with(""), Contains("index.json"));
  CHECK_THAT(with("[]"), Contains("no weight_map"));
  CHECK_THAT(with(R"({"weight_map": {}})"), Contains("no weight_map"));
  CHECK_THAT(with(R"({"weight_map": {"a": 7}})"), Contains("weight_map has 7 for \"a\""));
  for (const char* name : {"../x.safetensors", "/x.safetensors", "a/x.safetensors", ".safetensors", "x.bin",
                           ".x.safetensors", "\\u0000.safetensors"})
    CHECK_THAT(with(R"({"weight_map": {"a": ")" + std::string(name) + "\"}}"), Contains("in the same folder"));
  CHECK_THAT(with(R"({"metadata": 1, "weight_map": {"a": "x.safetensors"}})"), Contains("metadata is an integer"));
  CHECK_THAT(with(R"({"metadata": {"total_size": -1}, "weight_map": {"a": "x.safetensors"}})"),
             Contains("total_size is -1"));
  CHECK_THAT(with(R"({"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}})"), Contains("there twice"));
  CHECK_THAT(with(std::string(100'000, '[')), Contains("nested deeper"));
  std::string many = R"({"weight_map": {"t": "x.safetensors")";
  for (int i = 0; i < 501; ++i) many += ",\"t" + std::to_string(i) + "\": \"" + std::to_string(i) + ".safetensors\"";
  CHECK_THAT(with(many + "}}"), Contains("502 files; at most 500"));
  for (int i = 501; i < 100'000; ++i) many += ",\"t" + std::to_string(i) + "\": \"x.safetensors\"";
  CHECK_THAT(with(many + "}}"), Contains("100001 tensors; at most 100000"));
}

}  // namespace sil
