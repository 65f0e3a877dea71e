#include "engines/stop_text.h"

#include <algorithm>

namespace sil {

namespace {

bool has(const auto& ids, TokenId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

bool StopText::push(TokenId id) {
  if (has(stop_ids_, id) || has(sampling_.stop_ids, id)) return true;
  const size_t before = text_.size();
  text_ += decoder_->push(id);
  size_t cut = std::string::npos;
  for (const std::string& stop : sampling_.stop) {
    // Only an occurrence that ends in the new text is new.
    const size_t from = before < stop.size() ? 0 : before - stop.size() + 1;
    cut = std::min(cut, text_.find(stop, from));
  }
  if (cut == std::string::npos) return false;
  text_.resize(cut);
  cut_ = true;
  return true;
}

std::string_view StopText::settled() const {
  size_t open = 0;  // bytes at the end that may begin a stop string
  for (const std::string& stop : sampling_.stop)
    for (size_t length = std::min(stop.size() - 1, text_.size()); length > open; --length)
      if (text_.ends_with(std::string_view(stop).substr(0, length))) open = length;
  return std::string_view(text_).substr(0, text_.size() - (cut_ ? 0 : open));
}

std::string StopText::finish() {
  if (!cut_) text_ += decoder_->finish();
  return std::move(text_);
}

}  // namespace sil
