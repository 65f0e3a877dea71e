// The journal: the only file that decides what counts. JSON lines {seq, prev, type, payload, sum}: `prev` is the `sum`
// of the line before (zeros in the first), `sum` the first 128 bits of SHA-256 over the line without it (and without
// its newline), so that a prefix of a good journal is a good journal and no other edit is. A record is acknowledged
// once its line is written and fdatasync'd.
//
// Opening reads forward. What an interrupted append can leave at the end is a torn write and cut off: an unfinished
// last line, or one with holes of zero bytes. Everything else is damage: an invalid line that was finished, valid ones
// after it, a gap in `seq` or a broken chain give Error(Exit::corrupt), and the file stays as it was.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sil/digest.h"
#include "sil/env.h"
#include "sil/json.h"

namespace sil {

struct JournalRecord {
  uint64_t seq = 0;  // from 0
  std::string type;  // open recipe round frame step ... (loop/records of the run)
  Json payload;
  uint64_t offset = 0;  // of its line in the file
  uint64_t length = 0;  // newline included
};

struct JournalContents {
  std::vector<JournalRecord> records;
  uint64_t valid_bytes = 0;  // what follows is a torn last line
  uint64_t torn_bytes = 0;
  std::string last_sum;  // 32 hex digits, what the next line's `prev` must be
};

// Reads and checks; changes nothing. `path` names the file in messages.
JournalContents parse_journal(std::string_view bytes, const std::string& path);

class Journal {
 public:
  // Creates the file or opens it for appending, cutting a torn tail.
  Journal(Env& env, std::string path);

  // What stood there at this opening. What is appended since is not kept, so that memory does not grow with a run.
  const std::vector<JournalRecord>& found() const { return contents_.records; }
  void forget() { contents_.records = {}; }                     // found() is empty then
  uint64_t torn_bytes() const { return contents_.torn_bytes; }  // cut by this opening
  // Returns the records when they are durable, all of them together or none. Before writing, the file must have the
  // size this process left it with (Error(Exit::in_use): another writer). After a failure the object refuses further
  // appends, and what it wrote is taken back as far as the system allows: a failed fsync leaves bytes that look durable
  // and are not. `type` matches [a-z][a-z0-9_]*; a payload that does not read back equal is a bug (Exit::internal).
  std::vector<JournalRecord> append(std::string_view type, std::vector<Json> payloads);
  JournalRecord append(std::string_view type, Json payload);

 private:
  void write(const std::string& lines);

  Env& env_;
  std::string path_;
  JournalContents contents_;
  uint64_t next_seq_ = 0;
  std::unique_ptr<OutputFile> file_;
  bool failed_ = false;
};

}  // namespace sil
