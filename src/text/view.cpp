#include "text/view.h"

#include <algorithm>
#include <filesystem>

#include "base/code_point.h"
#include "jinja/template.h"
#include "sil/env.h"

namespace sil {
namespace {

// The variables a template may read. A name that ends in ".*" has fields of its own, which only the data knows.
const std::vector<std::string> kVariables = {"problem.prompt", "problem.answer", "problem.difficulty", "problem.task",
                                             "problem.meta.*", "rollout.text",   "rollout.step",       "rollout.role",
                                             "verdict.label",  "verdict.score",  "verdict.reason",     "record.*"};

// Far more than any prompt; a wrong path must not fill the memory.
constexpr uint64_t kLargestFile = uint64_t{1} << 20;

std::string dotted(const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& name : path) out += (out.empty() ? "" : ".") + name;
  return out;
}

// A variable, a field of one that has fields, or a part that holds variables (`problem`, `problem.meta`).
bool is_known(const std::string& name) {
  return std::any_of(kVariables.begin(), kVariables.end(), [&](const std::string& known) {
    if (known.starts_with(name + ".")) return true;
    return known.ends_with(".*") ? name.starts_with(known.substr(0, known.size() - 1)) : name == known;
  });
}

// Whole numbers print without a point, as they always did in views.
Json number(double value) {
  const auto whole = static_cast<int64_t>(std::clamp(value, -1e15, 1e15));
  return static_cast<double>(whole) == value ? Json(whole) : Json(value);
}

// What there is, and no more: a template can ask whether a field is defined.
Json variables_of(const ViewInput& input) {
  Json out = Json::object();
  if (const Problem* problem = input.problem) {
    Json fields = Json::object();
    fields.set("prompt", problem->prompt);
    if (problem->answer) fields.set("answer", *problem->answer);
    fields.set("difficulty", number(problem->difficulty));
    fields.set("task", problem->task);
    fields.set("meta", problem->meta);
    out.set("problem", std::move(fields));
  }
  if (const Rollout* rollout = input.rollout)
    out.set("rollout", Json(Json::Object{{"text", rollout->text}, {"step", rollout->step}, {"role", rollout->role}}));
  if (const Verdict* verdict = input.verdict) {
    Json fields = Json::object();
    fields.set("label", name(verdict->label));
    if (verdict->label != Label::abstain) fields.set("score", number(verdict->score));
    fields.set("reason", verdict->reason);
    out.set("verdict", std::move(fields));
  }
  if (input.record != nullptr) out.set("record", *input.record);
  return out;
}

std::string read_view_file(const std::string& file, const std::string& folder, const Place& place) {
  namespace fs = std::filesystem;
  if (file.find('\0') != std::string::npos)
    throw Error(Exit::usage, "view: the file's path holds a NUL byte", "write the path without it", place);
  const fs::path path = fs::path(folder) / file;  // an absolute `file` stands alone
  const std::string shown = "view file '" + path.string() + "' ";
  std::error_code failed;
  if (!fs::exists(path, failed))
    throw Error(Exit::usage, shown + "does not exist", "paths are relative to the recipe", place);
  if (!fs::is_regular_file(path, failed))
    throw Error(Exit::usage, shown + "is not a regular file", "name a file of text", place);
  if (fs::file_size(path, failed) > kLargestFile)
    throw Error(Exit::usage, shown + "is larger than the allowed 1 MiB", "no template is", place);
  std::string text;
  try {
    text = system_env().read_all(path.string());
  } catch (const Error& error) {
    throw Error(Exit::usage, shown + "cannot be read: " + error.what(), {}, place);
  }
  size_t fault = 0;
  if (!is_utf8(text, &fault))
    throw Error(Exit::usage, shown + "is not UTF-8 at byte " + std::to_string(fault + 1), "save it as UTF-8", place);
  return text;
}

const std::string& text_of(const Json& value, const std::string& key, const Place& place) {
  if (value.is_string()) return value.as_string();
  throw Error(Exit::usage, "view: " + key + " must be a string, found " + value.kind(), "quote it", place);
}

// text, file or hint: what the map says besides `system` and `plain`; "" for none.
std::string kind_of(const Json& spec, const Place& place) {
  if (spec.is_null()) return {};
  if (spec.is_string()) return "file";
  if (!spec.is_object())
    throw Error(Exit::usage, std::string("view: expected a template file or a map, found ") + spec.kind(),
                "write view: FILE or view: {text: \"…\"}", place);
  const std::vector<std::string> keys = {"text", "file", "hint", "system", "plain"};
  std::string kind;
  for (const auto& [key, value] : spec.as_object()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      const std::string near = nearest(key, keys);
      throw Error(Exit::usage, "view: unknown key '" + key + "'; allowed: text, file, hint, system, plain",
                  near.empty() ? std::string() : "did you mean '" + near + "'?", place);
    }
    if (key == "system" || key == "plain") continue;
    if (!kind.empty())
      throw Error(Exit::usage, "view: " + kind + " and " + key + " exclude each other", "keep one of them", place);
    kind = key;
  }
  return kind;
}

}  // namespace

class View::Template {
 public:
  // `inside`: the text stands in a recipe, so that places are the recipe's and messages carry line and column.
  Template(std::string_view source, const Place& where, bool inside)
      : where_(where), inside_(inside), template_(parse(source)) {
    std::vector<Finding> findings;
    for (const jinja::Reference& reference : template_.references()) {
      const std::string variable = dotted(reference.path), near = nearest(variable, kVariables);
      if (is_known(variable)) continue;
      std::string hint = near.empty() ? std::string() : "did you mean {{" + near + "}}? ";
      hint += "Allowed:";
      for (const std::string& known : kVariables) hint += " " + known;
      findings.push_back(placed(
          {{where_.file, reference.line, reference.column}, "unknown variable {{" + variable + "}}", std::move(hint)}));
    }
    if (!findings.empty()) throw Error(Exit::usage, std::move(findings));
  }

  std::string render(const ViewInput& input) const {
    jinja::Settings settings;  // without a clock: the same input gives the same text
    settings.strict = true;
    try {
      return template_.render(variables_of(input), settings).text;
    } catch (const Error& error) {
      std::vector<Finding> findings;
      for (Finding finding : error.findings()) {
        if (input.problem != nullptr) finding.message += " (problem " + hex64(input.problem->uid) + ")";
        findings.push_back(placed(std::move(finding)));
      }
      throw Error(Exit::unreadable, std::move(findings));
    }
  }

 private:
  Finding placed(Finding finding) const {
    if (!inside_) return finding;
    finding.message = "view, line " + std::to_string(finding.place.line) + ", column " +
                      std::to_string(finding.place.column) + " of its text: " + finding.message;
    finding.place = where_;
    return finding;
  }

  jinja::Template parse(std::string_view source) const {
    try {
      return jinja::Template::parse(source, {where_.file, 0, 0});
    } catch (const Error& error) {
      std::vector<Finding> findings;
      for (const Finding& finding : error.findings()) findings.push_back(placed(finding));
      throw Error(Exit::usage, std::move(findings));
    }
  }

  Place where_;
  bool inside_;
  jinja::Template template_;
};

View::View(const Json& spec, const std::string& folder, const Place& place) {
  // A hint is one line between the prompt and the model's text; a template's last newline is not part of it.
  constexpr std::string_view kHintText = "{{problem.prompt}}\nHint: the answer is {{problem.answer}}\n\n";
  const std::string kind = kind_of(spec, place);
  if (const Json* system = spec.find("system")) system_ = text_of(*system, "system", place);
  if (kind == "text") {
    template_ = std::make_shared<Template>(text_of(spec.at(kind), kind, place), place, true);
  } else if (kind == "file") {
    const std::string& file = spec.is_string() ? spec.as_string() : text_of(spec.at(kind), kind, place);
    const Place inside{(std::filesystem::path(folder) / file).string(), 0, 0};
    template_ = std::make_shared<Template>(read_view_file(file, folder, place), inside, false);
  } else if (kind == "hint") {
    if (text_of(spec.at(kind), kind, place) != "answer")
      throw Error(Exit::usage, "view: hint is '" + spec.at(kind).as_string() + "'; allowed: answer", {}, place);
    template_ = std::make_shared<Template>(kHintText, place, true);
  }
  if (const Json* plain = spec.find("plain")) {
    if (*plain != Json(true)) throw Error(Exit::usage, "view: plain must be true", "leave it out otherwise", place);
    as_it_is_ = true;
  }
}

Conversation View::render(const ViewInput& input) const {
  Conversation out;
  if (template_) {
    out.text = template_->render(input);
  } else {
    if (input.problem == nullptr)
      throw Error(Exit::unreadable, "the view shows a problem, but there is none here", "give it a text");
    out.messages = input.problem->messages;
    if (out.messages.empty()) out.text = input.problem->prompt;
  }
  // A row of nothing but text to learn has no prompt: it is no conversation.
  const bool nothing = out.messages.empty() && out.text.empty() && system_.empty();
  out.plain = as_it_is_ || nothing;
  if (system_.empty()) return out;
  if (out.messages.empty()) out.messages.push_back({"user", std::move(out.text)});
  out.text.clear();
  if (out.messages.front().role == "system") {
    out.messages.front().content = system_;
  } else {
    out.messages.insert(out.messages.begin(), Message{"system", system_});
  }
  return out;
}

}  // namespace sil
