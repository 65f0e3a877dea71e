#include "tokenizers/text.h"

#include "sil/error.h"

namespace sil::tokenizers {

void fail_growth(size_t most) {
  throw Error(Exit::unreadable, "the tokenizer makes text grow beyond " + std::to_string(most) + " bytes",
              "use a tokenizer whose replacements do not multiply");
}

}  // namespace sil::tokenizers
