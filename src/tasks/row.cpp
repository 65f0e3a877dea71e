// One row to one problem.
#include <algorithm>

#include "sil/error.h"
#include "tasks/columns.h"
#include "text/extract.h"

namespace sil {
namespace {

// Text, or messages.
struct Content {
  std::string text;
  std::vector<Message> messages;
};

// Takes out what find_column finds.
void erase_column(Json& map, std::string_view path) {
  if (!map.is_object()) return;
  Json::Object& members = map.as_object();
  const auto member = [&](std::string_view name) {
    return std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == name; });
  };
  if (const auto whole = member(path); whole != members.end()) {
    members.erase(whole);
  } else if (const size_t dot = path.find('.'); dot != std::string_view::npos) {
    if (const auto inner = member(path.substr(0, dot)); inner != members.end())
      erase_column(inner->second, path.substr(dot + 1));
  }
}

class RowReader {
 public:
  RowReader(const Columns& columns, const Json& row, const Place& place)
      : columns_(columns), row_(row), place_(place) {}

  Problem read() {
    if (!row_.is_object()) fail("a row must be a map, found " + std::string(row_.kind()));
    Content prompt;
    if (!columns_.prompt.empty()) prompt = content(columns_.prompt);
    preferences(prompt);
    reference(prompt);
    answer();
    set_prompt(std::move(prompt));
    out_.meta = rest();
    if (const Json* difficulty = row_.find("difficulty"); difficulty != nullptr && difficulty->is_number())
      out_.difficulty = difficulty->as_double();
    out_.uid = problem_uid(out_.prompt, out_.answer);
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const {
    throw Error(Exit::unreadable, what, hint, place_);
  }

  const Json& value(const std::string& path) const {
    const Json* found = find_column(row_, path);
    if (found == nullptr) fail("the column '" + path + "' is missing", "every row must have it");
    if (found->is_null()) fail("the column '" + path + "' is null", "take the row out, or give it a value");
    return *found;
  }

  std::string message_text(const Json& message, const std::string& path, size_t number, std::string_view key,
                           std::string_view other) const {
    const std::string where = "message " + std::to_string(number) + " of '" + path + "' ";
    if (!message.is_object()) fail(where + "is " + message.kind() + ", not a map");
    const Json* text = message.find(key);
    if (text == nullptr) text = message.find(other);
    if (text == nullptr) fail(where + "has no " + std::string(key));
    if (!text->is_string()) fail(where + "has a " + std::string(key) + " that is " + text->kind() + ", not a string");
    return text->as_string();
  }

  Content content(const std::string& path) const {
    const Json& json = value(path);
    if (json.is_string()) return {json.as_string(), {}};
    if (!json.is_array()) fail("the column '" + path + "' is " + json.kind() + "; allowed: text or a list of messages");
    Content out;
    for (size_t i = 0; i < json.as_array().size(); ++i) {
      const Json& message = json.as_array()[i];
      std::string role = message_text(message, path, i + 1, "role", "from");
      if (role == "human") role = "user";
      if (role == "gpt") role = "assistant";
      out.messages.push_back({std::move(role), message_text(message, path, i + 1, "content", "value")});
    }
    if (out.messages.empty()) fail("the column '" + path + "' is an empty list");
    return out;
  }

  static std::string joined(const std::vector<Message>& messages) {
    std::string out;
    for (size_t i = 0; i < messages.size(); ++i) out += (i == 0 ? "" : "\n") + messages[i].content;
    return out;
  }

  // The model's part: of messages, the one behind the prompt.
  std::string behind(const Content& whole, const Content& prompt, const std::string& path) const {
    if (whole.messages.empty()) return columns_.prompt.empty() ? whole.text.substr(prompt.text.size()) : whole.text;
    size_t from = common_messages(whole, prompt);
    const Message& first = whole.messages.front();
    if (prompt.messages.empty() && first.role == "user" && first.content == prompt.text) from = 1;
    const size_t left = whole.messages.size() - from;
    const std::string place = "the column '" + path + "' ";
    if (left != 1)
      fail(place + "has " + std::to_string(left) + " messages behind the prompt; allowed: one",
           "put what comes before the last one into the prompt");
    if (whole.messages.back().role != "assistant")
      fail(place + "ends with a message of the role '" + whole.messages.back().role + "'; allowed: assistant");
    return whole.messages.back().content;
  }
  static size_t common_messages(const Content& a, const Content& b) {
    const auto [at, other] = std::mismatch(a.messages.begin(), a.messages.end(), b.messages.begin(), b.messages.end());
    return static_cast<size_t>(at - a.messages.begin());
  }

  void give(std::string text, bool passes, std::string origin) {
    if (text.empty()) fail("the " + origin + " text is empty");
    out_.given.push_back({std::move(text), passes, std::move(origin)});
  }

  // Of texts as TRL takes it out of a pair: what both begin with, without a space before the first difference.
  static std::string common_text(const std::string& a, const std::string& b) {
    auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
    while (at != a.begin() && at != a.end() && (static_cast<unsigned char>(*at) & 0xC0) == 0x80) --at;
    if (at != a.begin() && at[-1] == ' ') --at;
    return {a.begin(), at};
  }

  Content common_prompt(const Content& chosen, const Content& rejected) const {
    Content out;
    if (chosen.messages.empty() && rejected.messages.empty()) {
      out.text = common_text(chosen.text, rejected.text);
    } else {
      // Never the last message of either: a pair of equals would leave nothing to choose.
      const size_t shortest = std::min(chosen.messages.size(), rejected.messages.size());
      const size_t common = std::min(common_messages(chosen, rejected), shortest - (shortest > 0 ? 1 : 0));
      out.messages.assign(chosen.messages.begin(), chosen.messages.begin() + static_cast<std::ptrdiff_t>(common));
    }
    if (out.messages.empty() && out.text.empty())
      fail("there is no prompt column, and chosen and rejected do not begin alike");
    return out;
  }

  void preferences(Content& prompt) {
    if (columns_.chosen.empty() && columns_.rejected.empty()) return;
    const Content chosen = columns_.chosen.empty() ? Content() : content(columns_.chosen);
    const Content rejected = columns_.rejected.empty() ? Content() : content(columns_.rejected);
    if (columns_.prompt.empty()) prompt = common_prompt(chosen, rejected);
    if (!columns_.chosen.empty()) give(behind(chosen, prompt, columns_.chosen), true, "chosen");
    if (!columns_.rejected.empty()) give(behind(rejected, prompt, columns_.rejected), false, "rejected");
  }

  void reference(Content& prompt) {
    if (!columns_.reference.empty()) {
      const Content text = content(columns_.reference);
      const bool passes = columns_.label.empty() || boolean(columns_.label);
      const std::string origin = columns_.label.empty() ? "reference" : passes ? "chosen" : "rejected";
      give(behind(text, prompt, columns_.reference), passes, origin);
    } else if (prompt.messages.size() > 1 && prompt.messages.back().role == "assistant") {
      give(prompt.messages.back().content, true, "reference");
      prompt.messages.pop_back();
    }
  }

  bool boolean(const std::string& path) const {
    const Json& json = value(path);
    if (!json.is_bool()) fail("the column '" + path + "' is " + json.kind() + ", not true or false");
    return json.as_bool();
  }

  void answer() {
    if (columns_.answer.empty()) {
      // Text without a prompt is its own answer: else all such rows would be one problem.
      if (columns_.prompt.empty() && columns_.chosen.empty()) out_.answer = out_.given.front().text;
      return;
    }
    const Json* json = &value(columns_.answer);
    if (json->is_array() && json->as_array().size() == 1) json = &json->as_array().front();
    std::string text;
    if (json->is_string()) {
      text = json->as_string();
    } else if (json->is_number()) {
      text = dump(*json);
    } else if (json->is_bool()) {
      text = json->as_bool() ? "true" : "false";
    } else {
      fail("the column '" + columns_.answer + "' is " + json->kind() +
           "; allowed: text, a number, true or false, or a list of one");
    }
    out_.answer = reference_answer(text);
    if (out_.answer->empty()) fail("the column '" + columns_.answer + "' is empty");
    if (out_.given.empty()) give(std::move(text), true, "reference");
  }

  void set_prompt(Content prompt) {
    out_.prompt = prompt.messages.empty() ? std::move(prompt.text) : joined(prompt.messages);
    out_.messages = std::move(prompt.messages);
    if (!columns_.prompt.empty() && trimmed(out_.prompt).empty()) fail("the prompt is empty", "take the row out");
  }

  // All columns that have no part. Of a nested one the map around it stays.
  Json rest() const {
    Json out = row_;
    for (const std::string* path : {&columns_.prompt, &columns_.answer, &columns_.reference, &columns_.chosen,
                                    &columns_.rejected, &columns_.label})
      if (!path->empty()) erase_column(out, *path);
    return out;
  }

  const Columns& columns_;
  const Json& row_;
  const Place& place_;
  Problem out_;
};

}  // namespace

Problem problem_of_row(const Columns& columns, const Json& row, const Place& place) {
  return RowReader(columns, row, place).read();
}

}  // namespace sil
