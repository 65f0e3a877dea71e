#include "text/view.h"

#include <algorithm>
#include <filesystem>

#include "sil/env.h"
#include "text/code_point.h"
#include "text/template.h"

namespace sil {
namespace {

using Path = std::vector<std::string>;

// The variables a template may read. A name that ends in ".*" has fields of its own, which only the data knows.
const std::vector<std::string> kVariables = {"problem.prompt", "problem.answer", "problem.difficulty", "problem.task",
                                             "problem.meta.*", "rollout.text",   "rollout.step",       "rollout.role",
                                             "verdict.label",  "verdict.score",  "verdict.reason",     "record.*"};

// Far more than any prompt; a wrong path must not fill the memory.
constexpr uint64_t kLargestFile = uint64_t{4} << 20;

std::string dotted(const Path& path) {
  std::string out;
  for (const std::string& name : path) out += (out.empty() ? "" : ".") + name;
  return out;
}

bool is_known(const std::string& name) {
  return std::any_of(kVariables.begin(), kVariables.end(), [&](const std::string& known) {
    if (!known.ends_with(".*")) return name == known;
    return name.starts_with(known.substr(0, known.size() - 1));
  });
}

[[noreturn]] void missing(const std::string& variable, const ViewInput& input, const std::string& why) {
  std::string message = "the view reads {{" + variable + "}}, but " + why;
  if (input.problem != nullptr) message += " (problem " + hex64(input.problem->uid) + ")";
  throw Error(Exit::unreadable, std::move(message), "take the variable out of the view, or give it a value");
}

// As Jinja prints: text as it is, True and False.
std::string printed(const Json& value, const std::string& variable, const ViewInput& input) {
  if (value.is_string()) return value.as_string();
  if (value.is_bool()) return value.as_bool() ? "True" : "False";
  if (value.is_number()) return dump(value);
  missing(variable, input, std::string("it is ") + value.kind() + ", not text");
}

std::string member(const Json* value, const Path& path, size_t depth, const ViewInput& input) {
  for (size_t i = depth; i < path.size() && value != nullptr; ++i) value = value->find(path[i]);
  if (value == nullptr) missing(dotted(path), input, "there is no such field");
  return printed(*value, dotted(path), input);
}

std::string problem_value(const Path& path, const ViewInput& input) {
  const Problem& problem = *input.problem;
  if (path[1] == "prompt") return problem.prompt;
  if (path[1] == "difficulty") return dump(Json(problem.difficulty));
  if (path[1] == "task") return problem.task;
  if (path[1] == "meta") return member(&problem.meta, path, 2, input);
  if (!problem.answer) missing(dotted(path), input, "the problem has no answer");
  return *problem.answer;
}

std::string rollout_value(const Path& path, const ViewInput& input) {
  if (path[1] == "step") return input.rollout->step;
  return path[1] == "role" ? input.rollout->role : input.rollout->text;
}

std::string verdict_value(const Path& path, const ViewInput& input) {
  const Verdict& verdict = *input.verdict;
  if (path[1] == "label") return std::string(name(verdict.label));
  if (path[1] == "reason") return verdict.reason;
  if (verdict.label == Label::abstain) missing(dotted(path), input, "the verdict abstained");
  return dump(Json(verdict.score));
}

std::string value_of(const Path& path, const ViewInput& input) {
  const auto need = [&](const void* object) {
    if (object == nullptr) missing(dotted(path), input, "there is no " + path[0] + " here");
  };
  if (path[0] == "problem") return need(input.problem), problem_value(path, input);
  if (path[0] == "rollout") return need(input.rollout), rollout_value(path, input);
  if (path[0] == "verdict") return need(input.verdict), verdict_value(path, input);
  return need(input.record), member(input.record, path, 1, input);
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
    throw Error(Exit::usage, shown + "is larger than the allowed 4 MiB", "no template is", place);
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

struct View::Template {
  std::vector<TemplatePart> parts;

  Template(std::string_view source, const Place& where, bool inside) : parts(parse_template(source, where, inside)) {
    std::vector<Finding> findings;
    for (const TemplatePart& part : parts) {
      if (part.path.empty() || is_known(dotted(part.path))) continue;
      const std::string variable = dotted(part.path), near = nearest(variable, kVariables);
      std::string hint = near.empty() ? std::string() : "did you mean {{" + near + "}}? ";
      hint += "Allowed:";
      for (const std::string& known : kVariables) hint += " " + known;
      findings.push_back(template_finding(where, inside, part.place.line, part.place.column,
                                          "unknown variable {{" + variable + "}}", std::move(hint)));
    }
    if (!findings.empty()) throw Error(Exit::usage, std::move(findings));
  }

  std::string render(const ViewInput& input) const {
    std::string out;
    for (const TemplatePart& part : parts) {
      out += part.text;
      if (!part.path.empty()) out += value_of(part.path, input);
    }
    return out;
  }
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
    if (input.problem == nullptr) missing("problem.prompt", input, "there is no problem here");
    out.messages = input.problem->messages;
    if (out.messages.empty()) out.text = input.problem->prompt;
  }
  out.plain = as_it_is_;
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
