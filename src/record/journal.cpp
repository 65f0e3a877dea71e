#include "record/journal.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "record/paths.h"

namespace sil {
namespace {

constexpr size_t kSumDigits = 32;
constexpr std::string_view kBeforeSum = R"(,"sum":")";
constexpr std::string_view kAfterSum = R"("})";
constexpr size_t kTail = kBeforeSum.size() + kSumDigits + kAfterSum.size();
constexpr std::string_view kBeforePayload = R"(","payload":)";
constexpr size_t kTypeLimit = 64;

const std::string kFirstPrev(kSumDigits, '0');

// `body` is the line up to the sum; with the brace it is the line without its `sum` member.
std::string sum_of(std::string_view body) {
  return Sha256().bytes(body).bytes("}").finish().hex().substr(0, kSumDigits);
}

std::string head_of(uint64_t seq, std::string_view prev) {
  std::string head = R"({"seq":)" + std::to_string(seq) + R"(,"prev":")";
  head += prev;
  head += R"(","type":")";
  return head;
}

bool is_type(std::string_view type) {
  if (type.empty() || type.size() > kTypeLimit || type[0] < 'a' || type[0] > 'z') return false;
  return std::all_of(type.begin(), type.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

std::string line_of(uint64_t seq, std::string_view prev, std::string_view type, const Json& payload) {
  std::string line = head_of(seq, prev);
  line.append(type).append(kBeforePayload).append(dump(payload));
  const std::string sum = sum_of(line);
  return line.append(kBeforeSum).append(sum).append(kAfterSum).append("\n");
}

// What a line says, or why it is not what line_of() would have written at this place.
struct ParsedLine {
  JournalRecord record;
  std::string_view sum;
  std::string fault;  // "" when all is well
};

ParsedLine faulty(std::string why) {
  return {{}, {}, std::move(why)};
}

// The sums leave an edit no chance; this only finds the words for it.
std::string explain_head(std::string_view line, uint64_t seq, std::string_view prev) {
  constexpr std::string_view kSeq = R"({"seq":)";
  const std::string expected = std::to_string(seq);
  if (!line.starts_with(kSeq)) return "it is not a journal record";
  const std::string_view written = line.substr(kSeq.size(), line.find(',') - kSeq.size()).substr(0, 20);
  if (written != expected) return "its seq is " + std::string(written) + ", expected " + expected;
  return "its prev is not " + std::string(prev) + ", the sum of the record before";
}

// `line` without its newline.
ParsedLine parse_line(std::string_view line, uint64_t seq, std::string_view prev) {
  const std::string head = head_of(seq, prev);
  if (!line.starts_with(head)) return faulty(explain_head(line, seq, prev));
  if (line.size() < head.size() + kBeforePayload.size() + kTail || !line.ends_with(kAfterSum) ||
      line.substr(line.size() - kTail, kBeforeSum.size()) != kBeforeSum)
    return faulty("it does not end in a sum");
  const std::string_view body = line.substr(0, line.size() - kTail);
  const std::string_view sum = line.substr(body.size() + kBeforeSum.size(), kSumDigits);
  if (sum != sum_of(body)) return faulty("its sum is not the SHA-256 of its text");
  const std::string_view type = body.substr(head.size(), body.find('"', head.size()) - head.size());
  if (!is_type(type) || !body.substr(head.size() + type.size()).starts_with(kBeforePayload))
    return faulty("its type is not a word of a-z, 0-9 and _");
  const std::string_view text = body.substr(head.size() + type.size() + kBeforePayload.size());
  ParsedLine parsed;
  try {
    parsed.record = {seq, std::string(type), parse_json(text), 0, line.size() + 1};
  } catch (const Error& error) {
    return faulty(std::string("its payload is ") + error.what());
  }
  if (dump(parsed.record.payload) != text) return faulty("its payload is not written the way this program writes it");
  parsed.sum = sum;
  return parsed;
}

// Whether `tail`, which starts with an invalid line, can be what is left of one interrupted append: a prefix of a line,
// or a line whose length reached the disk before all of its bytes. Lines hold no NUL and no newline but the last byte.
bool may_be_torn(std::string_view tail, uint64_t seq, std::string_view prev) {
  const size_t newline = tail.find('\n');
  if (tail.find('\0') != std::string_view::npos) return newline >= tail.size() - 1;  // npos too
  if (newline != std::string_view::npos) return false;
  // A whole record with something else in place of its newline was finished once.
  return !parse_line(tail.substr(0, tail.size() - 1), seq, prev).fault.empty();
}

[[noreturn]] void throw_damaged(const std::string& path, uint64_t seq, uint64_t offset, const std::string& fault) {
  throw Error(Exit::corrupt,
              "record " + std::to_string(seq) + " at byte " + std::to_string(offset) + " is damaged: " + fault,
              "nothing was changed; restore the run directory from a copy, or start again in a new one",
              {path, static_cast<int>(std::min<uint64_t>(seq + 1, INT32_MAX)), 0});
}

}  // namespace

JournalContents parse_journal(std::string_view bytes, const std::string& path) {
  JournalContents contents;
  contents.last_sum = kFirstPrev;
  while (contents.valid_bytes < bytes.size()) {
    const std::string_view rest = bytes.substr(contents.valid_bytes);
    const uint64_t seq = contents.records.size();
    const size_t end = rest.find('\n');
    ParsedLine parsed = end == std::string_view::npos ? faulty("its line has no end")
                                                      : parse_line(rest.substr(0, end), seq, contents.last_sum);
    if (!parsed.fault.empty()) {
      if (!may_be_torn(rest, seq, contents.last_sum)) throw_damaged(path, seq, contents.valid_bytes, parsed.fault);
      contents.torn_bytes = rest.size();
      break;
    }
    parsed.record.offset = contents.valid_bytes;
    contents.valid_bytes += parsed.record.length;
    contents.last_sum = parsed.sum;
    contents.records.push_back(std::move(parsed.record));
  }
  return contents;
}

Journal::Journal(Env& env, std::string path) : env_(env), path_(std::move(path)) {
  if (env_.exists(path_)) {
    contents_ = parse_journal(env_.read_all(path_), path_);
    if (contents_.torn_bytes > 0) env_.truncate(path_, contents_.valid_bytes);
  } else {
    contents_.last_sum = kFirstPrev;
  }
  next_seq_ = contents_.records.size();
  file_ = env_.create(path_, Create::append);
  // A process killed before its fsync leaves a record that can be read but is not durable, and a name likewise: both
  // must be, before anything is built on them.
  file_->sync();
  env_.sync_dir(parent_of(path_));
}

JournalRecord Journal::append(std::string_view type, Json payload) {
  std::vector<Json> one;
  one.push_back(std::move(payload));
  return std::move(append(type, std::move(one)).front());
}

std::vector<JournalRecord> Journal::append(std::string_view type, std::vector<Json> payloads) {
  if (failed_)
    throw Error(Exit::io, path_ + ": an earlier append failed, no more are made",
                "the same command continues the run once the disk is well");
  SIL_CHECK(is_type(type));
  std::string lines, sum = contents_.last_sum;
  std::vector<JournalRecord> records;
  for (const Json& payload : payloads) {
    const uint64_t seq = next_seq_ + records.size();
    const std::string line = line_of(seq, sum, type, payload);
    // What could not be read back must not be written: the run could never be opened again.
    ParsedLine parsed = parse_line(std::string_view(line).substr(0, line.size() - 1), seq, sum);
    SIL_CHECK(parsed.fault.empty());
    parsed.record.offset = contents_.valid_bytes + lines.size();
    sum = parsed.sum;
    lines += line;
    records.push_back(std::move(parsed.record));
  }
  failed_ = true;  // until all of it succeeded
  write(lines);
  contents_.valid_bytes += lines.size();
  contents_.last_sum = std::move(sum);
  next_seq_ += records.size();
  failed_ = false;
  return records;
}

void Journal::write(const std::string& lines) {
  const uint64_t size = env_.exists(path_) ? env_.file_size(path_) : 0;
  if (size != contents_.valid_bytes)
    throw Error(Exit::in_use,
                path_ + " has " + std::to_string(size) + " bytes, this process left it with " +
                    std::to_string(contents_.valid_bytes) + ": something else writes to this run",
                "stop the other writer, then give the same command again");
  try {
    file_->write(lines);
    file_->sync();
  } catch (const Error&) {
    try {
      env_.truncate(path_, contents_.valid_bytes);
    } catch (const Error&) {
      // The first failure is the one to report; a torn line is cut by the next opening.
    }
    throw;
  }
}

}  // namespace sil
