// A dataset of JSON lines. Rows stay in memory as they are written, end to end; a problem is made when it is asked for.
// The whole file is read and every row checked at run start, so a bad row is found before the first token is sampled.
#include <algorithm>
#include <filesystem>
#include <map>
#include <vector>

#include "base/code_point.h"
#include "base/utf8.h"
#include "formats/jsonl.h"
#include "tasks/columns.h"
#include "tasks/exact.h"
#include "tasks/tasks.h"
#include "text/extract.h"

namespace sil {
namespace {

struct JsonlOptions {
  TaskOptions task;
  std::string path;
  Json field;
  Json rows;

  void visit(OptionVisitor& v) {
    task.visit(v);
    v.option("path", path,
             {.help = "file of one JSON object a line, plain, gzip or zstd; relative to the folder sil is started in",
              .required = true});
    v.option(
        "field", field,
        {.help = "columns by part, as {prompt: question, answer: solution}; parts: prompt, answer, reference, chosen, "
                 "rejected, label. Default: the usual names"});
    v.option("rows", rows, {.help = "only rows whose columns have these values, as {split: train}. Default: all"});
  }
};

// Which characters occur.
class Characters {
 public:
  void add(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const Utf8Step step = utf8_step(text.substr(at));
      if (step.valid) seen_[code_point(text.substr(at, step.length))] = true;
      at += step.length;
    }
  }
  std::string text() const {
    std::string out;
    for (size_t point = 0; point < seen_.size(); ++point)
      if (seen_[point]) append_utf8(out, static_cast<char32_t>(point));
    return out;
  }

 private:
  std::vector<bool> seen_ = std::vector<bool>(0x110000);
};

class Jsonl final : public Task {
 public:
  explicit Jsonl(JsonlOptions options) : options_(std::move(options)), extractor_(make_extractor(options_.task)) {
    columns_ = columns_of_field(options_.field);
    if (!options_.rows.is_null() && !options_.rows.is_object())
      throw Error(Exit::usage, std::string("jsonl: rows must be a map, found ") + options_.rows.kind(),
                  "as {split: train}");
    load();
  }

  int64_t size() const override { return static_cast<int64_t>(line_.size()); }

  Problem at(int64_t index) const override {
    SIL_CHECK(index >= 0 && index < size());
    const auto i = static_cast<size_t>(index);
    const Place where = place(index);
    return problem_of_row(
        columns_, parse_json(std::string_view(text_).substr(begin_[i], begin_[i + 1] - begin_[i]), where), where);
  }

  TaskCheck check(const Problem& problem, std::string_view completion) const override {
    return check_exact(*extractor_, problem, completion);
  }
  const AnswerExtractor& extractor() const override { return *extractor_; }
  std::string alphabet() const override { return alphabet_; }
  bool procedural() const override { return false; }
  bool distinct() const override { return distinct_; }
  Digest digest() const override { return digest_; }

  Place place(int64_t index) const override {
    SIL_CHECK(index >= 0 && index < size());
    return {options_.path, line_[static_cast<size_t>(index)], 1};
  }

  // One spelling for one file, however it is reached.
  std::string source() const override {
    std::error_code failed;
    const std::filesystem::path path = std::filesystem::canonical(options_.path, failed);
    return failed ? options_.path : path.string();
  }

 private:
  void load() {
    JsonLines rows(options_.path);
    Characters characters;
    std::vector<uint64_t> uids;
    std::map<std::string, int> ids;
    while (rows.next()) {
      const Place place = rows.place();
      if (!is_wanted(rows.row())) continue;
      if (line_.empty()) columns_ = find_columns(columns_, rows.row(), place);
      const Problem problem = problem_of_row(columns_, rows.row(), place);
      refuse_repeated_id(ids, rows.row(), place);
      uids.push_back(problem.uid);
      characters.add(problem.prompt);
      for (const Message& message : problem.messages) characters.add(message.content);
      if (problem.answer) characters.add(*problem.answer);
      for (const GivenAnswer& given : problem.given) characters.add(given.text);
      begin_.push_back(text_.size());
      text_ += rows.text();
      line_.push_back(place.line);
    }
    if (line_.empty() && options_.rows.is_null())
      throw Error(Exit::unreadable, "the file has no rows", "write one JSON object a line", {options_.path, 0, 0});
    if (line_.empty())
      throw Error(Exit::unreadable, "the file has no row with " + dump(options_.rows), "see `rows` of the task",
                  {options_.path, 0, 0});
    begin_.push_back(text_.size());
    text_.shrink_to_fit();
    std::sort(uids.begin(), uids.end());
    distinct_ = std::adjacent_find(uids.begin(), uids.end()) == uids.end();
    alphabet_ = characters.text();
    Sha256 hash;
    hash.field("jsonl/1").digest(rows.digest());
    hash.field(dump_canonical(options_.field));
    if (!options_.rows.is_null()) hash.field(dump_canonical(options_.rows));
    digest_ = hash.finish();
  }

  bool is_wanted(const Json& row) const {
    if (options_.rows.is_null()) return true;
    return std::ranges::all_of(options_.rows.as_object(), [&](const auto& wanted) {
      const Json* value = find_column(row, wanted.first);
      return value != nullptr && *value == wanted.second;
    });
  }

  static void refuse_repeated_id(std::map<std::string, int>& ids, const Json& row, const Place& place) {
    const Json* id = row.find("id");
    if (id == nullptr || id->is_null()) return;
    const auto [first, is_new] = ids.emplace(dump(*id), place.line);
    if (!is_new)
      throw Error(Exit::unreadable,
                  "the id " + first->first + " is that of line " + std::to_string(first->second) + " too",
                  "take one of the rows out, or name the column otherwise", place);
  }

  JsonlOptions options_;
  std::unique_ptr<AnswerExtractor> extractor_;
  Columns columns_;
  std::string text_;           // rows, end to end
  std::vector<size_t> begin_;  // [rows + 1]
  std::vector<int> line_;      // of each row, for messages
  bool distinct_ = false;
  std::string alphabet_;
  Digest digest_;
};

}  // namespace

void register_jsonl(Registry<Task>& registry) {
  registry.add<Jsonl, JsonlOptions>("jsonl", "a dataset, one JSON object a line", "path");
}

}  // namespace sil
