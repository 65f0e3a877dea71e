#include "tasks/generated.h"

#include <set>
#include <vector>

#include "sil/rng.h"
#include "tasks/exact.h"
#include "text/extract.h"

namespace sil {
namespace {

constexpr uint64_t kAsked = 16;  // problems that are asked for twice

// The first and the last, and some between.
std::vector<int64_t> some_indices(int64_t size) {
  std::set<int64_t> out = {0, size - 1};
  const auto count = static_cast<uint64_t>(size);
  for (uint64_t i = 0; i < std::min(kAsked, count); ++i) out.insert(static_cast<int64_t>(permuted(1, 0, i, count)));
  return {out.begin(), out.end()};
}

}  // namespace

GeneratedTask::GeneratedTask(const TaskOptions& options, std::string alphabet)
    : extractor_(make_extractor(options)), alphabet_(std::move(alphabet)) {}

void GeneratedTask::prove_pure(int64_t size, const std::string& identity) {
  size_ = size;
  const std::vector<int64_t> indices = some_indices(size);
  std::vector<std::string> rows;
  Sha256 hash;
  hash.field(identity).number(static_cast<uint64_t>(size));
  for (const int64_t index : indices) {
    const Json made = row(index);
    if (rows.empty()) columns_ = find_columns({}, made, {});
    rows.push_back(dump_canonical(made));
    hash.field(rows.back());
  }
  forget();
  for (size_t i = indices.size(); i-- > 0;)
    if (dump_canonical(row(indices[i])) != rows[i])
      throw Error(Exit::unreadable,
                  "problem " + std::to_string(indices[i]) + " is another one when it is asked for again",
                  "make a problem of its index alone: no clock, no random numbers without a seed, no state");
  digest_ = hash.finish();
  for (const int64_t index : indices) at(index);  // each must be a problem
}

Problem GeneratedTask::at(int64_t index) const {
  SIL_CHECK(index >= 0 && index < size_);
  try {
    return problem_of_row(columns_, row(index), {});
  } catch (const Error& error) {
    if (error.code() != Exit::unreadable) throw;
    const Finding& finding = error.findings().front();
    throw Error(error.code(), "problem " + std::to_string(index) + ": " + finding.message, finding.hint, finding.place);
  }
}

TaskCheck GeneratedTask::check(const Problem& problem, std::string_view completion) const {
  return check_exact(*extractor_, problem, completion);
}

}  // namespace sil
