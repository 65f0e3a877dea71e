// Segments: append-only files of independent zstd frames (zstdcat reads them). The journal names each frame that counts
// by (segment, offset, length, SHA-256); bytes beyond the last journaled frame are cut when a segment is opened for
// writing.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sil/digest.h"
#include "sil/env.h"
#include "sil/json.h"

namespace sil {

// The name of a segment, kept once for good: a run has few of them and refers to very many frames. Thread-safe.
class SegmentName {
 public:
  SegmentName() : SegmentName(std::string_view()) {}
  // Not explicit: it stands for its text.
  template <class Text>
  requires std::convertible_to<const Text&, std::string_view> SegmentName(const Text& text) : text_(kept(text)) {}

  const std::string& text() const { return *text_; }
  friend bool operator==(const SegmentName&, const SegmentName&) = default;

 private:
  static const std::string* kept(std::string_view text);

  const std::string* text_;
};

// Where a frame lies and what it must be. `segment` is relative to the run directory.
struct FrameRef {
  SegmentName segment;
  uint64_t offset = 0;
  uint64_t length = 0;      // compressed bytes
  uint64_t raw_length = 0;  // text bytes
  Digest sha256;            // of the compressed bytes

  Json to_json() const;
  static FrameRef from_json(const Json& json);  // throws Error(Exit::corrupt)
};

// A frame before it has a place. Made by many threads at once.
struct EncodedFrame {
  std::string bytes;
  uint64_t raw_length = 0;
  Digest sha256;
};
EncodedFrame encode_frame(std::string_view text);

// Text of a frame; bytes that do not match the reference: Error(Exit::corrupt) that names segment and offset.
std::string read_frame(Env& env, const std::string& run_dir, const FrameRef& frame);

class SegmentWriter {
 public:
  // Opens run_dir/segment for appending after cutting it to `end` bytes (0: it is created anew, its folder too).
  // A file shorter than `end`: Error(Exit::corrupt).
  SegmentWriter(Env& env, const std::string& run_dir, std::string segment, uint64_t end);

  // After a failure the object refuses both.
  FrameRef append(const EncodedFrame& frame);  // not durable before sync()
  void sync();                                 // data, and once the names of new folders and file
  uint64_t end() const { return end_; }

 private:
  Env& env_;
  std::string run_dir_;
  std::string segment_;
  uint64_t end_ = 0;
  bool synced_name_ = false;
  bool failed_ = false;
  std::unique_ptr<OutputFile> file_;
};

}  // namespace sil
