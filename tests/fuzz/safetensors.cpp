#include "formats/safetensors.h"

#include <string>

#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "sil/engine.h"

namespace sil::fuzz {
namespace {

void check_file(std::string_view bytes) {
  refused_well(Exit::unreadable, [&] {
    const Safetensors file = read_safetensors(bytes, {"model.safetensors", 0, 0});
    for (const TensorView& tensor : file.tensors) {
      const bool inside =
          tensor.bytes.empty() || (tensor.bytes.data() >= bytes.data() &&
                                   tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size());
      must(inside, "a tensor outside the file");
      must(file.find(tensor.name) == &tensor, "a tensor that cannot be found");
      if (tensor.dtype == Dtype::f32)
        must(floats(tensor).size() * 4 == tensor.bytes.size(), "a size that is not its shape's");
    }
    StringSink sink;
    write_safetensors(file.tensors, sink);
    const std::string again = sink.take();
    const Safetensors copy = read_safetensors(again);
    must(copy.tensors.size() == file.tensors.size(), "tensors are lost by the writer");
    expect_tensors(copy, file.tensors);
    expect_finite(file);
  });
}

// The bytes before a NUL as a header, what follows as data, with the length that fits.
std::string with_length(std::string_view input) {
  const size_t end = std::min(input.find('\0'), input.size());
  std::string out;
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((uint64_t{end} >> shift) & 0xFF);
  out += input.substr(0, end);
  out += input.substr(std::min(input.size(), end + 1));
  return out;
}

}  // namespace

void safetensors(std::string_view input) {
  check_file(input);
  check_file(with_length(input));
}

}  // namespace sil::fuzz
