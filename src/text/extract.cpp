#include "text/extract.h"

#include <re2/re2.h>

#include <algorithm>
#include <vector>

namespace sil {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::nullopt_t none(std::string* why, std::string reason) {
  if (why != nullptr) *why = std::move(reason);
  return std::nullopt;
}

class Whole final : public AnswerExtractor {
 public:
  std::optional<std::string> extract(std::string_view completion, std::string* why) const override {
    const std::string_view text = trimmed(completion);
    if (text.empty()) return none(why, "the completion is empty");
    return std::string(text);
  }
};

// Reads the number that begins at `at` (a digit, or a point before one) without its sign; moves `at` behind it.
std::string read_number(std::string_view text, size_t& at) {
  const auto digits_from = [&](size_t from) {
    size_t end = from;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end - from;
  };
  const auto take = [&](std::string& out, size_t count) {
    out.append(text, at, count);
    at += count;
  };
  std::string out;
  const size_t leading = digits_from(at);
  take(out, leading);
  // 1,234,567: groups of exactly three digits after one to three.
  while (leading >= 1 && leading <= 3 && at < text.size() && text[at] == ',' && digits_from(at + 1) == 3) {
    ++at;
    take(out, 3);
  }
  if (at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1])) take(out, 1 + digits_from(at + 1));
  if (at + 1 < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const size_t sign = text[at + 1] == '-' || text[at + 1] == '+' ? 1 : 0;
    const size_t exponent = digits_from(at + 1 + sign);
    if (exponent > 0) take(out, 1 + sign + exponent);
  }
  return out;
}

// Whether the text before a number ends in its sign: a minus that does not stand between two operands.
bool is_negative(std::string_view before) {
  constexpr std::string_view kMinus = "\xE2\x88\x92";  // U+2212
  if (before.ends_with('-')) {
    before.remove_suffix(1);
  } else if (before.ends_with(kMinus)) {
    before.remove_suffix(kMinus.size());
  } else {
    return false;
  }
  return before.empty() || !(is_word(before.back()) || before.back() == ')');
}

class LastNumber final : public AnswerExtractor {
 public:
  std::optional<std::string> extract(std::string_view completion, std::string* why) const override {
    std::optional<std::string> last;
    for (size_t at = 0; at < completion.size();) {
      const bool point = completion[at] == '.' && at + 1 < completion.size() && is_digit(completion[at + 1]) &&
                         (at == 0 || !is_digit(completion[at - 1]));
      if (!is_digit(completion[at]) && !point) {
        ++at;
        continue;
      }
      const bool negative = is_negative(completion.substr(0, at));
      last = (negative ? "-" : "") + read_number(completion, at);
    }
    if (!last) return none(why, "there is no number in the completion");
    return last;
  }
};

// A plain number without its thousands separators, other text as it is: GSM8K's own grader does the same.
std::string without_separators(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  if (at < text.size() && is_digit(text[at])) {
    const std::string number = read_number(text, at);
    if (at == text.size()) return (text.starts_with('-') ? "-" : "") + number;
  }
  return std::string(text);
}

class Hashes final : public AnswerExtractor {
 public:
  std::optional<std::string> extract(std::string_view completion, std::string* why) const override {
    constexpr std::string_view kMark = "####";
    const size_t mark = completion.find(kMark);
    if (mark == std::string_view::npos) return none(why, "there is no #### in the completion");
    const std::string_view rest = completion.substr(mark + kMark.size());
    if (rest.find(kMark) != std::string_view::npos) return none(why, "there is more than one ####");
    const std::string_view tail = trimmed(rest.substr(0, rest.find('\n')));
    if (tail.empty()) return none(why, "nothing follows ####");
    return without_separators(tail);
  }
};

class Boxed final : public AnswerExtractor {
 public:
  std::optional<std::string> extract(std::string_view completion, std::string* why) const override {
    bool open = false;
    const std::vector<std::string_view> found = boxed_contents(completion, &open);
    if (found.empty()) return none(why, open ? "\\boxed{ is not closed" : "there is no \\boxed{...} in the completion");
    for (std::string_view content : found)
      if (content != found.back())
        return none(why, "there are two different boxed answers: " + std::string(content) + " and " +
                             std::string(found.back()));
    if (found.back().empty()) return none(why, "\\boxed{} is empty");
    return std::string(found.back());
  }
};

class Regex final : public AnswerExtractor {
 public:
  explicit Regex(const std::string& pattern) : pattern_(pattern, options()) {
    if (!pattern_.ok())
      throw Error(Exit::usage, "pattern '" + pattern + "' is not a regular expression: " + pattern_.error(),
                  "the syntax is RE2's: no look-around, no back references");
    if (pattern_.NumberOfCapturingGroups() < 1)
      throw Error(Exit::usage, "pattern '" + pattern + "' has no group", "put the answer in parentheses");
  }

  std::optional<std::string> extract(std::string_view completion, std::string* why) const override {
    const re2::StringPiece text(completion.data(), completion.size());
    re2::StringPiece groups[2];
    std::optional<std::string> last;
    for (size_t at = 0; at <= text.size() && pattern_.Match(text, at, text.size(), RE2::UNANCHORED, groups, 2);) {
      if (groups[1].data() != nullptr) {
        const std::string found(trimmed({groups[1].data(), groups[1].size()}));
        if (!found.empty()) last = found;  // `(.*)` also matches the nothing at the end
      }
      const size_t end = static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size();
      at = groups[0].empty() ? end + 1 : end;
    }
    if (!last) return none(why, "the pattern matches nothing in the completion");
    return last;
  }

 private:
  static RE2::Options options() {
    RE2::Options out;
    out.set_log_errors(false);
    return out;
  }

  RE2 pattern_;
};

}  // namespace

std::vector<std::string_view> boxed_contents(std::string_view text, bool* open) {
  constexpr std::string_view kOpen = "\\boxed{";
  struct Brace {
    size_t begin;  // of the content
    bool boxed;
  };
  std::vector<Brace> braces;
  std::vector<std::string_view> found;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with(kOpen)) {
      at += kOpen.size() - 1;
      braces.push_back({at + 1, true});
    } else if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '{') {
      braces.push_back({at + 1, false});
    } else if (text[at] == '}' && !braces.empty()) {
      const Brace brace = braces.back();
      braces.pop_back();
      if (!brace.boxed) continue;
      const char* begin = text.data() + brace.begin;
      while (!found.empty() && found.back().data() > begin) found.pop_back();  // boxes inside this one
      found.push_back(trimmed(text.substr(brace.begin, at - brace.begin)));
    }
  }
  *open = std::any_of(braces.begin(), braces.end(), [](const Brace& brace) { return brace.boxed; });
  return found;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\r\f\v";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::unique_ptr<AnswerExtractor> make_extractor(const TaskOptions& options) {
  const std::string& kind = options.answer;
  if (kind != "regex" && !options.pattern.empty())
    throw Error(Exit::usage, "pattern is given, but answer is '" + kind + "'", "write answer: regex beside it");
  if (kind == "whole") return std::make_unique<Whole>();
  if (kind == "last_number") return std::make_unique<LastNumber>();
  if (kind == "hashes") return std::make_unique<Hashes>();
  if (kind == "boxed") return std::make_unique<Boxed>();
  if (kind == "regex") {
    if (options.pattern.empty())
      throw Error(Exit::usage, "answer: regex has no pattern", "write it beside, as pattern: 'answer is (.*)'");
    return std::make_unique<Regex>(options.pattern);
  }
  throw Error(Exit::usage, "answer is '" + kind + "'; allowed: whole, last_number, hashes, boxed, regex");
}

std::string reference_answer(std::string_view text) {
  std::string why;
  if (text.find("####") != std::string_view::npos)
    if (auto tail = Hashes().extract(text, &why)) return *tail;
  if (auto boxed = Boxed().extract(text, &why)) return *boxed;
  return std::string(trimmed(text));
}

}  // namespace sil
