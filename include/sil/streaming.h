// An engine that tells what it samples while it does.
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "sil/engine.h"

namespace sil {

// Gets the pieces of a request's text, whole characters that no stop string can take back; joined they are what its
// completion's text is. Called from any thread, never twice at the same time.
using TextSink = std::function<void(size_t request, std::string_view piece)>;

class StreamingEngine {
 public:
  virtual ~StreamingEngine() = default;
  // Engine::generate, with `text` beside it; of a request that is cancelled it has told what there was.
  virtual void generate_streaming(Version version, const GenerateBatch& batch, const CompletionSink& sink,
                                  const TextSink& text, std::stop_token stop) = 0;
};

}  // namespace sil
