// "%s of %d" % values.
#include <algorithm>
#include <cmath>

#include "base/code_point.h"
#include "jinja/format.h"
#include "jinja/operations.h"
#include "jinja/text_scan.h"

namespace sil::jinja {
namespace {

constexpr int64_t kWidest = 1'000'000;

class PercentFormat {
 public:
  PercentFormat(Runtime& runtime, std::string_view format, const Value& values)
      : runtime_(runtime), format_(format), values_(values) {
    tuple_ = values.is(Flavour::tuple) || values.is(Flavour::group) ? values.sequence() : nullptr;
  }

  std::string run() {
    std::string out;
    while (at_ < format_.size()) {
      const size_t percent = std::min(format_.find('%', at_), format_.size());
      out += format_.substr(at_, percent - at_);
      at_ = percent;
      if (at_ < format_.size()) out += field();
      runtime_.step();
    }
    // A dict, a list or what is undefined without fields is no mistake to Python; a number is.
    const bool all_used = tuple_ != nullptr ? used_ == tuple_->items.size()
                                            : used_ > 0 || values_.dict() != nullptr || values_.is(Flavour::list) ||
                                                  values_.is_undefined();
    if (!all_used && !mapped_) runtime_.fail("not all arguments of % are used by the format");
    runtime_.grow(out.size());
    return out;
  }

 private:
  char take() {
    if (at_ >= format_.size()) runtime_.fail("the format ends inside a field");
    return format_[at_++];
  }

  const Value& next() {
    if (tuple_ == nullptr ? used_ > 0 : used_ >= tuple_->items.size())
      runtime_.fail("the format needs more values than it is given");
    const size_t i = used_++;
    return tuple_ == nullptr ? values_ : tuple_->items[i];
  }

  int64_t number() {
    if (at_ < format_.size() && format_[at_] == '*') {
      ++at_;
      const Value& value = next();
      if (!value.is_integral()) runtime_.type_error("* needs an integer, found", value);
      return value.integer();
    }
    int64_t out = 0;
    while (at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9' && out <= kWidest)
      out = out * 10 + (format_[at_++] - '0');
    if (out > kWidest) runtime_.fail("a field wider than " + std::to_string(kWidest));
    return out;
  }

  std::string field() {
    ++at_;
    const Value* mapped = nullptr;
    if (at_ < format_.size() && format_[at_] == '(') mapped = member();
    FormatSpec spec;
    for (bool flags = true; flags;) {
      const char c = take();
      if (c == '-') {
        spec.align = '<';
      } else if (c == '+') {
        spec.sign = '+';
      } else if (c == ' ') {
        spec.sign = spec.sign == '+' ? '+' : ' ';
      } else if (c == '#') {
        spec.alternate = true;
      } else if (c == '0') {
        spec.fill = "0";
      } else {
        --at_;
        flags = false;
      }
    }
    spec.width = number();
    if (spec.width < 0) {
      spec.align = '<';
      spec.width = std::min(-spec.width, kWidest);
    }
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      spec.precision = std::max<int64_t>(number(), 0);
    }
    if (spec.width > kWidest || spec.precision.value_or(0) > kWidest) runtime_.fail("a field that is too wide");
    char type = take();
    while (type == 'l' || type == 'h' || type == 'L') type = take();
    if (type == '%') return "%";
    return formatted(mapped != nullptr ? *mapped : next(), type, spec);
  }

  const Value* member() {
    const size_t end = format_.find(')', at_);
    if (end == std::string_view::npos) runtime_.fail("the format ends inside a key");
    if (values_.dict() == nullptr) runtime_.type_error("the format needs a dict, found", values_);
    const std::string key(format_.substr(at_ + 1, end - at_ - 1));
    const Value* out = find_member(runtime_, *values_.dict(), runtime_.text(key));
    if (out == nullptr) runtime_.fail("the dict has no key '" + key + "'");
    at_ = end + 1;
    mapped_ = true;
    return out;
  }

  std::string formatted(const Value& value, char type, FormatSpec& spec) {
    const bool left = spec.align == '<';
    if (type == 's' || type == 'r' || type == 'a') {
      spec.fill = " ";
      spec.align = left ? '<' : '>';
      return format_text(runtime_,
                         type == 's'   ? text_of(runtime_, value)
                         : type == 'r' ? repr(runtime_, value)
                                       : ascii_repr(runtime_, value),
                         spec);
    }
    if (type == 'c') return character(value, spec);
    if (std::string_view("diuoxXeEfFgG").find(type) == std::string_view::npos)
      runtime_.fail(std::string("the format has an unknown type '") + type + "'");
    if (!value.is_number()) runtime_.type_error(std::string("%") + type + " needs a number, found", value);
    if (left) spec.fill = " ";
    if (!left && spec.fill == "0") spec.align = '=';
    spec.type = type == 'i' || type == 'u' ? 'd' : type;
    if (spec.type == 'd' && value.is_float()) {
      if (!(std::abs(value.number()) < 0x1p63)) runtime_.fail("%d of a number beyond 64 bits");
      return format_number(runtime_, Value(static_cast<int64_t>(value.number())), spec);
    }
    return format_number(runtime_, value, spec);
  }

  std::string character(const Value& value, FormatSpec& spec) {
    std::string out;
    if (value.is_integral() && value.integer() >= 0 && value.integer() <= 0x10FFFF) {
      append_utf8(out, static_cast<char32_t>(value.integer()));
    } else if (value.is_text() && code_points(value.text()->text) == 1) {
      out = value.text()->text;
    } else {
      runtime_.type_error("%c needs a character, found", value);
    }
    spec.align = spec.align == '<' ? '<' : '>';
    spec.fill = " ";
    return format_text(runtime_, out, spec);
  }

  Runtime& runtime_;
  std::string_view format_;
  const Value& values_;
  const Sequence* tuple_;
  size_t at_ = 0, used_ = 0;
  bool mapped_ = false;
};

}  // namespace

std::string percent_format(Runtime& runtime, const std::string& format, const Value& values) {
  runtime.read(format);
  return PercentFormat(runtime, format, values).run();
}

}  // namespace sil::jinja
