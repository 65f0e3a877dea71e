#include "formats/gguf.h"

#include <string>

#include "formats/gguf_model.h"
#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "sil/engine.h"

namespace sil::fuzz {
namespace {

void check_tensors(const Gguf& file, std::string_view bytes) {
  for (const GgufTensor& tensor : file.tensors) {
    const bool inside =
        tensor.bytes.data() >= bytes.data() && tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size();
    must(inside, "a tensor outside the file");
    must(file.find(tensor.name) == &tensor, "a tensor that cannot be found");
    std::vector<float> values(static_cast<size_t>(element_count(tensor)));
    dequantise(tensor, values, {"m.gguf", 0, 0});
  }
}

// What the reader gives is written again and read as the same; the widths of numbers are not kept.
void check_copy(const Gguf& file) {
  std::vector<GgufEntry> entries;
  for (const auto& [key, value] : file.metadata.as_object())
    if (value.is_string() && key != "general.alignment") entries.push_back({key, GgufValueType::string, value, {}});
  StringSink sink;
  write_gguf(entries, file.tensors, sink, [](const GgufTensor& tensor) { return tensor.bytes; });
  const std::string again = sink.take();
  const Gguf copy = read_gguf(again);
  must(copy.tensors.size() == file.tensors.size(), "tensors are lost by the writer");
  for (size_t i = 0; i < copy.tensors.size(); ++i)
    must(copy.tensors[i].bytes == file.tensors[i].bytes, "a tensor is changed by the writer");
}

}  // namespace

void gguf(std::string_view input) {
  const Place where{"m.gguf", 0, 0};
  refused_well(Exit::unreadable, [&] {
    const Gguf file = read_gguf(input, where);
    check_copy(file);
    check_tensors(file, input);
  });
  refused_well(Exit::unreadable, [&] {
    const GgufModel model(input, where);
    std::vector<float> values;
    for (size_t i = 0; i < model.tensors().size(); ++i) model.read(i, values);
    must(parse_json(model.generation_config()).is_object(), "generation_config.json is no map");
    model.chat_template();
    const std::string config = write_hf_config(model.config());
    bool refused = false;
    try {
      read_hf_config(config, where);
    } catch (const Error&) {
      refused = true;
    }
    must(!refused, "a config.json that is not read");
  });
}

}  // namespace sil::fuzz
