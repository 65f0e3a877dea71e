#include "tasks/dataset_check.h"

#include <algorithm>

#include "formats/jsonl.h"

namespace sil {
namespace {

constexpr size_t kBlockBytes = size_t{8} << 20;
constexpr size_t kBlockRows = 16384;
constexpr size_t kSlice = 128;  // rows that a thread takes at once

uint64_t prompt_hash(std::string_view prompt) {
  std::string said;
  for (const char c : prompt) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      if (!said.empty() && said.back() != ' ') said += ' ';
    } else {
      said += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  if (said.ends_with(' ')) said.pop_back();
  return sha256(said).head();
}

uint64_t problem_hash(const Problem& problem) {
  Sha256 hash;
  hash.number(problem.uid);
  for (const GivenAnswer& given : problem.given) hash.field(given.text).number(given.passes ? 1 : 0);
  return hash.finish().head();
}

RowLengths lengths_of(const Codec& codec, const Problem& problem) {
  Conversation prompt;
  prompt.messages = problem.messages;
  if (prompt.messages.empty()) prompt.text = problem.prompt;
  prompt.plain = problem.prompt.empty();
  RowLengths out;
  out.prompt = static_cast<int32_t>(codec.encode(prompt, true).size());
  for (const GivenAnswer& given : problem.given) {
    const size_t ids = codec.encode_text(given.text).size() + (codec.stop_ids().empty() ? 0 : 1);
    out.completion = std::max(out.completion, static_cast<int32_t>(ids));
  }
  return out;
}

// What is left of a row that was looked at.
struct RowFacts {
  std::optional<Finding> fault;
  uint64_t problem = 0, prompt = 0;
  std::optional<uint64_t> id;
  RowLengths lengths;
};

struct KeyedLine {
  uint64_t key = 0;
  int line = 0;
  auto operator<=>(const KeyedLine&) const = default;
};

// Lines whose key an earlier line has, by line. `lines` comes out sorted.
std::vector<Repetition> repetitions_of(std::vector<KeyedLine>& lines) {
  std::sort(lines.begin(), lines.end());
  std::vector<Repetition> out;
  for (size_t i = 0, first = 0; i < lines.size(); ++i) {
    if (lines[i].key != lines[first].key) first = i;
    if (i != first) out.push_back({lines[i].line, lines[first].line});
  }
  std::sort(out.begin(), out.end(), [](const Repetition& a, const Repetition& b) { return a.line < b.line; });
  return out;
}

}  // namespace

void HeldOutPrompts::add(uint64_t prompt, const std::string& file, int line) {
  if (files_.empty() || files_.back() != file) files_.push_back(file);
  rows_.emplace(prompt, std::pair(static_cast<uint32_t>(files_.size() - 1), line));
}

std::optional<Place> HeldOutPrompts::find(uint64_t prompt) const {
  const auto found = rows_.find(prompt);
  if (found == rows_.end()) return std::nullopt;
  return Place{files_[found->second.first], found->second.second, 0};
}

DatasetCheck::DatasetCheck(const Json& field, const Codec* codec, const HeldOutPrompts* held_out, ThreadPool& threads)
    : given_(columns_of_field(field)), codec_(codec), held_out_(held_out), threads_(threads) {}

// One reading of one file.
class DatasetCheck::Pass {
 public:
  Pass(const DatasetCheck& check, const std::string& path, const Report& report)
      : check_(check), path_(path), report_(report), rows_(path), columns_(check.given_) {}

  DatasetFacts run(HeldOutPrompts* held_out) {
    while (read_block()) {
      facts_.resize(block_.size());
      find_columns_of_block();
      const size_t slices = (block_.size() + kSlice - 1) / kSlice;
      check_.threads_.for_each(static_cast<int64_t>(slices), [&](int64_t slice) {
        const size_t begin = static_cast<size_t>(slice) * kSlice;
        for (size_t i = begin; i < std::min(begin + kSlice, block_.size()); ++i) facts_[i] = look_at(block_[i]);
      });
      for (size_t i = 0; i < block_.size(); ++i) take(block_[i].line, facts_[i], held_out);
    }
    if (broken_) refuse(*broken_);
    out_.complete = !broken_;
    if (out_.rows == 0)
      throw Error(Exit::unreadable, "the file has no rows", "write one JSON object a line", {path_, 0, 0});
    for (const Repetition& id : repetitions_of(ids_))
      refuse({{path_, id.line, 1},
              "its id is that of line " + std::to_string(id.first) + " too",
              "take one of the rows out, or name the column otherwise"});
    out_.repetitions = repetitions_of(problems_);
    return std::move(out_);
  }

 private:
  struct Row {
    size_t begin = 0, length = 0;  // of its text in the block
    int line = 0;
    bool cut = false;
  };

  // False at the end of the file, or where it cannot be read on.
  bool read_block() {
    text_.clear();
    block_.clear();
    try {
      while (!broken_ && text_.size() < kBlockBytes && block_.size() < kBlockRows && rows_.next_text()) {
        block_.push_back({text_.size(), rows_.text().size(), rows_.place().line, rows_.cut()});
        text_ += rows_.text();
      }
    } catch (const Error& error) {
      broken_ = error.findings().front();
    }
    return !block_.empty();
  }

  // By the names in the first row that has them.
  void find_columns_of_block() {
    for (size_t i = 0; i < block_.size() && !found_; ++i) {
      try {
        columns_ = find_columns(check_.given_, parsed(block_[i]), place(block_[i]));
        found_ = true;
      } catch (const Error& error) {
        if (error.code() != Exit::unreadable) throw;
      }
    }
  }

  Place place(const Row& row) const { return {path_, row.line, 1}; }
  Json parsed(const Row& row) const {
    return JsonLines::parse(std::string_view(text_).substr(row.begin, row.length), place(row), row.cut);
  }

  RowFacts look_at(const Row& row) const {
    RowFacts out;
    try {
      const Json json = parsed(row);
      const Columns columns = found_ ? columns_ : find_columns(check_.given_, json, place(row));
      const Problem problem = problem_of_row(columns, json, place(row));
      out.problem = problem_hash(problem);
      out.prompt = problem.prompt.empty() ? out.problem : prompt_hash(problem.prompt);
      if (const Json* id = json.find("id"); id != nullptr && !id->is_null()) out.id = sha256(dump(*id)).head();
      if (check_.codec_ != nullptr) out.lengths = lengths_of(*check_.codec_, problem);
    } catch (const Error& error) {
      if (error.code() != Exit::unreadable) throw;
      out.fault = error.findings().front();
      if (out.fault->place.file.empty()) out.fault->place = place(row);
    }
    return out;
  }

  void take(int line, const RowFacts& row, HeldOutPrompts* held_out) {
    ++out_.rows;
    if (row.fault) return refuse(*row.fault);
    problems_.push_back({row.problem, line});
    if (row.id) ids_.push_back({*row.id, line});
    if (check_.codec_ != nullptr) out_.lengths.push_back(row.lengths);
    if (held_out != nullptr) held_out->add(row.prompt, path_, line);
    if (check_.held_out_ == nullptr) return;
    const std::optional<Place> there = check_.held_out_->find(row.prompt);
    if (!there) return;
    ++out_.held_out;
    report_({{path_, line, 1}, "its prompt is held out at " + there->text(), "take the row out of one of the files"});
  }

  void refuse(const Finding& finding) {
    ++out_.bad;
    report_(finding);
  }

  const DatasetCheck& check_;
  const std::string& path_;
  const Report& report_;
  JsonLines rows_;
  Columns columns_;
  bool found_ = false;  // the columns
  std::string text_;    // of the block's rows, end to end
  std::vector<Row> block_;
  std::vector<RowFacts> facts_;
  std::optional<Finding> broken_;
  std::vector<KeyedLine> problems_, ids_;
  DatasetFacts out_;
};

DatasetFacts DatasetCheck::run(const std::string& path, const Report& report) {
  return Pass(*this, path, report).run(nullptr);
}

DatasetFacts DatasetCheck::hold_out(const std::string& path, HeldOutPrompts& held_out, const Report& report) {
  return Pass(*this, path, report).run(&held_out);
}

}  // namespace sil
