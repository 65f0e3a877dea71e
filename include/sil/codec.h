// Text to ids and back, for one model: tokenizer, chat template, stop ids. Implemented in text/.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sil/records.h"

namespace sil {

// Decodes ids as they come; never emits a part of a character.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  virtual std::string push(TokenId id) = 0;  // text that is now complete, maybe ""
  virtual std::string finish() = 0;          // what is left, invalid bytes as U+FFFD
};

// A file of a model's folder that stands beside the weights.
struct FolderFile {
  std::string name;  // without a path: "tokenizer.json"
  std::string text;
};

// Immutable and thread-safe.
class Codec {
 public:
  virtual ~Codec() = default;
  // Throws Error(Exit::unreadable) that names a character the vocabulary lacks.
  virtual std::vector<TokenId> encode(const Conversation& conversation, bool generation_prompt) const = 0;
  // Which ids of encode(conversation, true) are the assistant's own words, the token that ends a turn included where
  // there is one; ascending. None in a text. Throws Error(Exit::unreadable) where that cannot be told.
  virtual std::vector<IdRange> assistant_ranges(const Conversation&) const { return {}; }
  // The ids of a piece of text as a continuation: no special tokens are added.
  virtual std::vector<TokenId> encode_text(std::string_view text) const = 0;
  virtual std::string decode(const std::vector<TokenId>& ids) const = 0;  // special tokens left out
  virtual std::string token(TokenId id) const = 0;                        // for people, specials as <name>
  virtual std::unique_ptr<StreamDecoder> stream() const = 0;
  virtual const std::vector<TokenId>& stop_ids() const = 0;  // the first one is what `demonstrate` appends
  virtual TokenId vocabulary_size() const = 0;
  virtual Digest digest() const = 0;
  // How other programs read its ids: tokenizer.json and what belongs to it. None where no other program can.
  virtual std::vector<FolderFile> folder_files() const { return {}; }
};

}  // namespace sil
