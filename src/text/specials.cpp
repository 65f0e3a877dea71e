#include "text/specials.h"

#include "sil/error.h"

namespace sil {

std::string plain_text(const Conversation& conversation) {
  if (conversation.messages.empty()) return conversation.text;
  std::string out;
  for (const Message& message : conversation.messages) out += message.role + ": " + message.content + "\n";
  return out;
}

std::vector<IdRange> plain_assistant_ranges(const Codec& codec, const Conversation& conversation) {
  std::vector<IdRange> out;
  size_t at = 0;
  for (const Message& message : conversation.messages) {
    const size_t begin = at + codec.encode_text(message.role + ": ").size();
    const size_t end = begin + codec.encode_text(message.content).size();
    if (message.role == "assistant") out.push_back({static_cast<int32_t>(begin), static_cast<int32_t>(end)});
    at = end + codec.encode_text("\n").size();
  }
  return out;
}

void check_id(TokenId id, TokenId size) {
  if (id >= 0 && id < size) return;
  throw Error(Exit::unreadable,
              "token id " + std::to_string(id) + " is not in the vocabulary; allowed: 0 to " + std::to_string(size - 1),
              "these ids come from another tokenizer");
}

}  // namespace sil
