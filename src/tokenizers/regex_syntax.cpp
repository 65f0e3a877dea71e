// Oniguruma's Ruby syntax written as PCRE2's. What differs: character classes (nested, intersected, of a newer
// Unicode), \h \v \u, \w \s \d \b, the option m, and quantifiers of quantifiers.
#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/code_points.h"
#include "tokenizers/regex.h"
#include "tokenizers/unicode_ranges.h"

namespace sil::tokenizers {
namespace {

constexpr int kDeepestClass = 16;

std::string hex(char32_t point) {
  char text[16];
  std::snprintf(text, sizeof text, "\\x{%X}", static_cast<unsigned>(point));
  return text;
}

std::string class_of(std::span<const CodeRange> ranges) {
  std::string out;
  for (const CodeRange& range : ranges) out += hex(range.first) + "-" + hex(range.last);
  return out;
}

// A set of characters: `members` stand in a class of PCRE2, `others` (negated sets, intersections) cannot.
struct CharacterSet {
  std::string members;
  std::vector<std::string> others;  // each an expression that matches one character
  bool negated = false;

  void add(const CharacterSet& set) {
    if (!set.negated) {
      members += set.members;
      others.insert(others.end(), set.others.begin(), set.others.end());
    } else {
      others.push_back(set.expression());
    }
  }

  std::string expression() const {
    if (others.empty() && !members.empty()) return (negated ? "[^" : "[") + members + "]";
    std::string all = members.empty() ? "" : "[" + members + "]";
    for (const std::string& other : others) all += (all.empty() ? "" : "|") + other;
    if (all.empty()) all = "(*FAIL)";
    return negated ? "(?:(?!" + all + ")(?s:.))" : "(?:" + all + ")";
  }
};

struct Category {
  std::string_view name;
  std::string_view members;  // of PCRE2
  std::vector<CodeRange> added;
};

template <size_t... sizes>
std::vector<CodeRange> join(const std::array<CodeRange, sizes>&... ranges) {
  std::vector<CodeRange> out;
  (out.insert(out.end(), ranges.begin(), ranges.end()), ...);
  return out;
}

const std::vector<Category>& categories() {
  static const std::vector<Category> all = {
      {"L", "\\p{L}", join(kRegexLl, kRegexLm, kRegexLo, kRegexLt, kRegexLu)},
      {"Ll", "\\p{Ll}", join(kRegexLl)},
      {"Lm", "\\p{Lm}", join(kRegexLm)},
      {"Lo", "\\p{Lo}", join(kRegexLo)},
      {"Lt", "\\p{Lt}", join(kRegexLt)},
      {"Lu", "\\p{Lu}", join(kRegexLu)},
      {"M", "\\p{M}", join(kRegexMc, kRegexMe, kRegexMn)},
      {"Mc", "\\p{Mc}", join(kRegexMc)},
      {"Me", "\\p{Me}", join(kRegexMe)},
      {"Mn", "\\p{Mn}", join(kRegexMn)},
      {"N", "\\p{N}", join(kRegexNd, kRegexNl, kRegexNo)},
      {"Nd", "\\p{Nd}", join(kRegexNd)},
      {"Nl", "\\p{Nl}", join(kRegexNl)},
      {"No", "\\p{No}", join(kRegexNo)},
      {"P", "\\p{P}", join(kRegexPc, kRegexPd, kRegexPe, kRegexPf, kRegexPi, kRegexPo, kRegexPs)},
      {"Pc", "\\p{Pc}", join(kRegexPc)},
      {"Pd", "\\p{Pd}", join(kRegexPd)},
      {"Pe", "\\p{Pe}", join(kRegexPe)},
      {"Pf", "\\p{Pf}", join(kRegexPf)},
      {"Pi", "\\p{Pi}", join(kRegexPi)},
      {"Po", "\\p{Po}", join(kRegexPo)},
      {"Ps", "\\p{Ps}", join(kRegexPs)},
      {"S", "\\p{S}", join(kRegexSc, kRegexSk, kRegexSm, kRegexSo)},
      {"Sc", "\\p{Sc}", join(kRegexSc)},
      {"Sk", "\\p{Sk}", join(kRegexSk)},
      {"Sm", "\\p{Sm}", join(kRegexSm)},
      {"So", "\\p{So}", join(kRegexSo)},
      {"Z", "\\p{Z}", join(kRegexZl, kRegexZp, kRegexZs)},
      {"Zl", "\\p{Zl}", join(kRegexZl)},
      {"Zp", "\\p{Zp}", join(kRegexZp)},
      {"Zs", "\\p{Zs}", join(kRegexZs)},
      {"Cc", "\\p{Cc}", join(kRegexCc)},
      {"Cf", "\\p{Cf}", join(kRegexCf)},
      {"Co", "\\p{Co}", join(kRegexCo)},
      {"Han", "", join(kRegexHan)},
  };
  return all;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

CharacterSet category(std::string_view name) {
  for (const Category& known : categories())
    if (same_name(name, known.name)) return {std::string(known.members) + class_of(known.added), {}, false};
  CharacterSet out;
  if (same_name(name, "C")) {  // with what is not assigned: what no other category has
    for (const char* other : {"L", "M", "N", "P", "S", "Z"}) out.add(category(other));
    out.negated = true;
    return out;
  }
  if (name.size() < 3) throw "the property " + std::string(name) + " is not known";
  // A script. PCRE2 would take extensions too.
  out.members = "\\p{sc:" + std::string(name) + "}";
  return out;
}

// \d \w \s \h and their complements.
CharacterSet shorthand(char letter) {
  CharacterSet out;
  switch (std::tolower(static_cast<unsigned char>(letter))) {
    case 'd':
      out = category("Nd");
      break;
    case 's':
      out.members = "\\t-\\r\\x{85}\\p{Z}";
      break;
    case 'h':
      out.members = "0-9A-Fa-f";
      break;
    default:
      for (const char* name : {"L", "M", "Nd", "Nl", "Pc"}) out.add(category(name));
      out.members += class_of(kRegexWord);
  }
  out.negated = letter < 'a';
  return out;
}

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  std::string translate() {
    while (at_ < in_.size()) element();
    return std::move(out_);
  }

 private:
  bool next_is(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  char take() {
    if (at_ == in_.size()) throw std::string("it ends in the middle of an element");
    return in_[at_++];
  }
  std::string_view take_character() {
    if (at_ == in_.size()) throw std::string("it ends in the middle of a class");
    const std::string_view character = character_at(in_, at_);
    at_ += character.size();
    return character;
  }
  std::string_view take_until(char end) {
    const size_t stop = in_.find(end, at_);
    if (stop == std::string_view::npos) throw std::string("`") + end + "` is missing";
    const std::string_view text = in_.substr(at_, stop - at_);
    at_ = stop + 1;
    return text;
  }

  void atom(const std::string& text) {
    atom_ = out_.size();
    out_ += text;
  }

  void element() {
    switch (in_[at_]) {
      case '\\':
        return escape();
      case '[':
        ++at_;
        return atom(character_set(0).expression());
      case '(':
        return group();
      case ')': {
        if (groups_.empty()) throw std::string("`)` without `(`");
        atom_ = groups_.back();
        groups_.pop_back();
        out_ += in_[at_++];
        return;
      }
      case '{':
        return braces();
      case '#':
        ++at_;
        return atom("\\#");
      case '*':
      case '+':
      case '?':
      case '|':
        out_ += in_[at_++];
        return;
      default:
        return atom(std::string(take_character()));
    }
  }

  // `(?…` of Ruby that PCRE2 reads alike, and options, of which m is PCRE2's s.
  void group() {
    const size_t begin = out_.size();
    ++at_;
    if (!next_is("?")) return open(begin, "(");
    for (const char* same : {"?:", "?=", "?!", "?<=", "?<!", "?>"})
      if (next_is(same)) {
        at_ += std::string_view(same).size();
        return open(begin, std::string("(") + same);
      }
    if (next_is("?<")) return open(begin, "(" + std::string(take_until('>')) + ">");
    if (next_is("?#")) {
      take_until(')');
      return;
    }
    ++at_;
    std::string options = "(?";
    while (at_ < in_.size() && (in_[at_] == 'i' || in_[at_] == 'm' || in_[at_] == '-')) {
      options += in_[at_] == 'm' ? 's' : in_[at_];
      ++at_;
    }
    const char end = take();
    if (end == ':') return open(begin, options + ":");
    if (end != ')') throw std::string("a group of the form (?") + end;
    // Up to the end of the group, alternatives included, which PCRE2 takes apart when something stands before.
    if (begin != (groups_.empty() ? 0 : after_open_)) throw std::string("options in the middle of a group");
    out_ += options + ")";
    after_open_ = out_.size();
  }

  void open(size_t begin, const std::string& text) {
    groups_.push_back(begin);
    out_ += text;
    after_open_ = out_.size();
  }

  // {,n} is {0,n}; behind {…}, + repeats again, and ? behind {n} makes optional.
  void braces() {
    const size_t end = in_.find('}', at_);
    const std::string_view inner = end == std::string_view::npos ? "" : in_.substr(at_ + 1, end - at_ - 1);
    const bool counts = !inner.empty() && inner.find_first_not_of("0123456789,") == std::string_view::npos &&
                        std::count(inner.begin(), inner.end(), ',') <= 1 && inner != ",";
    if (!counts) {
      ++at_;
      return atom("\\{");
    }
    const bool exact = inner.find(',') == std::string_view::npos;
    out_ += "{" + (inner[0] == ',' ? "0" + std::string(inner) : std::string(inner)) + "}";
    at_ = end + 1;
    if (next_is("+") || (exact && next_is("?"))) {
      out_.insert(atom_, "(?:");
      out_ += std::string(")") + in_[at_++];
    }
  }

  void escape() {
    ++at_;
    const char letter = take();
    switch (letter) {
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 's':
      case 'S':
      case 'h':
      case 'H':
        return atom(shorthand(letter).expression());
      case 'p':
      case 'P':
        return atom(property(letter == 'P').expression());
      case 'b':
      case 'B': {
        const std::string word = shorthand('w').expression();
        const std::string a = letter == 'b' ? "(?!" : "(?=", b = letter == 'b' ? "(?=" : "(?!";
        return atom("(?:(?<=" + word + ")" + a + word + ")|(?<!" + word + ")" + b + word + "))");
      }
      case 'A':
      case 'z':
      case 'Z':
      case 'G':
      case 'K':
      case 'R':
      case 'X':
        return atom(std::string("\\") + letter);
      default:
        --at_;
        return atom(literal_escape());
    }
  }

  // What stands for one character, or is a reference to a group. Behind the backslash.
  std::string literal_escape() {
    const char letter = in_[at_];
    if (letter == 'x' || letter == 'u') return hex(numbered(letter));
    if (letter == 'v') return ++at_, "\\x0B";
    if (std::string_view("ntrfae0123456789").find(letter) != std::string_view::npos)
      return ++at_, std::string("\\") + letter;
    if (std::isalnum(static_cast<unsigned char>(letter))) throw std::string("the escape \\") + letter;
    const std::string_view character = take_character();
    return character.size() == 1 ? "\\" + std::string(character) : std::string(character);
  }

  char32_t numbered(char letter) {
    ++at_;
    std::string digits;
    if (letter == 'x' && next_is("{")) {
      ++at_;
      digits = take_until('}');
    } else {
      while (digits.size() < (letter == 'x' ? 2u : 4u) && at_ < in_.size() &&
             std::isxdigit(static_cast<unsigned char>(in_[at_])))
        digits += in_[at_++];
    }
    if (digits.empty() || digits.size() > 6 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      throw std::string("a number behind \\") + letter;
    return static_cast<char32_t>(std::stoul(digits, nullptr, 16));
  }

  CharacterSet property(bool negated) {
    if (take() != '{') throw std::string("\\p without {");
    std::string_view name = take_until('}');
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    for (char c : name)
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') throw "the property " + std::string(name);
    CharacterSet out = category(name);
    out.negated = out.negated != negated;
    return out;
  }

  // Behind `[`, up to its `]`.
  CharacterSet character_set(int depth) {
    if (depth == kDeepestClass) throw std::string("classes are nested too deeply");
    const bool negated = next_is("^");
    if (negated) ++at_;
    CharacterSet part, all;
    bool intersected = false;
    const auto intersect = [&] {
      if (intersected) part.others = {"(?:(?=" + part.expression() + ")" + all.expression() + ")"}, part.members = "";
      all = std::exchange(part, {});
      intersected = true;
    };
    for (bool first = true; first || !next_is("]"); first = false) {
      if (next_is("&&")) {
        at_ += 2;
        intersect();
      } else {
        member(part, depth);
      }
    }
    ++at_;
    if (intersected) {
      intersect();
      part = std::move(all);
    }
    part.negated = negated;
    return part;
  }

  void member(CharacterSet& set, int depth) {
    if (next_is("[:")) return posix(set);
    if (next_is("[")) {
      ++at_;
      return set.add(character_set(depth + 1));
    }
    if (!next_is("\\")) {
      const std::string_view character = take_character();
      const bool plain =
          character.size() > 1 || std::isalnum(static_cast<unsigned char>(character[0])) || character == "-";
      set.members += plain ? std::string(character) : "\\" + std::string(character);
      return;
    }
    ++at_;
    const char letter = take();
    if (std::string_view("dDwWsShH").find(letter) != std::string_view::npos) return set.add(shorthand(letter));
    if (letter == 'p' || letter == 'P') return set.add(property(letter == 'P'));
    --at_;
    set.members += letter == 'b' ? (++at_, std::string("\\x08")) : literal_escape();
  }

  void posix(CharacterSet& set) {
    at_ += 2;
    std::string_view name = take_until(':');
    if (take() != ']') throw std::string("a POSIX class without :]");
    if (name == "digit") return set.add(shorthand('d'));
    if (name == "space") return set.add(shorthand('s'));
    if (name == "word") return set.add(shorthand('w'));
    if (name == "xdigit") return set.add(shorthand('h'));
    throw "the class [:" + std::string(name) + ":]";
  }

  std::string_view in_;
  size_t at_ = 0;
  std::string out_;
  std::vector<size_t> groups_;  // where each open one begins in `out_`
  size_t after_open_ = 0;       // behind the last opening
  size_t atom_ = 0;             // where the last atom begins in `out_`
};

}  // namespace

std::string pcre2_syntax(std::string_view pattern) {
  return Translator(pattern).translate();
}

}  // namespace sil::tokenizers
