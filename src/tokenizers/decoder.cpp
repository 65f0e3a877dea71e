#include "tokenizers/decoder.h"

#include <utility>

namespace sil::tokenizers {
namespace {

// The end of a chain.
class Collector final : public DecodeStage {
 public:
  explicit Collector(std::string& text) : text_(text) {}
  void put(const TokenPart& part) override { text_ += part.text; }
  void finish() override {}

 private:
  std::string& text_;
};

}  // namespace

Decoder::Decoder() {
  steps_.push_back(joining_step());
}

Decoder::Decoder(const Component& component) {
  add(component);
}

void Decoder::add(const Component& component) {
  if (component.type() != "Sequence") {
    steps_.push_back(read_decoder_step(component));
    return;
  }
  for (const Component& child : component.children("decoders")) add(child);
}

Decoder::Run::Run(const Decoder& decoder) {
  for (const auto& step : decoder.steps_) stages_.push_back(step->stage());
  stages_.push_back(std::make_unique<Collector>(text_));
  for (size_t i = 0; i + 1 < stages_.size(); ++i) stages_[i]->set_next(stages_[i + 1].get());
}

Decoder::Run::~Run() = default;

std::string Decoder::Run::push(std::string_view token) {
  stages_.front()->put({token, true, true});
  return std::exchange(text_, {});
}

std::string Decoder::Run::finish() {
  stages_.front()->finish();
  return std::exchange(text_, {});
}

}  // namespace sil::tokenizers
