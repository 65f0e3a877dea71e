// `sil data check`: what is wrong with a dataset, and what is in it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/length_cache.h"
#include "app/output.h"
#include "app/row_filter.h"
#include "formats/byte_stream.h"
#include "tasks/dataset_check.h"

namespace sil {
namespace {

constexpr size_t kListed = 1000;  // findings and repetitions that --json lists; all are counted
constexpr size_t kShown = 10;     // repetitions in the text
constexpr int kBarWidth = 40;

struct DataOptions {
  Json field;
  void visit(OptionVisitor& v) { v.option("field", field, {.help = "columns by part, as the task `jsonl` has it"}); }
};

struct Summary {
  int32_t median = 0, high = 0, longest = 0;  // high: 95 % of the rows are at most so long
  int64_t sum = 0;
};

Summary summary_of(std::vector<int32_t> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  Summary out{values[(values.size() - 1) / 2], values[(values.size() - 1) * 95 / 100], values.back(), 0};
  for (const int32_t value : values) out.sum += value;
  return out;
}

// Rows by length, in bins that double: 0, 1, 2-3, 4-7 ...
std::vector<int64_t> histogram_of(const std::vector<int32_t>& values) {
  std::vector<int64_t> bins;
  for (const int32_t value : values) {
    size_t bin = 0;
    while (value >> bin != 0) ++bin;
    bins.resize(std::max(bins.size(), bin + 1));
    ++bins[bin];
  }
  return bins;
}

struct LengthTable {
  explicit LengthTable(const std::vector<RowLengths>& lengths) {
    std::vector<int32_t> prompts, completions;
    for (const RowLengths& row : lengths) {
      prompts.push_back(row.prompt);
      completions.push_back(row.completion);
      both.push_back(row.prompt + row.completion);
    }
    rows = {{{"prompt", summary_of(std::move(prompts))},
             {"completion", summary_of(std::move(completions))},
             {"both", summary_of(both)}}};
  }

  std::array<std::pair<const char*, Summary>, 3> rows;
  std::vector<int32_t> both;
};

int64_t first_of_bin(size_t bin) {
  return bin == 0 ? 0 : int64_t{1} << (bin - 1);
}
int64_t last_of_bin(size_t bin) {
  return (int64_t{1} << bin) - 1;
}

void print_lengths(const LengthTable& table) {
  char line[160];
  print("tokens          median      95 %   longest           sum\n");
  for (const auto& [name, row] : table.rows) {
    std::snprintf(line, sizeof line, "  %-10s %9d %9d %9d %13lld\n", name, row.median, row.high, row.longest,
                  static_cast<long long>(row.sum));
    print(line);
  }
  const std::vector<int64_t> bins = histogram_of(table.both);
  const int64_t most = bins.empty() ? 1 : std::max<int64_t>(1, *std::max_element(bins.begin(), bins.end()));
  print("rows by tokens of both\n");
  for (size_t bin = 0; bin < bins.size(); ++bin) {
    if (bins[bin] == 0) continue;
    const auto width = static_cast<size_t>((bins[bin] * kBarWidth + most - 1) / most);
    std::snprintf(line, sizeof line, "  %7lld - %-7lld %9lld  %s\n", static_cast<long long>(first_of_bin(bin)),
                  static_cast<long long>(last_of_bin(bin)), static_cast<long long>(bins[bin]),
                  std::string(width, '#').c_str());
    print(line);
  }
}

Json lengths_json(const LengthTable& table) {
  Json out = Json::object();
  for (const auto& [name, row] : table.rows)
    out.set(name, Json::Object{{"median", row.median}, {"p95", row.high}, {"longest", row.longest}, {"sum", row.sum}});
  Json bins = Json::array();
  const std::vector<int64_t> counts = histogram_of(table.both);
  for (size_t bin = 0; bin < counts.size(); ++bin)
    if (counts[bin] > 0)
      bins.push(Json::Object{{"from", first_of_bin(bin)}, {"to", last_of_bin(bin)}, {"rows", counts[bin]}});
  out.set("histogram", std::move(bins));
  return out;
}

Digest digest_of_file(const std::string& path) {
  ByteStream bytes(path);
  std::vector<char> buffer(size_t{1} << 20);
  while (bytes.read(buffer) > 0) continue;
  return bytes.digest();
}

class DataCheck {
 public:
  explicit DataCheck(const DataCheckArguments& arguments)
      : arguments_(arguments),
        options_(read_words<DataOptions>(arguments.options, "data check",
                                         "sil data check rows.jsonl 'field={prompt: question}'")),
        threads_(thread_count(arguments.threads)) {
    if (arguments.model.empty()) return;
    model_ = open_model(arguments.model, arguments.threads);
    const Digest key = Sha256()
                           .field("lengths/1")
                           .digest(digest_of_file(arguments.file))
                           .digest(model_->codec().digest())
                           .field(dump_canonical(options_.field))
                           .finish();
    cache_ = std::make_unique<LengthCache>(key);
    counted_ = cache_->read();
  }

  int run() {
    HeldOutPrompts held_out;
    for (const std::string& path : arguments_.against) {
      DatasetCheck there(options_.field, nullptr, nullptr, threads_);
      ok_ = there.hold_out(path, held_out, reporter()).bad == 0 && ok_;
    }
    DatasetCheck check(options_.field, model_ && !counted_ ? &model_->codec() : nullptr, &held_out, threads_);
    facts_ = check.run(arguments_.file, reporter());
    ok_ = facts_.bad == 0 && facts_.held_out == 0 && ok_;
    if (counted_) facts_.lengths = std::move(*counted_);
    if (cache_ && !counted_ && facts_.bad == 0) cache_->write(facts_.lengths);
    arguments_.json ? print_document() : print_text();
    return static_cast<int>(ok_ ? Exit::ok : Exit::unreadable);
  }

 private:
  DatasetCheck::Report reporter() {
    return [this](const Finding& finding) {
      if (!arguments_.json) print(finding.text() + "\n");
      if (arguments_.json && findings_.as_array().size() < kListed) findings_.push(finding_json(finding));
    };
  }

  void print_text() const {
    std::string line = arguments_.file + ": " + std::to_string(facts_.rows) + " rows";
    if (!facts_.complete) line += " before the fault that ends the reading";
    line += ", " + std::to_string(facts_.bad) + " bad";
    if (!arguments_.against.empty()) line += ", " + std::to_string(facts_.held_out) + " held out";
    print(line + ", " + std::to_string(facts_.repetitions.size()) + " repeated\n");
    for (size_t i = 0; i < std::min(kShown, facts_.repetitions.size()); ++i)
      print("  line " + std::to_string(facts_.repetitions[i].line) + " says what line " +
            std::to_string(facts_.repetitions[i].first) + " says\n");
    if (facts_.repetitions.size() > kShown) print("  ...\n");
    if (model_) print_lengths(LengthTable(facts_.lengths));
  }

  void print_document() const {
    Json repetitions = Json::array();
    for (size_t i = 0; i < std::min(kListed, facts_.repetitions.size()); ++i)
      repetitions.push(Json::Object{{"line", facts_.repetitions[i].line}, {"first", facts_.repetitions[i].first}});
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("ok", ok_);
    out.set("file", arguments_.file);
    out.set("rows", facts_.rows);
    out.set("bad", facts_.bad);
    out.set("held_out", facts_.held_out);
    out.set("repeated", static_cast<int64_t>(facts_.repetitions.size()));
    out.set("complete", facts_.complete);
    out.set("findings", findings_);
    out.set("repetitions", std::move(repetitions));
    out.set("lengths", model_ ? lengths_json(LengthTable(facts_.lengths)) : Json());
    print_json(out);
  }

  const DataCheckArguments& arguments_;
  DataOptions options_;
  ThreadPool threads_;
  std::unique_ptr<Engine> model_;  // whose tokens are counted; its weights are not read
  std::unique_ptr<LengthCache> cache_;
  std::optional<std::vector<RowLengths>> counted_;
  Json findings_ = Json::array();
  DatasetFacts facts_;
  bool ok_ = true;
};

}  // namespace

int data_check_command(const DataCheckArguments& arguments) {
  return DataCheck(arguments).run();
}

}  // namespace sil
