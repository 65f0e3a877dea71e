#include "recipe/difference.h"

#include <algorithm>

namespace sil {
namespace {

constexpr size_t kShownBytes = 80;  // of a value

std::string shown(const Json* value) {
  if (value == nullptr) return "nothing";
  std::string text = dump(*value);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "…";
  return text;
}

// The name of a step, "" of anything else.
std::string step_name(const Json& value) {
  const Json* name = value.find("as");
  return name != nullptr && name->is_string() ? name->as_string() : std::string();
}

bool are_steps(const Json& value) {
  if (!value.is_array() || value.as_array().empty()) return false;
  return std::none_of(value.as_array().begin(), value.as_array().end(),
                      [](const Json& item) { return step_name(item).empty(); });
}

class Differences {
 public:
  std::vector<std::string> found;

  // Written numbers are compared: a record reads 1 where the recipe has 1.0.
  void compare(const Json* a, const Json* b, const std::string& path) {
    if (a != nullptr && b != nullptr && dump_canonical(*a) == dump_canonical(*b)) return;
    if (a == nullptr || b == nullptr) return differ(a, b, path);
    if (a->is_object() && b->is_object()) return compare_maps(*a, *b, path);
    if (are_steps(*a) && are_steps(*b)) return compare_steps(*a, *b, path);
    if (a->is_array() && b->is_array() && a->as_array().size() == b->as_array().size())
      return compare_lists(*a, *b, path);
    differ(a, b, path);
  }

 private:
  void differ(const Json* a, const Json* b, const std::string& path) {
    found.push_back(path + ": " + shown(a) + " in the record, " + shown(b) + " now");
  }

  static std::string below(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
  }

  void compare_maps(const Json& a, const Json& b, const std::string& path) {
    const auto skipped = [&](const std::string& key) {
      return path.empty() && (key == "name" || key == "rounds" || key == "retain");
    };
    for (const auto& [key, value] : a.as_object())
      if (!skipped(key)) compare(&value, b.find(key), below(path, key));
    for (const auto& [key, value] : b.as_object())
      if (!skipped(key) && a.find(key) == nullptr) compare(nullptr, &value, below(path, key));
  }

  void compare_lists(const Json& a, const Json& b, const std::string& path) {
    for (size_t i = 0; i < a.as_array().size(); ++i)
      compare(&a.as_array()[i], &b.as_array()[i], below(path, std::to_string(i)));
  }

  static std::vector<std::string> names(const Json& steps) {
    std::vector<std::string> out;
    for (const Json& step : steps.as_array()) out.push_back(step_name(step));
    return out;
  }

  void compare_steps(const Json& a, const Json& b, const std::string& path) {
    if (names(a) != names(b)) return differ_in_steps(names(a), names(b), path);
    for (size_t i = 0; i < a.as_array().size(); ++i) {
      const std::string name = step_name(a.as_array()[i]);
      for (const auto& [key, value] : a.as_array()[i].as_object()) {
        const Json* other = b.as_array()[i].find(key);
        const bool options = value.is_object() && other != nullptr && other->is_object();
        compare(&value, other, options ? name : below(name, key));  // `generate.samples`, whatever the verb
      }
      for (const auto& [key, value] : b.as_array()[i].as_object())
        if (a.as_array()[i].find(key) == nullptr) compare(nullptr, &value, below(name, key));
    }
  }

  void differ_in_steps(const std::vector<std::string>& a, const std::vector<std::string>& b, const std::string& path) {
    const auto listed = [](const std::vector<std::string>& list) {
      std::string out;
      for (const std::string& name : list) out += (out.empty() ? "" : " ") + name;
      return out;
    };
    found.push_back(path + ": the steps " + listed(a) + " in the record, " + listed(b) + " now");
  }
};

}  // namespace

std::vector<std::string> recipe_differences(const Json& recorded, const Json& now) {
  Differences differences;
  differences.compare(&recorded, &now, "");
  return std::move(differences.found);
}

}  // namespace sil
