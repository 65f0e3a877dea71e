// The text of a completion as it grows, and whether a stop string has appeared in it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sil/codec.h"

namespace sil {

class StopText {
 public:
  // `stops` outlives this object.
  StopText(const std::vector<std::string>& stops, std::unique_ptr<StreamDecoder> decoder)
      : stops_(stops), decoder_(std::move(decoder)) {}

  // True once a stop string is complete; the text is then cut where the earliest one begins.
  bool push(TokenId id);
  // The text; characters left unfinished are U+FFFD unless a stop string cut them off.
  std::string finish();

 private:
  const std::vector<std::string>& stops_;
  std::unique_ptr<StreamDecoder> decoder_;
  std::string text_;
  bool stopped_ = false;
};

}  // namespace sil
