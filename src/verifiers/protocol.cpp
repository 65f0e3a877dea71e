#include "verifiers/protocol.h"

#include <algorithm>
#include <cmath>

#include "cage/printable.h"

namespace sil {
namespace {

constexpr size_t kQuoted = 120;  // bytes of a bad line that a message shows
constexpr size_t kReasonBytes = 2000;
constexpr size_t kNameBytes = 100;
constexpr size_t kMaxParts = 100;
constexpr JsonLimits kReplyLimits{.depth = 32, .bytes = kMaxReplyBytes};

Breach broken(std::string what, std::string_view line, std::optional<int64_t> id = {}) {
  return {Outcome::error, std::move(what) + ": " + printable(line, kQuoted), id};
}

std::variant<Json, Breach> parse_object(std::string_view line, const char* kind) {
  try {
    Json value = parse_json(line, {}, kReplyLimits);
    if (value.is_object()) return value;
    return broken(std::string(kind) + " is " + value.kind() + ", not a JSON object", line);
  } catch (const Error& error) {
    return broken(std::string(kind) + " is not a JSON object in one line (" + printable(error.what(), kQuoted) + ")",
                  line);
  }
}

// A name or a version: shown in reports and part of digests.
bool is_name(const Json* value) {
  if (!value || !value->is_string()) return false;
  const std::string& text = value->as_string();
  return !text.empty() && text.size() <= kNameBytes && printable(text, kNameBytes) == text;
}

// "" when fine, else what is wrong with the optional fields.
std::string read_capacity(const Json& message, Handshake& out) {
  if (const Json* batch = message.find("batch"); batch && !batch->is_null()) {
    if (!batch->is_int() || batch->as_int() < 1 || batch->as_int() > kMaxBatch)
      return "`batch` must be an integer from 1 to " + std::to_string(kMaxBatch);
    out.batch = batch->as_int();
  }
  if (const Json* list = message.find("capabilities"); list && !list->is_null()) {
    if (!list->is_array()) return "`capabilities` must be a list of strings";
    for (const Json& item : list->as_array()) {
      if (!is_name(&item)) return "`capabilities` must be a list of strings";
      out.capabilities.push_back(item.as_string());
    }
  }
  return {};
}

bool finite(const Json& value) {
  return value.is_number() && std::isfinite(value.as_double());
}

std::string read_label(const Json& message, Reply& out) {
  const Json* label = message.find("label");
  if (!label || label->is_null()) return {};
  for (Label known : {Label::pass, Label::fail, Label::abstain})
    if (label->is_string() && label->as_string() == name(known)) out.label = known;
  return out.label ? "" : "`label` must be \"pass\", \"fail\" or \"abstain\"";
}

std::string read_score(const Json& message, Reply& out) {
  const Json* score = message.find("score");
  const bool absent = !score || score->is_null();
  if (absent && out.label == Label::abstain) return {};
  if (absent) return "`score` is missing (only label \"abstain\" does without)";
  if (!finite(*score)) return "`score` must be a finite number";
  out.score = score->as_double();
  return {};
}

std::string read_details(const Json& message, Reply& out) {
  if (const Json* parts = message.find("parts"); parts && !parts->is_null()) {
    if (!parts->is_object()) return "`parts` must map names to numbers";
    if (parts->as_object().size() > kMaxParts) return "`parts` has more than " + std::to_string(kMaxParts) + " entries";
    for (const auto& [part, value] : parts->as_object()) {
      const Json name_of_part(part);
      if (!is_name(&name_of_part) || !finite(value)) return "`parts` must map names to finite numbers";
      out.parts.emplace_back(part, value.as_double());
    }
  }
  if (const Json* reason = message.find("reason"); reason && !reason->is_null()) {
    if (!reason->is_string()) return "`reason` must be a string";
    out.reason = printable(reason->as_string(), kReasonBytes);
  }
  return {};
}

}  // namespace

std::string hello_line() {
  return "{\"protocol\":\"" + std::string(kProtocol) + "\",\"type\":\"hello\"}\n";
}

std::string request_line(const Request& request) {
  std::string out = "{\"id\":";
  append_json_number(out, request.id);
  out += ",\"prompt\":";
  append_json_string(out, request.prompt);
  out += ",\"completion\":";
  append_json_string(out, request.completion);
  out += ",\"answer\":";
  if (request.answer) {
    append_json_string(out, *request.answer);
  } else {
    out += "null";
  }
  out += ",\"extra\":" + (request.extra ? dump(*request.extra) : "{}");
  out += ",\"deadline_ms\":";
  append_json_number(out, request.deadline_ms);
  return out + "}\n";
}

std::variant<Handshake, Breach> parse_handshake(std::string_view line) {
  std::variant<Json, Breach> parsed = parse_object(line, "the handshake");
  if (Breach* breach = std::get_if<Breach>(&parsed)) return std::move(*breach);
  const Json& message = std::get<Json>(parsed);
  const Json* protocol = message.find("protocol");
  if (!protocol || *protocol != Json(kProtocol))
    return broken("the handshake must say \"protocol\":\"" + std::string(kProtocol) + "\"", line);
  Handshake out;
  for (const auto& [field, value] : {std::pair{"name", &out.name}, std::pair{"version", &out.version}}) {
    const Json* found = message.find(field);
    if (!is_name(found))
      return broken(std::string("the handshake must say `") + field + "`, a printable string of 1 to 100 bytes", line);
    *value = found->as_string();
  }
  if (std::string wrong = read_capacity(message, out); !wrong.empty()) return broken("handshake: " + wrong, line);
  return out;
}

std::variant<Reply, Breach> parse_reply(std::string_view line) {
  std::variant<Json, Breach> parsed = parse_object(line, "a reply");
  if (Breach* breach = std::get_if<Breach>(&parsed)) return std::move(*breach);
  const Json& message = std::get<Json>(parsed);
  const Json* id = message.find("id");
  if (!id || !id->is_int()) return broken("a reply without the integer `id` of its request", line);
  Reply out;
  out.id = id->as_int();
  std::string wrong = read_label(message, out);
  if (wrong.empty()) wrong = read_score(message, out);
  if (wrong.empty()) wrong = read_details(message, out);
  if (!wrong.empty()) return broken("reply to request " + std::to_string(out.id) + ": " + wrong, line, out.id);
  return out;
}

}  // namespace sil
