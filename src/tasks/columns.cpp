#include "tasks/columns.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "sil/error.h"

namespace sil {
namespace {

[[noreturn]] void bad_row(const Place& place, std::string message, std::string hint = {}) {
  throw Error(Exit::unreadable, std::move(message), std::move(hint), place);
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string columns_seen(const Json& row) {
  std::vector<std::string> names;
  for (const auto& member : row.as_object()) names.push_back(member.first);
  return names.empty() ? "none" : listed(names);
}

class Finder {
 public:
  Finder(const Columns& given, const Json& row, const Place& place) : out_(given), row_(row), place_(place) {}

  Columns find() {
    if (out_.chosen.empty() && has("chosen")) out_.chosen = "chosen";
    if (out_.rejected.empty() && has("rejected")) out_.rejected = "rejected";
    if (out_.prompt.empty()) find_prompt();
    if (out_.reference.empty() && !text_only_) out_.reference = one({"completion", "response"}, "reference");
    find_label();
    if (out_.answer.empty()) find_answer();
    if (out_.reference.empty() && out_.answer != "solution" && has("solution")) out_.reference = "solution";
    return out_;
  }

 private:
  bool has(std::string_view path) const {
    const Json* value = find_column(row_, path);
    return value != nullptr && !value->is_null();
  }
  bool taken(std::string_view path) const {
    return path == out_.prompt || path == out_.reference || path == out_.label;
  }

  // The one of `names` that is there and has no other part; "" when none is.
  std::string one(std::initializer_list<const char*> names, const std::string& part) const {
    std::vector<std::string> there;
    for (const char* name : names)
      if (has(name) && !taken(name)) there.emplace_back(name);
    if (there.size() > 1)
      bad_row(place_, "more than one column could be the " + part + ": " + listed(there),
              "say which, as {jsonl: {path: ..., field: {" + part + ": " + there.front() + "}}}");
    return there.empty() ? std::string() : there.front();
  }

  void find_prompt() {
    out_.prompt = has("prompt") ? "prompt" : one({"question", "problem", "instruction", "query"}, "prompt");
    if (out_.prompt.empty()) out_.prompt = one({"messages", "conversations"}, "prompt");
    if (out_.prompt.empty() && has("input")) out_.prompt = "input";
    if (out_.prompt == "instruction" && has("input"))
      bad_row(place_, "the prompt has two columns, instruction and input",
              "join them into a column prompt, or say which, as {field: {prompt: instruction}}");
    if (!out_.prompt.empty() || (!out_.chosen.empty() && !out_.rejected.empty())) return;
    text_only_ = out_.reference.empty() && has("text");
    if (text_only_) {
      out_.reference = "text";
      return;
    }
    bad_row(place_, "there is no prompt column; columns seen: " + columns_seen(row_),
            "name it, as {jsonl: {path: ..., field: {prompt: COLUMN}}}");
  }

  // true or false beside a completion; any other label is an answer.
  void find_label() {
    const Json* label = row_.find("label");
    if (out_.label.empty() && !out_.reference.empty() && label != nullptr && label->is_bool()) out_.label = "label";
  }

  void find_answer() {
    out_.answer =
        one({"answer", "ground_truth", "reward_model.ground_truth", "reward_spec.ground_truth", "label"}, "answer");
    if (out_.answer.empty() && has("solution")) out_.answer = "solution";
    if (out_.answer.empty() && out_.prompt == "input" && has("output")) out_.answer = "output";
  }

  Columns out_;
  const Json& row_;
  const Place& place_;
  bool text_only_ = false;
};

}  // namespace

Columns columns_of_field(const Json& field) {
  Columns out;
  if (field.is_null()) return out;
  const std::vector<std::pair<std::string, std::string*>> parts = {
      {"prompt", &out.prompt}, {"answer", &out.answer},     {"reference", &out.reference},
      {"chosen", &out.chosen}, {"rejected", &out.rejected}, {"label", &out.label}};
  std::vector<std::string> known;
  for (const auto& part : parts) known.push_back(part.first);
  if (!field.is_object())
    throw Error(Exit::usage, std::string("jsonl: field must be a map, found ") + field.kind(),
                "as {prompt: question, answer: solution}");
  for (const auto& [key, column] : field.as_object()) {
    const auto part =
        std::find_if(parts.begin(), parts.end(), [&, &name = key](const auto& p) { return p.first == name; });
    if (part == parts.end()) {
      const std::string near = nearest(key, known);
      throw Error(Exit::usage, "jsonl: unknown part '" + key + "' in field; allowed: " + listed(known),
                  near.empty() ? std::string() : "did you mean '" + near + "'?");
    }
    if (!column.is_string() || column.as_string().empty())
      throw Error(Exit::usage, "jsonl: field " + key + " must be the name of a column, found " + dump(column));
    *part->second = column.as_string();
  }
  return out;
}

const Json* find_column(const Json& row, std::string_view path) {
  if (const Json* whole = row.find(path)) return whole;
  const size_t dot = path.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const Json* inner = row.find(path.substr(0, dot));
  return inner == nullptr ? nullptr : find_column(*inner, path.substr(dot + 1));
}

Columns find_columns(const Columns& given, const Json& row, const Place& place) {
  if (!row.is_object()) bad_row(place, std::string("a row must be a map, found ") + row.kind());
  return Finder(given, row, place).find();
}

}  // namespace sil
