#include "text/specials.h"

#include "sil/error.h"

namespace sil {

std::string plain_text(const Conversation& conversation) {
  if (conversation.messages.empty()) return conversation.text;
  std::string out;
  for (const Message& message : conversation.messages) out += message.role + ": " + message.content + "\n";
  return out;
}

void check_id(TokenId id, TokenId size) {
  if (id >= 0 && id < size) return;
  throw Error(Exit::unreadable,
              "token id " + std::to_string(id) + " is not in the vocabulary; allowed: 0 to " + std::to_string(size - 1),
              "these ids come from another tokenizer");
}

}  // namespace sil
