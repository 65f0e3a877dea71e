#include "recipe/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <streambuf>
#include <utility>
#include <vector>

#include "recipe/findings.h"
#include "recipe/yaml_scan.h"
#include "sil/error.h"

namespace sil {
namespace {

// Reads a text where it lies.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string& text) { setg(text.data(), text.data(), text.data() + text.size()); }
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string with_unix_line_ends(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || !text.substr(i + 1).starts_with('\n')) out += text[i];
  return out;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}  // of a UTF-8 character

// A list or map whose end has not come yet.
struct Open {
  Node node;
  std::map<std::string, Place, std::less<>> keys;  // where each was given first
  Node::Member member;                             // of a map: the key read last
  bool key_read = false;
  bool is_key = false;  // stands where a key must stand
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const std::string& file) : text_(text), lines_(lines_of(text)), file_(file) {}

  const std::vector<Finding>& findings() const { return findings_; }
  bool has_document() const { return documents_ > 0; }
  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2)
      find(place_of(mark), "a second document begins here", "a recipe is one document; remove the `---` before it");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_properties(mark, {}, anchor);
    Node node;
    node.place = place_of(mark);
    add(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    find(place_of(mark), "an alias (*name) is not allowed", kWriteOut);
    Node node;
    node.place = place_of(mark);
    add(std::move(node));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_properties(mark, tag, anchor);
    Node node;
    node.kind = Node::Kind::scalar;
    node.quoted = tag == "!" && source_at(mark) != '!';
    node.place = node.quoted ? content_place(mark) : place_of(mark);
    node.scalar = value;
    if (node.quoted && !is_closed(source_from(mark))) find(place_of(mark), "this quote is never closed", "close it");
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  void find(Place place, std::string message, std::string hint) {
    findings_.push_back({std::move(place), std::move(message), std::move(hint)});
  }
  // Columns for people count characters. Marks of one line mostly come in order, so each is counted from the last.
  Place place_of(const YAML::Mark& mark) {
    const std::string_view whole = line(mark.line);
    const size_t column = std::min(static_cast<size_t>(std::max(mark.column, 0)), whole.size());
    if (mark.line != counted_.line || column < counted_.column) counted_ = {mark.line, 0, 0};
    const std::string_view next = whole.substr(counted_.column, column - counted_.column);
    counted_.continued += static_cast<int>(std::count_if(next.begin(), next.end(), is_continuation));
    counted_.column = column;
    return {file_, mark.line + 1, mark.column + 1 - counted_.continued};
  }

 private:
  static constexpr const char* kWriteOut = "write the value out, or refer to it as \"${path.to.it}\"";

  void refuse_properties(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) find(place_of(mark), "an anchor (&name) is not allowed", kWriteOut);
    const bool quoted_or_plain = tag.empty() || tag == "?" || (tag == "!" && source_at(mark) != '!');
    if (!quoted_or_plain)
      find(place_of(mark), "the tag '" + tag.substr(0, 80) + "' is not allowed",
           "options say their types themselves; remove it");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_properties(mark, tag, anchor);
    if (open_.size() >= static_cast<size_t>(kYamlDepth))
      throw Error(Exit::usage, "lists and maps are nested deeper than " + std::to_string(kYamlDepth),
                  "no recipe needs that", place_of(mark));
    Open next;
    next.node.kind = kind;
    next.node.place = place_of(mark);
    next.is_key = wants_key();
    if (next.is_key) find(next.node.place, "a key must be a plain word, not " + std::string(next.node.kind_name()), {});
    open_.push_back(std::move(next));
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (!done.is_key) return add(std::move(done.node));
    open_.back().member = {{}, done.node.place, {}};
    open_.back().key_read = true;
  }

  bool wants_key() const {
    return !open_.empty() && open_.back().node.kind == Node::Kind::map && !open_.back().key_read;
  }

  void add(Node node) {
    if (open_.empty()) {
      if (documents_ == 1) root_ = std::move(node);
    } else if (open_.back().node.kind == Node::Kind::list) {
      open_.back().node.items.push_back(std::move(node));
    } else if (wants_key()) {
      add_key(std::move(node));
    } else {
      Open& parent = open_.back();
      parent.key_read = false;
      parent.member.value = std::move(node);
      parent.node.members.push_back(std::move(parent.member));
    }
  }

  void add_key(Node key) {
    Open& parent = open_.back();
    if (key.kind != Node::Kind::scalar)
      find(key.place, "a key must be a word, not nothing", "quote it if it is meant so");
    if (key.scalar == "<<" && !key.quoted) find(key.place, "the merge key << is not allowed", kWriteOut);
    if (key.kind == Node::Kind::scalar) {
      const auto [first, fresh] = parent.keys.emplace(key.scalar, key.place);
      if (!fresh)
        find(key.place, "duplicate key '" + key.scalar.substr(0, 80) + "'",
             "first given at " + position(first->second));
    }
    parent.member = {std::move(key.scalar), std::move(key.place), {}};
    parent.key_read = true;
  }

  static std::string position(const Place& place) {
    return "line " + std::to_string(place.line) + ", column " + std::to_string(place.column);
  }

  std::string_view line(int number) const {
    const auto index = static_cast<size_t>(number);
    return number >= 0 && index < lines_.size() ? lines_[index] : std::string_view();
  }

  // The text from the mark on; marks count bytes.
  std::string_view source_from(const YAML::Mark& mark) const {
    const std::string_view whole = line(mark.line);
    if (mark.column < 0 || static_cast<size_t>(mark.column) >= whole.size()) return {};
    return text_.substr(static_cast<size_t>(whole.data() - text_.data()) + static_cast<size_t>(mark.column));
  }
  char source_at(const YAML::Mark& mark) const {
    const std::string_view rest = source_from(mark);
    return rest.empty() ? '\0' : rest[0];
  }

  // yaml-cpp takes the end of the text for the end of a quoted scalar.
  static bool is_closed(std::string_view quoted) {
    const char quote = quoted[0];
    if (quote != '"' && quote != '\'') return true;
    for (size_t i = 1; i < quoted.size(); ++i) {
      if (quote == '"' && quoted[i] == '\\') {
        ++i;
      } else if (quoted[i] == quote) {
        if (quote == '"' || quoted.substr(i + 1, 1) != "'") return true;
        ++i;  // '' is a quote within
      }
    }
    return false;
  }

  Place content_place(const YAML::Mark& mark) {
    const char indicator = source_at(mark);
    Place place = place_of(mark);
    if (indicator != '|' && indicator != '>') return {file_, place.line, place.column + 1};
    for (int next = mark.line + 1; static_cast<size_t>(next) < lines_.size(); ++next) {
      const size_t indent = line(next).find_first_not_of(' ');
      if (indent != std::string_view::npos) return {file_, next + 1, static_cast<int>(indent) + 1};
    }
    return place;
  }

  std::string_view text_;
  std::vector<std::string_view> lines_;
  const std::string& file_;
  struct {
    int line = -1;
    size_t column = 0;  // bytes
    int continued = 0;  // of them that continue a character
  } counted_;
  std::vector<Finding> findings_;
  std::vector<Open> open_;
  Node root_;
  int documents_ = 0;
};

void add_parser_finding(const YAML::Exception& error, TreeBuilder& builder, const std::string& file) {
  const Place place = error.mark.is_null() ? Place{file, 0, 0} : builder.place_of(error.mark);
  if (error.msg == YAML::ErrorMsg::UNKNOWN_ANCHOR)
    return builder.find(place, "an alias (*name) is not allowed", "write the value out");
  builder.find(place, "not YAML: " + error.msg.substr(0, 200),
               "see the line above too; quote text that holds `: ` or ` #`");
}

// `text` without a byte order mark, line ends normalised.
Node parse_text(std::string text, const std::string& file) {
  check_yaml_shape(text, file);
  TreeBuilder builder(text, file);
  TextBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder) && builder.findings().empty()) {
    }
  } catch (const YAML::Exception& error) {
    add_parser_finding(error, builder, file);
  }
  if (!builder.findings().empty()) throw_findings(builder.findings(), file);
  Node root = builder.take();
  if (!builder.has_document() || root.kind == Node::Kind::null)
    throw Error(Exit::usage, "the file is empty", "a recipe needs at least `models:` and `round:`", {file, 1, 1});
  return root;
}

void place_all(Node& node, const Place& place, Origin origin) {
  node.place = place;
  node.origin = origin;
  for (Node& item : node.items) place_all(item, place, origin);
  for (Node::Member& member : node.members) {
    member.place = place;
    place_all(member.value, place, origin);
  }
}

}  // namespace

Node parse_yaml(std::string_view text, const std::string& file) {
  check_yaml_bytes(text, file);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return parse_text(with_unix_line_ends(text), file);
}

Node parse_flow_value(std::string_view text, const Place& place, Origin origin) {
  Node list;
  try {
    check_yaml_bytes(text, place.file);
    list = parse_text("[" + with_unix_line_ends(text) + "]", place.file);
  } catch (const Error& error) {
    const Finding& first = error.findings().at(0);
    throw Error(Exit::usage, "'" + std::string(text.substr(0, 80)) + "' is not one YAML value: " + first.message,
                "quote it if it is meant as text", place);
  }
  if (list.kind != Node::Kind::list || list.items.size() > 1)
    throw Error(Exit::usage, "'" + std::string(text.substr(0, 80)) + "' is more than one value",
                "write a list as [a, b], or quote the text", place);
  Node value = list.items.empty() ? Node::text("", place, origin) : std::move(list.items[0]);
  place_all(value, place, origin);
  return value;
}

}  // namespace sil
