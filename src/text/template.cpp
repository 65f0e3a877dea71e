#include "text/template.h"

namespace sil {
namespace {

constexpr std::string_view kAllowed = "only variables as {{problem.prompt}} are allowed";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

// As Jinja reads them: \r\n and \r are \n.
std::string with_newlines(std::string_view source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else if (!source.substr(i + 1).starts_with('\n')) {
      out += '\n';
    }
  }
  return out;
}

class TemplateParser {
 public:
  TemplateParser(std::string_view source, const Place& where, bool inside)
      : text_(with_newlines(source)), source_(text_), where_(where), inside_(inside) {
    if (source_.ends_with('\n')) source_.remove_suffix(1);
  }

  std::vector<TemplatePart> parse() {
    parts_.emplace_back();
    while (at_ < source_.size()) {
      const std::string_view two = source_.substr(at_, 2);
      if (two == "{{") {
        variable();
      } else if (two == "{%") {
        skip("%}", "the statement");
      } else if (two == "{#") {
        skip("#}", "the comment");
      } else {
        parts_.back().text += source_[at_];
        advance(1);
      }
    }
    if (!findings_.empty()) throw Error(Exit::usage, std::move(findings_));
    return std::move(parts_);
  }

 private:
  void advance(size_t bytes) {
    for (size_t i = 0; i < bytes; ++i, ++at_) {
      const unsigned char c = static_cast<unsigned char>(source_[at_]);
      if (c == '\n') {
        ++line_;
        column_ = 1;
      } else if ((c & 0xC0) != 0x80) {
        ++column_;
      }
    }
  }

  void report(int line, int column, std::string message, std::string hint = std::string(kAllowed)) {
    findings_.push_back(template_finding(where_, inside_, line, column, std::move(message), std::move(hint)));
  }

  static std::string shown(std::string_view text) {
    std::string out(text.substr(0, 60));
    for (char& c : out)
      if (c == '\n' || c == '\r') c = ' ';
    return out + (text.size() > 60 ? "..." : "");
  }

  // Passes over what is refused, so that all of a template's faults are found at once.
  void skip(std::string_view close, const std::string& what) {
    const int line = line_, column = column_;
    const size_t end = source_.find(close, at_ + 2);
    const size_t length = end == std::string_view::npos ? source_.size() - at_ : end + close.size() - at_;
    report(line, column, what + " " + shown(source_.substr(at_, length)) + " is not supported");
    advance(length);
  }

  void variable() {
    const int line = line_, column = column_;
    const size_t end = source_.find("}}", at_ + 2);
    if (end == std::string_view::npos) {
      report(line, column, "{{ is not closed", "write }} after the variable");
      return advance(source_.size() - at_);
    }
    const std::string_view whole = source_.substr(at_, end + 2 - at_);
    TemplatePart& part = parts_.back();
    part.path = path_of(whole.substr(2, whole.size() - 4), line, column);
    part.place = {where_.file, line, column};
    parts_.emplace_back();
    advance(whole.size());
  }

  // a.b.c with blanks around; reports everything else.
  std::vector<std::string> path_of(std::string_view text, int line, int column) {
    const std::string_view all = text;
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    std::vector<std::string> path(1);
    bool good = !text.empty();
    for (char c : text) {
      if (c == '.' && !path.back().empty()) {
        path.emplace_back();
      } else if (path.back().empty() ? is_name_start(c) : is_name(c)) {
        path.back() += c;
      } else {
        good = false;
        break;
      }
    }
    if (good && !path.back().empty()) return path;
    report(line, column, "{{" + shown(all) + "}} " + fault(text));
    return {"?"};
  }

  static std::string fault(std::string_view text) {
    if (text.empty()) return "names nothing";
    if (text.front() == '-' || text.front() == '+' || text.back() == '-')
      return "has a whitespace mark, which is not supported";
    if (text.find('|') != std::string_view::npos) return "has a filter, which is not supported";
    return "is not a variable";
  }

  std::string text_;
  std::string_view source_;  // without the last newline
  const Place& where_;
  bool inside_;
  size_t at_ = 0;
  int line_ = 1, column_ = 1;
  std::vector<TemplatePart> parts_;
  std::vector<Finding> findings_;
};

}  // namespace

Finding template_finding(const Place& where, bool inside, int line, int column, std::string message, std::string hint) {
  const std::string position = "line " + std::to_string(line) + ", column " + std::to_string(column);
  if (inside) return {where, "view, " + position + " of its text: " + std::move(message), std::move(hint)};
  return {{where.file, line, column}, std::move(message), std::move(hint)};
}

std::vector<TemplatePart> parse_template(std::string_view source, const Place& where, bool inside) {
  return TemplateParser(source, where, inside).parse();
}

}  // namespace sil
