#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "jinja/template.h"
#include "sil/json.h"

namespace sil::fuzz {
namespace {

const Json& variables() {
  static const Json json = parse_json(R"({
    "s": "Hello, World", "u": "Gr\u00fc\u00dfe \u65e5", "n": 7, "neg": -7, "f": 2.5, "yes": true, "no": false, "nil": null,
    "nums": [3, 1, 2], "words": ["b", "A", "c"], "d": {"b": 2, "a": 1, "items": "x"}, "deep": {"x": {"y": [1, {"z": "!"}]}},
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "hi"}], "add_generation_prompt": true})");
  return json;
}

void check_ranges(const sil::jinja::Rendered& rendered) {
  size_t end = 0;
  for (const sil::jinja::ByteRange& range : rendered.generation) {
    must(range.begin >= end && range.end >= range.begin, "generation ranges out of order");
    end = range.end;
  }
  must(end <= rendered.text.size(), "a generation range outside the text");
}

}  // namespace

void jinja(std::string_view input) {
  sil::jinja::Settings settings;
  settings.now = {};
  settings.steps = 20'000;
  settings.bytes = 4 << 20;
  refused_well(Exit::unreadable, [&] {
    const auto parsed = sil::jinja::Template::parse(input, {"t.jinja", 0, 0});
    for (const bool strict : {false, true}) {
      settings.strict = strict;
      refused_well(Exit::unreadable, [&] {
        const sil::jinja::Rendered rendered = parsed.render(variables(), settings);
        must(rendered.text.size() <= static_cast<size_t>(settings.bytes), "more output than allowed");
        check_ranges(rendered);
      });
    }
  });
}

}  // namespace sil::fuzz
