#include "record/example_columns.h"

#include <algorithm>

#include "record/line_scanner.h"
#include "sil/error.h"

namespace sil {
namespace {

// A segment's place and weight, from the text of one: [begin,end,weight,"rollout id"].
void read_segment(LineScanner& line, size_t first, ExampleColumns& out) {
  line.expect("[");
  const auto begin = line.number<int32_t>();
  line.expect(",");
  const auto end = line.number<int32_t>();
  if (begin < 0 || end < begin || static_cast<size_t>(end) > out.ids.size() - first)
    line.fail("a segment lies outside its ids");
  line.expect(",");
  const auto weight = line.number<double>();
  line.expect(",");
  line.skip_string();
  line.expect("]");
  if (weight == 0) return;
  // The first token of a sequence is predicted from nothing.
  for (auto i = first + static_cast<size_t>(std::max(begin, 1)); i < first + static_cast<size_t>(end); ++i) {
    out.target[i] = 1;
    out.credit[i] = static_cast<float>(weight);
  }
}

void read_sequence(LineScanner& line, std::string_view example, bool logprobs, ExampleColumns& out) {
  const size_t first = out.ids.size();
  line.expect("{\"ids\":");
  line.numbers(out.ids);
  out.target.resize(out.ids.size());
  out.credit.resize(out.ids.size());
  line.expect(",\"segments\":");
  line.list([&] { read_segment(line, first, out); });
  if (line.accept(",\"logprobs\":")) {
    logprobs ? line.numbers(out.logprobs) : line.skip_numbers();
    if (logprobs && out.logprobs.size() != out.ids.size()) line.fail("there must be one number an id");
  } else if (logprobs) {
    throw Error(
        Exit::usage, "example " + std::string(example) + " has no log-probabilities of its sampling",
        "the loss needs rollouts sampled under the same context: use nll, or leave out hints and demonstrations");
  }
  out.temperature.push_back(line.accept(",\"temperature\":") ? line.number<float>() : 1.0F);
  line.expect("}");
  out.begin.push_back(static_cast<uint32_t>(out.ids.size()));
}

}  // namespace

void read_example_columns(std::string_view text, const ExampleReading& reading, ExampleColumns& out) {
  LineScanner line("examples", text);
  for (size_t number = 0; line.next_line(); ++number) {
    if (reading.wanted && !reading.wanted(number)) continue;
    line.expect("{\"id\":");
    const std::string_view id = line.skip_string();
    line.expect(",\"group\":");
    out.group.push_back(line.hex64());
    line.expect(",\"sequences\":");
    line.list([&] { read_sequence(line, id, reading.logprobs, out); });
    line.expect("}");
    line.end_line();
    out.first.push_back(static_cast<uint32_t>(out.temperature.size()));
  }
}

}  // namespace sil
