#include "record/segment.h"

#include <zstd.h>

#include <functional>
#include <mutex>
#include <set>
#include <utility>

namespace sil {
namespace {

constexpr int kLevel = 1;  // frames are written once and read rarely; the disk is faster than a better level
// No zstd frame expands further: a block makes at most 128 KiB out of at least 4 bytes.
constexpr uint64_t kMaxExpansion = uint64_t{1} << 15;

[[noreturn]] void throw_damaged(const FrameRef& frame, const std::string& what) {
  throw Error(Exit::corrupt, "the frame at byte " + std::to_string(frame.offset) + " " + what,
              "restore the run directory from a copy, or start again in a new one", {frame.segment.text(), 0, 0});
}

uint64_t natural(const Json& json, std::string_view key) {
  const int64_t value = json.at(key).as_int();
  if (value < 0)
    throw Error(Exit::corrupt, "'" + std::string(key) + "' is " + std::to_string(value) + ", it cannot be negative");
  return static_cast<uint64_t>(value);
}

// Inside the run directory, whatever the journal says.
bool is_segment_path(const std::string& path) {
  return !path.empty() && path.front() != '/' && path.back() != '/' && path.find('\0') == std::string::npos &&
         ("/" + path + "/").find("/../") == std::string::npos && path.find("//") == std::string::npos;
}

std::string decompress(const FrameRef& frame, const std::string& bytes) {
  if (frame.raw_length / kMaxExpansion > frame.length ||
      ZSTD_getFrameContentSize(bytes.data(), bytes.size()) != frame.raw_length)
    throw_damaged(frame, "does not hold " + std::to_string(frame.raw_length) + " bytes of text");
  std::string text(frame.raw_length, '\0');
  const size_t got = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got)) throw_damaged(frame, std::string("cannot be decompressed: ") + ZSTD_getErrorName(got));
  if (got != text.size()) throw_damaged(frame, "does not hold " + std::to_string(frame.raw_length) + " bytes of text");
  return text;
}

}  // namespace

const std::string* SegmentName::kept(std::string_view text) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> names;  // nodes stay where they are
  std::lock_guard lock(mutex);
  auto name = names.find(text);
  if (name == names.end()) name = names.emplace(text).first;
  return &*name;
}

Json FrameRef::to_json() const {
  return Json::Object{{"segment", segment.text()},
                      {"offset", offset},
                      {"length", length},
                      {"raw_length", raw_length},
                      {"sha256", sha256.hex()}};
}

FrameRef FrameRef::from_json(const Json& json) {
  try {
    FrameRef frame{json.at("segment").as_string(), natural(json, "offset"), natural(json, "length"),
                   natural(json, "raw_length"), Digest::from_hex(json.at("sha256").as_string())};
    if (!is_segment_path(frame.segment.text()))
      throw Error(Exit::corrupt,
                  "'segment' is '" + frame.segment.text() + "', which is no path inside the run directory");
    return frame;
  } catch (const Error& error) {
    throw Error(Exit::corrupt, std::string("damaged reference to a frame: ") + error.what());
  }
}

EncodedFrame encode_frame(std::string_view text) {
  // Kept from frame to frame: both are large.
  thread_local const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  thread_local std::string bytes;
  if (!context) throw Error(Exit::resources, "out of memory while a frame was compressed");
  if (const size_t most = ZSTD_compressBound(text.size()); bytes.size() < most) bytes.resize(most);
  // The SHA-256 in the journal is the check; a second checksum would only cost time.
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 0);
  const size_t length = ZSTD_compress2(context.get(), bytes.data(), bytes.size(), text.data(), text.size());
  if (ZSTD_isError(length))
    throw Error(Exit::resources, std::string("a frame cannot be compressed: ") + ZSTD_getErrorName(length));
  EncodedFrame frame;
  frame.bytes.assign(bytes, 0, length);
  frame.raw_length = text.size();
  frame.sha256 = sha256(frame.bytes);
  return frame;
}

std::string read_frame(Env& env, const std::string& run_dir, const FrameRef& frame) {
  const std::string path = run_dir + "/" + frame.segment.text();
  if (!env.exists(path)) throw_damaged(frame, "is gone: the file is missing");
  const std::unique_ptr<InputFile> file = env.open(path);
  if (file->size() < frame.offset || file->size() - frame.offset < frame.length)
    throw_damaged(frame, "needs " + std::to_string(frame.length) + " bytes, the file ends at byte " +
                             std::to_string(file->size()));
  std::string bytes(frame.length, '\0');
  file->read(frame.offset, bytes.data(), bytes.size());
  if (sha256(bytes) != frame.sha256) throw_damaged(frame, "is not what was written (its SHA-256 differs)");
  return decompress(frame, bytes);
}

SegmentWriter::SegmentWriter(Env& env, const std::string& run_dir, std::string segment, uint64_t end)
    : env_(env), run_dir_(run_dir), segment_(std::move(segment)), end_(end) {
  SIL_CHECK(is_segment_path(segment_));
  const std::string path = run_dir_ + "/" + segment_;
  for (size_t slash = segment_.find('/'); slash != std::string::npos; slash = segment_.find('/', slash + 1))
    env_.make_dir(run_dir_ + "/" + segment_.substr(0, slash));
  const uint64_t size = env_.exists(path) ? env_.file_size(path) : 0;
  if (size < end)
    throw Error(Exit::corrupt,
                "the segment has " + std::to_string(size) + " bytes, the journal names " + std::to_string(end),
                "restore the run directory from a copy, or start again in a new one", {segment_, 0, 0});
  if (size > end) env_.truncate(path, end);
  file_ = env_.create(path, Create::append);
  synced_name_ = end > 0;  // the journal names only what was synced
}

FrameRef SegmentWriter::append(const EncodedFrame& frame) {
  if (failed_) throw Error(Exit::io, segment_ + ": an earlier write failed, no more are made");
  failed_ = true;  // until all of it succeeded
  file_->write(frame.bytes);
  failed_ = false;
  FrameRef ref{segment_, end_, frame.bytes.size(), frame.raw_length, frame.sha256};
  end_ += frame.bytes.size();
  return ref;
}

void SegmentWriter::sync() {
  if (failed_) throw Error(Exit::io, segment_ + ": an earlier write failed, no more are made");
  failed_ = true;
  file_->sync();
  if (!synced_name_) {
    // Each folder's name is in the folder above it, up to the run directory.
    for (size_t slash = segment_.rfind('/'); slash != std::string::npos && slash > 0;
         slash = segment_.rfind('/', slash - 1))
      env_.sync_dir(run_dir_ + "/" + segment_.substr(0, slash));
    env_.sync_dir(run_dir_);
    synced_name_ = true;
  }
  failed_ = false;
}

}  // namespace sil
