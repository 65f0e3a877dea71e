// Jinja templates as `transformers` renders chat templates with Jinja2 3.1.6: the immutable sandbox with trim_blocks,
// lstrip_blocks, break and continue, `tojson` without HTML escapes, raise_exception, strftime_now and {% generation %}.
// What Jinja has beside that and is not supported (extends, include, import, block, autoescape, a few filters) is
// refused when a template is parsed. No template can hang, crash or take unbounded memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sil/error.h"
#include "sil/json.h"

namespace sil::jinja {

struct Tree;

// A variable that the caller must give, with as many constant fields behind it as the template reads.
struct Reference {
  std::vector<std::string> path;  // {"message", "content"}
  int line = 0;
  int column = 0;
};

// A part of a rendered text, in bytes.
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;
};

struct Rendered {
  std::string text;
  // What came from {% generation %} blocks, in order: the assistant's own words. Blocks inside macros, {% set %} and
  // {% filter %} are left out: where their text ends up cannot be known.
  std::vector<ByteRange> generation;
};

struct Settings {
  std::optional<std::chrono::sys_seconds>
      now;                             // what strftime_now shows, as it is: no time zone is applied; nothing: it fails
  bool strict = false;                 // printing what is undefined, null or not a scalar is an error
  int64_t steps = 20'000'000;          // expressions evaluated, values and 64-byte pieces of text read
  int64_t bytes = int64_t{256} << 20;  // of all texts and lists that are made on the way, the output included
};

// The template refused through raise_exception(message): its own judgement of its input. what() is the message with
// its place; `message` is what the template said.
class Refusal final : public Error {
 public:
  Refusal(std::string said, Place place)
      : Error(Exit::unreadable, "the template refuses: " + said, {}, std::move(place)), message(std::move(said)) {}
  const std::string message;
};

// Immutable and thread-safe.
class Template {
 public:
  // Throws Error(Exit::unreadable) at the line and column of a fault, in the file of `where`.
  static Template parse(std::string_view source, const Place& where);

  // `variables` is a map. Throws Refusal when the template refuses, another Error(Exit::unreadable) when it fails: a
  // value that it needs is undefined or of a wrong type, or a limit was met.
  Rendered render(const Json& variables, const Settings& settings) const;

  // Variables that the template reads and does not set itself, in order of the text.
  const std::vector<Reference>& references() const;

 private:
  Template(std::shared_ptr<const Tree> tree, std::string file) : tree_(std::move(tree)), file_(std::move(file)) {}

  std::shared_ptr<const Tree> tree_;
  std::string file_;
};

}  // namespace sil::jinja
