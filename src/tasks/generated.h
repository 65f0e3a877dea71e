// What tasks have in common whose problems are made by code of the user: each problem is a row, as one of a dataset
// (tasks/columns.h), and must be a pure function of its index.
#pragma once

#include <memory>
#include <string>

#include "sil/digest.h"
#include "sil/task.h"
#include "tasks/columns.h"

namespace sil {

class GeneratedTask : public Task {
 public:
  int64_t size() const final { return size_; }
  Problem at(int64_t index) const final;
  TaskCheck check(const Problem& problem, std::string_view completion) const final;
  const AnswerExtractor& extractor() const final { return *extractor_; }
  std::string alphabet() const final { return alphabet_; }
  bool procedural() const final { return true; }
  bool distinct() const final { return false; }  // who knows
  Digest digest() const final { return digest_; }

 protected:
  GeneratedTask(const TaskOptions& options, std::string alphabet);

  // To be called once by the constructor of a class, when row() works. Asks for some problems, and for the same ones
  // the other way round after forget(); throws Error(Exit::unreadable) that names the first one that differs. The
  // digest is over `identity` and those problems.
  void prove_pure(int64_t size, const std::string& identity);

  // Thread-safe. Throws Error(Exit::unreadable).
  virtual Json row(int64_t index) const = 0;
  virtual void forget() const {}  // what was asked before, as another process would not know it

 private:
  std::unique_ptr<AnswerExtractor> extractor_;
  std::string alphabet_;
  int64_t size_ = 0;
  Columns columns_;
  Digest digest_;
};

}  // namespace sil
