// A numbered source of problems: procedural or a dataset.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sil/error.h"
#include "sil/options.h"
#include "sil/records.h"

namespace sil {

// How an answer is taken from a completion; one per task, shared by verifiers, majority and statistics.
class AnswerExtractor {
 public:
  virtual ~AnswerExtractor() = default;
  // nullopt: no answer found, or more than one where only one may stand (`why` says which).
  virtual std::optional<std::string> extract(std::string_view completion, std::string* why = nullptr) const = 0;
};

// Options every task shares; each task's visit() calls this one's first.
struct TaskOptions {
  // train | dev | test, or {fraction: f, name: n}: problems by their uid, from where the share of the task above on the
  // same problems ends; tasks without a share read the rest.
  Json split = "train";
  std::string answer = "whole";  // extractor: whole | last_number | hashes | boxed | regex
  std::string pattern;           // of `answer: regex`; its first group is the answer
  std::string answers = "use";   // use | observe: hidden from everything but `observe`
  void visit(OptionVisitor& v);  // base/task.cpp
};

struct TaskCheck {
  bool correct = false;
  std::string reason;
};

// Immutable, thread-safe; the same index gives the same problem in every process.
class Task {
 public:
  virtual ~Task() = default;
  virtual int64_t size() const = 0;  // of the index space, all splits together; >= 1
  // Everything but `split`, `task` and `index` (the caller sets them).
  virtual Problem at(int64_t index) const = 0;
  // The truth about one completion, by the task's own rule.
  virtual TaskCheck check(const Problem& problem, std::string_view completion) const = 0;
  virtual const AnswerExtractor& extractor() const = 0;
  virtual std::string alphabet() const = 0;  // characters of prompts and answers ("" = unknown), UTF-8
  virtual bool procedural() const = 0;
  // Whether no two indices share a uid, so that draws within one pass over the task need no bookkeeping of duplicates.
  virtual bool distinct() const = 0;
  virtual Digest digest() const = 0;  // of everything `at` depends on (a dataset's bytes)
  // Path of a dataset's file ("" for procedural tasks): tasks on one file part it between them.
  virtual std::string source() const { return {}; }
  // Where problem `index` is written, for messages; nowhere when it is procedural.
  virtual Place place(int64_t) const { return {}; }
};

}  // namespace sil
