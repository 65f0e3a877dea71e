// `sil template render`: a model's chat template from the shell, as `transformers` renders it.
#include <charconv>
#include <chrono>
#include <map>
#include <optional>

#include "app/commands.h"
#include "app/output.h"
#include "app/row_filter.h"
#include "jinja/template.h"
#include "sil/env.h"
#include "tokenizers/chat_templates.h"

namespace sil {
namespace {

// "2024-07-26T09:05:03", what stands behind it (a fraction, Z) left out.
std::optional<std::chrono::sys_seconds> time_of(std::string_view text) {
  using namespace std::chrono;
  int64_t parts[6] = {};
  constexpr size_t kBegin[] = {0, 5, 8, 11, 14, 17}, kLength[] = {4, 2, 2, 2, 2, 2};
  constexpr std::string_view kMarks = "--T::";
  if (text.size() < 19) return {};
  for (size_t i = 0; i < 6; ++i) {
    const char *begin = text.data() + kBegin[i], *end = begin + kLength[i];
    if (std::from_chars(begin, end, parts[i]).ptr != end || parts[i] < 0) return {};
    if (i < 5 && *end != kMarks[i]) return {};
  }
  const year_month_day day{year(static_cast<int>(parts[0])), month(static_cast<unsigned>(parts[1])),
                           std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) return {};
  return sys_days(day) + hours(parts[3]) + minutes(parts[4]) + seconds(parts[5]);
}

// A template file, or those of a model's folder with its special tokens.
struct Templates {
  std::map<std::string, jinja::Template> by_name;
  Json bos_token, eos_token;  // null: the model has none
};

Templates read_templates(const std::string& path) {
  Env& env = system_env();
  Templates out;
  if (!env.is_dir(path)) {
    out.by_name.emplace("default", jinja::Template::parse(env.read_all(path), {path, 0, 0}));
    return out;
  }
  const ChatTemplates given = read_chat_templates(path);
  for (const auto& [name, source] : given.by_name)
    out.by_name.emplace(name, jinja::Template::parse(source.text, source.place));
  out.bos_token = given.bos_token;
  out.eos_token = given.eos_token;
  if (out.by_name.empty())
    throw Error(Exit::unreadable, path + " has no chat template",
                "expected chat_template.jinja, or chat_template in tokenizer_config.json");
  return out;
}

class TemplateRows final : public RowFilter {
 public:
  explicit TemplateRows(const Templates& templates)
      : RowFilter(
            "{\"messages\", \"tools\"?, \"add_generation_prompt\"?, \"bos_token\"?, \"eos_token\"?, \"extra\"?, "
            "\"now\"?}"),
        templates_(templates) {}

 private:
  void add(const Json& row) override {
    if (row.find("messages") == nullptr || !row.at("messages").is_array()) refuse("the row has no list `messages`");
    jinja::Settings settings;
    const std::string now = text_member(row, "now");
    settings.now = time_of(now.empty() ? system_env().utc_time() : now);
    if (!settings.now) refuse("`now` is '" + now + "', not a time as 2024-07-26T09:05:03");
    answers_.push_back(rendered(chosen(row), variables(row), settings));
  }

  void answer() override {
    for (const Json& one : answers_) print_json(one);
    answers_.clear();
  }

  Json variables(const Json& row) const {
    Json out = Json::object();
    out.set("messages", row.at("messages"));
    const auto given = [&](const char* name, Json otherwise) {
      const Json* value = row.find(name);
      return value == nullptr ? std::move(otherwise) : *value;
    };
    out.set("tools", given("tools", Json()));
    out.set("documents", Json());
    out.set("add_generation_prompt", given("add_generation_prompt", Json(false)));
    for (const auto& [name, own] :
         {std::pair{"bos_token", &templates_.bos_token}, {"eos_token", &templates_.eos_token}})
      if (Json token = given(name, *own); !token.is_null()) out.set(name, std::move(token));
    const Json* extra = row.find("extra");
    if (extra == nullptr || extra->is_null()) return out;
    if (!extra->is_object()) refuse(std::string("`extra` is ") + extra->kind() + ", not a map");
    for (const auto& [name, value] : extra->as_object()) out.set(name, value);
    return out;
  }

  // Of several, the one for tools where the row has any, as transformers chooses.
  const jinja::Template& chosen(const Json& row) const {
    const Json* tools = row.find("tools");
    const auto for_tools = templates_.by_name.find("tool_use");
    if (tools != nullptr && !tools->is_null() && for_tools != templates_.by_name.end()) return for_tools->second;
    const auto found = templates_.by_name.find("default");
    if (found == templates_.by_name.end()) refuse("the model has no chat template named `default`");
    return found->second;
  }

  static Json rendered(const jinja::Template& chat, const Json& variables, const jinja::Settings& settings) {
    Json error = Json::object(), out = Json::object();
    try {
      out.set("rendered", chat.render(variables, settings).text);
      return out;
    } catch (const jinja::Refusal& refusal) {
      error.set("kind", "raise_exception");
      error.set("message", refusal.message);
    } catch (const Error& failure) {
      if (failure.code() != Exit::unreadable) throw;
      error.set("kind", "runtime");
      error.set("message", failure.what());
    }
    out.set("error", std::move(error));
    return out;
  }

  const Templates& templates_;
  std::vector<Json> answers_;
};

}  // namespace

int template_render_command(const std::string& path) {
  const Templates templates = read_templates(path);
  TemplateRows(templates).run();
  return 0;
}

}  // namespace sil
