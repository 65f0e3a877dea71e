#include "loop/frame_scan.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "sil/error.h"
#include "sil/json.h"

namespace sil {
namespace {

[[noreturn]] void refuse(std::string_view line, std::string_view wanted) {
  throw Error(Exit::corrupt, "a line lacks " + std::string(wanted) + ": " + std::string(line.substr(0, 80)),
              "restore the run directory from a copy");
}

// What follows `key`. Quotes inside of strings are escaped, so that a key with its quotes is never found in a text.
std::string_view after(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) refuse(line, key);
  return line.substr(at + key.size());
}

template <class T = int64_t>
T number(std::string_view text) {
  T value{};
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) refuse(text, "a number");
  return value;
}

// A word in quotes that needs no escapes.
std::string word(std::string_view text) {
  return std::string(text.substr(0, text.find('"')));
}

// A JSON string's inside, escapes left as they are: equal strings are written alike.
std::string_view quoted(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) refuse(text, "a closing quote");
  return text.substr(0, end);
}

std::string unescaped(std::string_view inside) {
  if (inside.find('\\') == std::string_view::npos) return std::string(inside);
  return parse_json("\"" + std::string(inside) + "\"").as_string();
}

constexpr std::string_view kGroup = "{\"group\":";

class Scan {
 public:
  Scan(std::string_view kind, std::string_view text, Span span) : kind_(kind), span_(span) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      if (end == std::string_view::npos) refuse(text.substr(begin), "its end");
      line(text.substr(begin, end + 1 - begin));
      begin = end + 1;
    }
    close_item();
    if (kind_ == "examples") out_.counts["used"] = static_cast<int64_t>(used_.size());
  }
  FrameScan take() { return std::move(out_); }

 private:
  void line(std::string_view line) {
    ++out_.lines;
    if (kind_ == "examples") return example(line);
    const bool names_group = line.starts_with(kGroup);
    const int64_t group = names_group ? number(line.substr(kGroup.size())) : group_;
    if (kind_ == "rollouts") {
      if (names_group)
        begin_group(line, group);
      else
        rollout(line);
    } else {
      if (!names_group) refuse(line, kGroup);
      if (group != group_) begin_item(group);
      if (kind_ == "verdicts")
        verdict(line);
      else
        fate(line);
    }
  }

  void add(std::string_view bytes) {
    hash_.bytes(bytes);
    open_ = true;
  }
  void close_item() {
    if (open_) out_.items.push_back(hash_.finish());
    hash_ = Sha256();
    open_ = false;
  }
  void begin_item(int64_t group) {
    close_item();
    if (first_ < 0) first_ = group;
    if (group - first_ >= span_.end - span_.begin)
      fault("group " + std::to_string(group) + " is outside its frame, which begins with " + std::to_string(first_));
    if (group <= group_) fault("group " + std::to_string(group) + " stands after group " + std::to_string(group_));
    group_ = group;
  }
  void fault(std::string what) {
    if (out_.fault.empty()) out_.fault = std::move(what);
  }

  void begin_group(std::string_view line, int64_t group) {
    begin_item(group);
    add(line);
    ids_.clear();
    members_.clear();
    // The last ones: a problem's metadata may have the same keys.
    std::string_view head = line.substr(0, line.rfind(",\"prompts\":["));
    for (std::string_view makers = line.substr(std::min(line.size(), line.rfind(",\"makers\":[")));;) {
      const size_t at = makers.find("\"member\":");
      if (at == std::string_view::npos) break;
      makers.remove_prefix(at + 9);
      members_.push_back(number<uint32_t>(makers));
    }
    if (!line.substr(kGroup.size()).starts_with(std::to_string(group) + ",\"problem\":{\"uid\":\"")) return;
    const uint64_t uid = parse_hex64(after(line, "\"uid\":\"").substr(0, 16));
    if (group < span_.begin || group >= span_.end) fault("group " + std::to_string(group) + " is outside its frame");
    GroupKey key{uid, 0, 0};
    constexpr std::string_view kParent = ",\"parent\":\"", kOccurrence = ",\"occurrence\":";
    if (head.ends_with('"')) {  // a problem ends with a brace
      const size_t at = head.rfind(kParent);
      key.parent = parse_hex64(after(line.substr(std::min(line.size(), at)), kParent).substr(0, 16));
      head = head.substr(0, at);
    }
    const size_t comma = head.rfind(',');
    if (!head.ends_with('}') && head.substr(std::min(comma, head.size())).starts_with(kOccurrence))
      key.occurrence = number<uint32_t>(head.substr(comma + kOccurrence.size()));
    out_.groups.push_back(key);
    ++out_.counts["groups"];
  }

  void rollout(std::string_view line) {
    constexpr std::string_view kSample = "{\"sample\":";
    if (!line.starts_with(kSample) || !open_) refuse(line, "a group above it");
    add(line);
    const std::string_view head = line.substr(0, line.find(",\"ids\":["));
    const size_t maker =
        head.find(",\"maker\":") == std::string_view::npos ? 0 : number<size_t>(after(head, ",\"maker\":"));
    if (maker >= members_.size()) refuse(line, "its maker");
    const auto sample = number<uint32_t>(line.substr(kSample.size()));
    if (!ids_.emplace(sample, members_[maker]).second)
      fault("group " + std::to_string(group_) + " has sample " + std::to_string(sample) + " twice");
    const std::string_view ids = after(line, ",\"ids\":[");
    const std::string_view list = ids.substr(0, ids.find(']'));
    const std::string finish = word(after(ids, ",\"finish\":\""));
    ++out_.counts["rollouts"];
    out_.counts["tokens"] += list.empty() ? 0 : 1 + std::count(list.begin(), list.end(), ',');
    out_.counts["cut"] += finish == "length";
    out_.counts["cancelled"] += finish == "cancelled";
  }

  void verdict(std::string_view line) {
    const size_t end = line.rfind(",\"cost_us\":");
    if (end == std::string_view::npos) refuse(line, "cost_us");
    add(line.substr(0, end));
    add("\n");
    const std::string_view rest = after(line, ",\"label\":\"");
    ++out_.counts["units"];
    ++out_.counts[word(rest)];
    ++out_.counts["class." + word(after(rest, ",\"class\":\""))];
  }

  void fate(std::string_view line) {
    add(line);
    const std::string_view rest = after(line, ",\"fate\":\"");
    const std::string fate = word(rest);
    const size_t reason = rest.find(",\"reason\":\"");
    ++out_.counts["in"];
    if (fate == "kept") ++out_.counts["kept"];
    if (reason == std::string_view::npos) return;
    const std::string why = unescaped(quoted(rest.substr(reason + 11)));
    ++out_.counts[fate == "kept" ? "unused." + why : fate == "dropped" ? "dropped." + why : fate];
  }

  void example(std::string_view line) {
    add(line);
    close_item();
    ++out_.counts["examples"];
    for (std::string_view rest = line; rest.find("\"segments\":[") != std::string_view::npos;) {
      rest = after(rest, "\"segments\":[");
      while (rest.starts_with('[') || rest.starts_with(",[")) {  // [begin,end,weight,"rollout"]
        const std::string_view id = quoted(after(rest, ",\""));
        if (!id.empty()) used_.emplace(id);
        rest.remove_prefix(static_cast<size_t>(id.data() + id.size() - rest.data()) + 2);
      }
    }
  }

  std::string_view kind_;
  Span span_;
  FrameScan out_;
  int64_t group_ = -1, first_ = -1;  // positions within the part that the frame is of
  Sha256 hash_;
  bool open_ = false;
  std::vector<uint32_t> members_;                // of the group's makers
  std::set<std::pair<uint32_t, uint32_t>> ids_;  // (sample, member) of the group
  std::set<std::string, std::less<>> used_;      // rollouts that examples are made of
};

}  // namespace

FrameScan scan_frame(std::string_view kind, std::string_view text, Span span) {
  return Scan(kind, text, span).take();
}

}  // namespace sil
