#include "formats/byte_stream.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <vector>

#include "sil/error.h"

namespace sil {
namespace {

constexpr std::string_view kGzipMagic = "\x1F\x8B";
constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";
constexpr size_t kChunk = size_t{256} << 10;

[[noreturn]] void unreadable(std::string message, std::string hint = {}) {
  throw Error(Exit::unreadable, std::move(message), std::move(hint));
}

// The stored bytes, in order, hashed as they pass.
class Source {
 public:
  Source(std::unique_ptr<InputFile> file) : file_(std::move(file)), size_(file_->size()) {}

  std::string_view look() {  // what is read but not taken; empty at the end
    if (chunk_.empty() && at_ < size_) {
      buffer_.resize(std::min<uint64_t>(kChunk, size_ - at_));
      file_->read(at_, buffer_.data(), buffer_.size());
      at_ += buffer_.size();
      chunk_ = {buffer_.data(), buffer_.size()};
      hash_.bytes(chunk_);
    }
    return chunk_;
  }
  void take(size_t bytes) { chunk_.remove_prefix(bytes); }
  uint64_t taken() const { return at_ - chunk_.size(); }
  bool at_end() const { return chunk_.empty() && at_ == size_; }
  Digest digest() { return hash_.finish(); }

 private:
  std::unique_ptr<InputFile> file_;
  uint64_t size_;
  uint64_t at_ = 0;
  std::vector<char> buffer_;
  std::string_view chunk_;
  Sha256 hash_;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual size_t read(Source& source, std::span<char> out) = 0;  // 0 at the end
};

class PlainDecoder final : public Decoder {
 public:
  size_t read(Source& source, std::span<char> out) override {
    const std::string_view chunk = source.look();
    const size_t count = std::min(chunk.size(), out.size());
    std::copy_n(chunk.data(), count, out.data());
    source.take(count);
    return count;
  }
};

// One or more gzip members, as `cat a.gz b.gz` and parallel compressors write them.
class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() {
    constexpr int kGzipOnly = 16;
    SIL_CHECK(inflateInit2(&stream_, MAX_WBITS + kGzipOnly) == Z_OK);
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }

  size_t read(Source& source, std::span<char> out) override {
    for (;;) {
      const std::string_view chunk = source.look();
      if (between_ && chunk.empty()) return 0;
      // Without input the decoder may still give what it holds; when it gives nothing the data ends early.
      const size_t count = step(source, chunk, out);
      if (count > 0) return count;
      if (chunk.empty())
        unreadable("the gzip data is cut after " + std::to_string(source.taken()) + " bytes", "get the file again");
    }
  }

 private:
  size_t step(Source& source, std::string_view chunk, std::span<char> out) {
    if (between_) {
      inflateReset(&stream_);
      between_ = false;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(chunk.data()));  // zlib does not write to it
    stream_.avail_in = static_cast<uInt>(chunk.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(std::min(out.size(), kChunk));
    const uInt room = stream_.avail_out;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    source.take(chunk.size() - stream_.avail_in);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      unreadable("the gzip data is damaged near byte " + std::to_string(source.taken()) +
                     (stream_.msg != nullptr ? std::string(": ") + stream_.msg : std::string()),
                 "get the file again");
    between_ = status == Z_STREAM_END;
    return room - stream_.avail_out;
  }

  z_stream stream_{};
  bool between_ = false;  // after a whole member
};

// One or more zstd frames.
class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : stream_(ZSTD_createDStream()) { SIL_CHECK(stream_ != nullptr); }
  ~ZstdDecoder() override { ZSTD_freeDStream(stream_); }

  size_t read(Source& source, std::span<char> out) override {
    for (;;) {
      const std::string_view chunk = source.look();
      ZSTD_inBuffer in{chunk.data(), chunk.size(), 0};
      ZSTD_outBuffer room{out.data(), out.size(), 0};
      const bool between = left_ == 0;
      if (between && chunk.empty()) return 0;
      left_ = ZSTD_decompressStream(stream_, &room, &in);
      source.take(in.pos);
      if (ZSTD_isError(left_))
        unreadable(
            "the zstd data is damaged near byte " + std::to_string(source.taken()) + ": " + ZSTD_getErrorName(left_),
            "get the file again");
      if (room.pos > 0) return room.pos;
      if (chunk.empty())
        unreadable("the zstd data is cut after " + std::to_string(source.taken()) + " bytes", "get the file again");
    }
  }

 private:
  ZSTD_DStream* stream_;
  size_t left_ = 0;  // 0: a frame is complete, and all of it was given
};

std::unique_ptr<InputFile> open_regular(const std::string& path, Env& env) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::file_status link = fs::symlink_status(path, failed);
  const fs::file_status status = fs::status(path, failed);
  if (path.find('\0') != std::string::npos)  // the system would read another file: the name up to there
    unreadable("not a file of data: the path holds a NUL byte", "write the path without it");
  if (status.type() == fs::file_type::regular) return env.open(path);
  std::string what = "it is no regular file";
  if (status.type() == fs::file_type::not_found)
    what =
        link.type() == fs::file_type::symlink ? "it is a link to a file that does not exist" : "there is no such file";
  if (status.type() == fs::file_type::none) what = "it cannot be reached: " + failed.message();
  if (status.type() == fs::file_type::directory) what = "it is a folder";
  if (status.type() == fs::file_type::fifo) what = "it is a pipe";
  if (status.type() == fs::file_type::character || status.type() == fs::file_type::block) what = "it is a device";
  if (status.type() == fs::file_type::socket) what = "it is a socket";
  unreadable("not a file of data: " + what, "relative paths begin at the folder in which sil was started");
}

}  // namespace

struct ByteStream::State {
  Source source;
  ExpansionLimits limits;
  std::unique_ptr<Decoder> decoder;
  bool compressed = false;
  uint64_t given = 0;
};

ByteStream::ByteStream(const std::string& path, const ExpansionLimits& limits, Env& env)
    : state_(new State{Source(open_regular(path, env)), limits, nullptr}) {
  const std::string_view begin = state_->source.look();
  state_->compressed = true;
  if (begin.starts_with(kGzipMagic)) {
    state_->decoder = std::make_unique<GzipDecoder>();
  } else if (begin.starts_with(kZstdMagic)) {
    state_->decoder = std::make_unique<ZstdDecoder>();
  } else {
    state_->decoder = std::make_unique<PlainDecoder>();
    state_->compressed = false;
  }
}

ByteStream::~ByteStream() = default;
ByteStream::ByteStream(ByteStream&&) noexcept = default;

size_t ByteStream::read(std::span<char> out) {
  State& state = *state_;
  const size_t count = state.decoder->read(state.source, out);
  if (!state.compressed) return count;
  const std::string_view text(out.data(), count);
  if (state.given == 0 && (text.starts_with(kGzipMagic) || text.starts_with(kZstdMagic)))
    unreadable("the file is compressed twice", "decompress it once");
  state.given += count;
  const uint64_t stored = std::max<uint64_t>(state.source.taken(), 1);
  if (state.given > state.limits.bytes ||
      (state.given > state.limits.free_bytes && state.given / stored > state.limits.ratio))
    unreadable("the file expands beyond all measure: " + std::to_string(stored) + " stored bytes gave " +
                   std::to_string(state.given),
               "at most " + std::to_string(state.limits.ratio) + " times and " + std::to_string(state.limits.bytes) +
                   " bytes are read; decompress it if it is really data");
  return count;
}

Digest ByteStream::digest() {
  SIL_CHECK(state_->source.at_end());
  return state_->source.digest();
}

}  // namespace sil
