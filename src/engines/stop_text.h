// The text of a completion as it grows, and whether it has ended: by an id or by a stop string.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sil/codec.h"
#include "sil/engine.h"

namespace sil {

class StopText {
 public:
  // `stop_ids`: the codec's. They and `sampling` outlive this object.
  StopText(const SamplingOptions& sampling, const std::vector<TokenId>& stop_ids,
           std::unique_ptr<StreamDecoder> decoder)
      : sampling_(sampling), stop_ids_(stop_ids), decoder_(std::move(decoder)) {}

  // True once the completion has ended: the id is one that stops, and adds no text, or it completed a stop string; the
  // text is then cut where the earliest one begins.
  bool push(TokenId id);
  // What of the text so far no stop string can cut any more.
  std::string_view settled() const;
  // The text; characters left unfinished are U+FFFD unless a stop string cut them off.
  std::string finish();

 private:
  const SamplingOptions& sampling_;
  const std::vector<TokenId>& stop_ids_;
  std::unique_ptr<StreamDecoder> decoder_;
  std::string text_;
  bool cut_ = false;
};

}  // namespace sil
