#include "record/objects.h"

#include <algorithm>

namespace sil {
namespace {

constexpr size_t kReadChunk = size_t{1} << 20;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Hashes what it passes on.
class HashingSink final : public ByteSink {
 public:
  explicit HashingSink(OutputFile& file) : file_(file) {}
  void write(std::string_view bytes) override {
    file_.write(bytes);
    hash_.bytes(bytes);
    size_ += bytes.size();
  }
  uint64_t size() const { return size_; }
  Digest finish() { return hash_.finish(); }

 private:
  OutputFile& file_;
  Sha256 hash_;
  uint64_t size_ = 0;
};

// Discards the file unless it was published.
class Temporary {
 public:
  Temporary(Env& env, std::string path) : env_(env), path_(std::move(path)) {}
  ~Temporary() {
    try {
      if (!path_.empty()) env_.remove(path_);
    } catch (...) {
      // A leftover is removed by the next opening; the failure that led here is the one to report.
    }
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  const std::string& path() const { return path_; }
  void published() { path_.clear(); }

 private:
  Env& env_;
  std::string path_;
};

[[noreturn]] void throw_damaged(const std::string& path, const std::string& what) {
  throw Error(Exit::corrupt, "the object " + path + " " + what,
              "restore the run directory from a copy, or start again in a new one");
}

}  // namespace

ObjectStore::ObjectStore(Env& env, std::string run_dir) : env_(env), run_dir_(std::move(run_dir)) {}

std::string ObjectStore::path(const Digest& digest) const {
  const std::string hex = digest.hex();
  return "objects/" + hex.substr(0, 2) + "/" + hex.substr(2);
}

void ObjectStore::make_folders() {
  if (has_folders_) return;
  env_.make_dir(at("tmp"));
  env_.make_dir(at("objects"));
  // Also when it was there: the process that made it may have been killed before its fsync.
  env_.sync_dir(run_dir_);
  has_folders_ = true;
}

Digest ObjectStore::put(const std::function<void(ByteSink&)>& write) {
  make_folders();
  const std::string path = at("tmp/" + std::to_string(next_temporary_++));
  std::unique_ptr<OutputFile> file = env_.create(path, Create::exclusive);
  Temporary temporary(env_, path);
  HashingSink sink(*file);
  write(sink);
  env_.make_readonly(path);
  file->sync();
  file.reset();
  const Digest digest = sink.finish();
  publish(path, digest, sink.size());
  temporary.published();
  return digest;
}

Digest ObjectStore::put(std::string_view bytes) {
  return put([&](ByteSink& sink) { sink.write(bytes); });
}

void ObjectStore::publish(const std::string& temporary, const Digest& digest, uint64_t size) {
  const std::string name = path(digest);
  const std::string folder = name.substr(0, name.rfind('/'));
  env_.make_dir(at(folder));
  if (!env_.rename_new(temporary, at(name))) {
    const uint64_t found = env_.file_size(at(name));
    if (found != size)
      throw_damaged(name, "has " + std::to_string(found) + " bytes, its digest belongs to " + std::to_string(size));
    env_.remove(temporary);
  }
  // Both folders, and also for an object that was there: who made them may have been killed before the fsync.
  env_.sync_dir(at(folder));
  env_.sync_dir(at("objects"));
}

bool ObjectStore::contains(const Digest& digest) const {
  return env_.exists(at(path(digest)));
}

std::string ObjectStore::read(const Digest& digest) const {
  const std::string name = path(digest);
  if (!env_.exists(at(name))) throw_damaged(name, "is missing");
  std::string bytes = env_.read_all(at(name));
  if (sha256(bytes) != digest) throw_damaged(name, "is not what its name says (its SHA-256 differs)");
  return bytes;
}

uint64_t ObjectStore::copy(const Digest& digest, OutputFile& to) const {
  return stream(digest, &to);
}

uint64_t ObjectStore::verify(const Digest& digest) const {
  return stream(digest, nullptr);
}

uint64_t ObjectStore::stream(const Digest& digest, OutputFile* to) const {
  const std::string name = path(digest);
  if (!env_.exists(at(name))) throw_damaged(name, "is missing");
  const std::unique_ptr<InputFile> file = env_.open(at(name));
  Sha256 hash;
  std::string chunk;
  for (uint64_t offset = 0; offset < file->size(); offset += chunk.size()) {
    chunk.resize(static_cast<size_t>(std::min<uint64_t>(kReadChunk, file->size() - offset)));
    file->read(offset, chunk.data(), chunk.size());
    hash.bytes(chunk);
    if (to != nullptr) to->write(chunk);
  }
  if (hash.finish() != digest) throw_damaged(name, "is not what its name says (its SHA-256 differs)");
  return file->size();
}

std::vector<Digest> ObjectStore::list() const {
  std::vector<Digest> digests;
  if (!env_.is_dir(at("objects"))) return digests;
  for (const std::string& folder : env_.list(at("objects"))) {
    if (folder.size() != 2 || !is_hex(folder) || !env_.is_dir(at("objects/" + folder))) continue;
    for (const std::string& rest : env_.list(at("objects/" + folder)))
      if (rest.size() == 62 && is_hex(rest)) digests.push_back(Digest::from_hex(folder + rest));
  }
  return digests;  // folders and names are sorted, so the digests are
}

uint64_t ObjectStore::remove(const Digest& digest) {
  const std::string name = at(path(digest));
  if (!env_.exists(name)) return 0;
  const uint64_t size = env_.file_size(name);
  env_.remove(name);
  return size;
}

void ObjectStore::clear_temporaries() {
  if (!env_.is_dir(at("tmp"))) return;
  for (const std::string& name : env_.list(at("tmp"))) env_.remove_tree(at("tmp/" + name));
}

}  // namespace sil
