// `tojson`: Python's json.dumps with ensure_ascii, indent, separators and sort_keys.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "jinja/operations.h"
#include "jinja/text_scan.h"

namespace sil::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, Arguments& arguments)
      : runtime_(runtime),
        bound_(runtime, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"}, arguments),
        ascii_(bound_.flag(0, false)),
        sorted_(bound_.flag(3, false)) {
    read_indent();
    item_separator_ = multiline_ ? "," : ", ";
    read_separators();
  }

  std::string take(const Value& value) {
    write(value);
    return std::move(out_);
  }

 private:
  void read_indent() {
    const Value* indent = bound_[1];
    if (indent == nullptr || indent->is_none()) return;
    multiline_ = true;
    if (indent->is_text()) {
      indent_ = indent->text()->text;
    } else {
      const int64_t width = bound_.integer(1, 0);
      runtime_.grow(static_cast<size_t>(std::max<int64_t>(width, 0)));
      indent_.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
    }
  }

  void read_separators() {
    const Value* separators = bound_[2];
    if (separators == nullptr || separators->is_none()) return;
    const Values both = iterate(runtime_, *separators);
    if (both.size() != 2 || !both[0].is_text() || !both[1].is_text())
      runtime_.fail("tojson: separators must be two texts");
    item_separator_ = both[0].text()->text;
    key_separator_ = both[1].text()->text;
  }

  void write(const Value& value) {
    const Runtime::Nested nested(runtime_);
    runtime_.step();
    const size_t before = out_.size();
    if (const Text* text = value.text()) {
      write_text(text->text);
    } else if (value.is_none()) {
      out_ += "null";
    } else if (value.is_bool()) {
      out_ += value.integer() != 0 ? "true" : "false";
    } else if (value.is_int()) {
      out_ += std::to_string(value.integer());
    } else if (value.is_float()) {
      write_float(value.number());
    } else if (const Dict* dict = value.dict()) {
      return write_dict(*dict);
    } else if (value.sequence() != nullptr && value.sequence()->flavour <= Flavour::group) {
      return write_list(value.sequence()->items);
    } else {
      runtime_.fail("tojson: a value of type " + type_name(value) + " is not JSON");
    }
    runtime_.grow(out_.size() - before);
  }

  void write_float(double value) {
    if (std::isfinite(value)) {
      out_ += repr(value);
    } else {
      out_ += std::isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    }
  }

  void write_list(const Values& items) {
    if (items.empty()) return void(out_ += "[]");
    open('[');
    for (size_t i = 0; i < items.size(); ++i) {
      separate(i == 0);
      write(items[i]);
    }
    close(']');
  }

  void write_dict(const Dict& dict) {
    if (dict.members.empty()) return void(out_ += "{}");
    Members members = dict.members;
    if (sorted_) {
      runtime_.grow(members.size() * sizeof(Members::value_type));
      std::stable_sort(members.begin(), members.end(),
                       [&](const auto& a, const auto& b) { return less(runtime_, a.first, b.first); });
    }
    open('{');
    for (size_t i = 0; i < members.size(); ++i) {
      separate(i == 0);
      write_key(members[i].first);
      out_ += key_separator_;
      write(members[i].second);
    }
    close('}');
  }

  void write_key(const Value& key) {
    if (key.is_text()) return write(key);
    if (!key.is_number() && !key.is_none()) runtime_.fail("tojson: a key of type " + type_name(key) + " is not JSON");
    out_ += '"';
    write(key);
    out_ += '"';
  }

  void open(char bracket) {
    out_ += bracket;
    ++depth_;
  }
  void separate(bool first) {
    if (!first) out_ += item_separator_;
    line();
  }
  void close(char bracket) {
    --depth_;
    line();
    out_ += bracket;
  }
  void line() {
    if (!multiline_) return;
    runtime_.grow(1 + indent_.size() * depth_);
    out_ += '\n';
    for (size_t i = 0; i < depth_; ++i) out_ += indent_;
  }

  void write_text(std::string_view text) {
    out_ += '"';
    while (!text.empty()) {
      const char32_t point = first_code_point(text);
      const std::string_view character = text.substr(0, character_length(text));
      text.remove_prefix(character.size());
      const size_t known = std::string_view("\"\\\n\r\t\b\f").find(character.front());
      if (known != std::string_view::npos && point < 0x80) {
        (out_ += '\\') += "\"\\nrtbf"[known];
      } else if (point < 0x20 || (ascii_ && point > 0x7E)) {
        write_escape(point);
      } else {
        out_ += character;
      }
    }
    out_ += '"';
  }

  void write_escape(char32_t point) {
    if (point >= 0x10000) {
      write_escape(0xD800 + ((point - 0x10000) >> 10));
      return write_escape(0xDC00 + (point & 0x3FF));
    }
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_ += "0123456789abcdef"[(point >> shift) & 15];
  }

  Runtime& runtime_;
  Bound bound_;
  bool ascii_, sorted_;
  bool multiline_ = false;
  std::string indent_, item_separator_, key_separator_ = ": ";
  size_t depth_ = 0;
  std::string out_;
};

}  // namespace

std::string to_json(Runtime& runtime, const Value& value, Arguments& arguments) {
  return JsonWriter(runtime, arguments).take(value);
}

}  // namespace sil::jinja
