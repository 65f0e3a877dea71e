// What stands around the ids of a text: [CLS], <s>, </s>.
#pragma once

#include <vector>

#include "sil/records.h"
#include "tokenizers/component.h"

namespace sil::tokenizers {

// Immutable, thread-safe.
class PostProcessor {
 public:
  PostProcessor() = default;  // adds nothing
  // Special tokens must have ids below `bound`. Throws Error(Exit::unreadable).
  PostProcessor(const Component& component, TokenId bound);

  std::vector<TokenId> apply(std::vector<TokenId> ids, bool add_special) const;

 private:
  struct Part {
    bool text = false;         // the ids so far
    std::vector<TokenId> ids;  // of a special token
  };
  using Template = std::vector<Part>;

  void add(const Component& component);
  void add_template(const Component& component);
  void add_frame(const Component& component);
  TokenId checked(const Json& id, const Component& where) const;

  TokenId bound_ = 0;
  std::vector<Template> templates_;  // one after the other
};

}  // namespace sil::tokenizers
