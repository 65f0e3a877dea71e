// A view turns a problem (and a rollout with its verdict, or a store record) into the conversation a role sees.
// Templates are Jinja (jinja/template.h) over problem.{prompt, answer, difficulty, task, meta}, rollout.{text, step,
// role}, verdict.{label, score, reason} and record; single braces are literal. Only what is text or a number is
// printed: what is not there, null, a list or a map is an error unless the template asks for it ({% if problem.answer
// %}).
#pragma once

#include <memory>
#include <string>

#include "sil/error.h"
#include "sil/json.h"
#include "sil/records.h"

namespace sil {

// What a template may read; null where there is none (printing it is an error that names the variable).
struct ViewInput {
  const Problem* problem = nullptr;
  const Rollout* rollout = nullptr;
  const Verdict* verdict = nullptr;
  const Json* record = nullptr;
};

// Immutable, thread-safe.
class View {
 public:
  View() = default;  // the plain view: the problem's messages or prompt
  // null | "file.j2" (relative to `folder`) | {text: "…"} | {file: "…"} | {hint: answer}; beside them or alone
  // {system: "…"} and {plain: true}: no chat template. Throws Error(Exit::usage) at `place`: syntax errors with line
  // and column inside the template, unknown variables with the nearest name, unreadable files.
  View(const Json& spec, const std::string& folder, const Place& place);

  bool plain() const { return !template_; }
  Conversation render(const ViewInput& input) const;

 private:
  class Template;
  std::shared_ptr<const Template> template_;
  std::string system_;
  bool as_it_is_ = false;  // the text is not made a message
};

}  // namespace sil
