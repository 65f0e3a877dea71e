#include "engines/stop_text.h"

#include <algorithm>

namespace sil {

bool StopText::push(TokenId id) {
  const size_t before = text_.size();
  text_ += decoder_->push(id);
  size_t cut = std::string::npos;
  for (const std::string& stop : stops_) {
    // Only an occurrence that ends in the new text is new.
    const size_t from = before < stop.size() ? 0 : before - stop.size() + 1;
    cut = std::min(cut, text_.find(stop, from));
  }
  if (cut == std::string::npos) return false;
  text_.resize(cut);
  stopped_ = true;
  return true;
}

std::string StopText::finish() {
  if (!stopped_) text_ += decoder_->finish();
  return std::move(text_);
}

}  // namespace sil
