#include "tokenizers/assistant_ranges.h"

#include <algorithm>
#include <string>

#include "sil/error.h"

namespace sil {
namespace {

// Every prefix of a conversation is rendered and encoded anew, which is quadratic in its turns: a row that was never a
// conversation must not take minutes.
class Work {
 public:
  void add(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > kMost)
      throw Error(Exit::unreadable, "the conversation is too long to tell its turns apart",
                  "split it into shorter ones, or learn the completion alone");
  }

 private:
  static constexpr size_t kMost = size_t{32} << 20;
  size_t bytes_ = 0;
};

size_t prefix_length(const std::string& whole, const std::string& prefix, size_t message, Work& work) {
  work.add(prefix.size());
  if (whole.starts_with(prefix)) return prefix.size();
  throw Error(Exit::unreadable,
              "the chat template is not prefix-stable: what it writes up to message " + std::to_string(message) +
                  " changes when more messages follow, so the assistant's words cannot be told apart",
              "mark them by {% generation %} in the template, or learn the completion alone");
}

}  // namespace

std::vector<jinja::ByteRange> assistant_text(std::span<const Message> messages, const RenderMessages& render) {
  jinja::Rendered whole = render(messages, true);
  if (!whole.generation.empty()) return std::move(whole.generation);
  Work work;
  std::vector<jinja::ByteRange> out;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].role != "assistant") continue;
    const size_t begin = prefix_length(whole.text, render(messages.first(i), true).text, i, work);
    const size_t end = prefix_length(whole.text, render(messages.first(i + 1), false).text, i + 1, work);
    if (begin < end) out.push_back({begin, end});
  }
  return out;
}

std::vector<IdRange> id_ranges(std::string_view text, std::span<const jinja::ByteRange> ranges,
                               const std::function<std::vector<TokenId>(std::string_view)>& encode) {
  Work work;
  const std::vector<TokenId> whole = encode(text);
  // How many ids lie before a byte, and whether one lies across it.
  const auto before = [&](size_t byte) {
    work.add(byte);
    const std::vector<TokenId> ids = encode(text.substr(0, byte));
    const auto same = std::mismatch(ids.begin(), ids.end(), whole.begin(), whole.end()).first;
    return std::pair{static_cast<int32_t>(same - ids.begin()), same != ids.end()};
  };
  std::vector<IdRange> out;
  for (const jinja::ByteRange& range : ranges) {
    const int32_t begin = before(range.begin).first;
    const auto [end, across] = before(range.end);
    out.push_back({begin, end + (across ? 1 : 0)});
  }
  return out;
}

}  // namespace sil
