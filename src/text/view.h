// A view turns a problem (and a rollout with its verdict, or a store record) into the conversation a role sees.
// Templates are Jinja, for now variables only: {{problem.prompt}} {{problem.answer}} {{problem.meta.x}}
// {{rollout.text}}
// {{verdict.reason}} {{record.text}}; single braces are literal.
#pragma once

#include <memory>
#include <string>

#include "sil/error.h"
#include "sil/json.h"
#include "sil/records.h"

namespace sil {

// What a template may read; null where there is none (reading it is an error that names the variable).
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
  // {system: "…"} and {plain: true}: no chat template. Throws Error(Exit::usage) at `place`: syntax errors with line and
  // column inside the template, unknown variables with the nearest name, unreadable files.
  View(const Json& spec, const std::string& folder, const Place& place);

  bool plain() const { return !template_; }
  Conversation render(const ViewInput& input) const;

 private:
  struct Template;
  std::shared_ptr<const Template> template_;
  std::string system_;
  bool as_it_is_ = false;  // the text is not made a message
};

}  // namespace sil
