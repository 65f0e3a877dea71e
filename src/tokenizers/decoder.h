// Tokens to text, as they come. Decoding all at once is the same chain fed to its end, so both give the same text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/component.h"

namespace sil::tokenizers {

// A part of one token on its way through the chain; what has been fused arrives in several. Whole characters.
struct TokenPart {
  std::string_view text;
  bool begins = true, ends = true;
};

// One step of a chain while it decodes one text.
class DecodeStage {
 public:
  virtual ~DecodeStage() = default;
  virtual void put(const TokenPart& part) = 0;
  virtual void finish() { next_->finish(); }  // no token follows
  void set_next(DecodeStage* next) { next_ = next; }

 protected:
  DecodeStage& next() { return *next_; }
  void emit(std::string_view token) { next_->put({token, true, true}); }

 private:
  DecodeStage* next_ = nullptr;
};

// Immutable, thread-safe.
class DecoderStep {
 public:
  virtual ~DecoderStep() = default;
  virtual std::unique_ptr<DecodeStage> stage() const = 0;  // refers to the step
};

// The decoder of a tokenizer.json. Immutable, thread-safe.
class Decoder {
 public:
  Decoder();  // joins tokens by blanks
  explicit Decoder(const Component& component);

  // One text. Refers to the decoder.
  class Run {
   public:
    explicit Run(const Decoder& decoder);
    ~Run();
    std::string push(std::string_view token);  // the text that is certain now
    std::string finish();                      // what is left

   private:
    std::vector<std::unique_ptr<DecodeStage>> stages_;
    std::string text_;
  };

 private:
  void add(const Component& component);
  std::vector<std::unique_ptr<const DecoderStep>> steps_;
};

std::unique_ptr<const DecoderStep> read_decoder_step(const Component& component);
std::unique_ptr<const DecoderStep> joining_step();

}  // namespace sil::tokenizers
