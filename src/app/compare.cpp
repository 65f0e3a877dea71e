// `sil fsck`, `sil reproduce` and `sil diff`: is the record what it says it is.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "loop/loop.h"
#include "loop/views.h"
#include "sil/env.h"

namespace sil {
namespace {

// A new directory for a run that is made only to be compared.
class ScratchDirectory {
 public:
  ScratchDirectory() : path_((std::filesystem::temp_directory_path() / "sil-reproduce-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr)
      throw Error(Exit::io, "cannot make a directory like `" + path_ + "`: " + std::strerror(errno),
                  "set TMPDIR to a directory that can be written");
  }
  ~ScratchDirectory() {
    try {
      system_env().remove_tree(path_);
    } catch (const Error& error) {
      tell("left behind: " + path_ + ": " + error.what());
    }
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  std::string at(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

const RoundComparison* first_unequal(const std::vector<RoundComparison>& rounds) {
  for (const RoundComparison& round : rounds)
    if (!round.equal) return &round;
  return nullptr;
}

std::string difference_text(const RoundComparison& round) {
  return "round " + round.round + ": " + round.first_difference;
}

// How far the run must be repeated to compare one section; 0 = to its end.
int64_t last_round(const std::string& label) {
  if (label.empty() || label == "after") return 0;
  if (label.size() > 9 || label.find_first_not_of("0123456789") != std::string::npos)
    throw Error(Exit::usage, "`" + label + "` is no round", "a round is 0 (before), 1, 2 ..., or after");
  return std::max<int64_t>(1, std::stoll(label));
}

}  // namespace

int fsck_command(const std::string& run, int64_t threads, bool json) {
  const FsckReport report = fsck_run(system_env(), run, thread_count(threads));
  const Builtins builtins;
  fsck_flow(system_env(), run, builtins.registries, builtins.steps);
  if (!json) {
    print("ok: " + std::to_string(report.records) + " records, " + std::to_string(report.bytes) + " bytes, digest " +
          report.digest.hex() + "\n");
    return 0;
  }
  Json out = Json::object();
  out.set("schema_version", 1);
  out.set("ok", true);
  out.set("records", report.records);
  out.set("bytes", report.bytes);
  out.set("digest", report.digest.hex());
  print_json(out);
  return 0;
}

int reproduce_command(const ReproduceArguments& arguments) {
  const Builtins builtins;
  const ScratchDirectory scratch;
  std::vector<RoundComparison> rounds =
      reproduce_run(system_env(), arguments.run, scratch.at("run"), last_round(arguments.round),
                    thread_count(arguments.threads), builtins.registries, builtins.steps);
  if (!arguments.round.empty()) {
    std::erase_if(rounds, [&](const RoundComparison& round) { return round.round != arguments.round; });
    if (rounds.empty())
      throw Error(Exit::usage, arguments.run + " has no finished round `" + arguments.round + "`",
                  "sil show " + shell_word(arguments.run) + " lists its rounds");
  }
  const bool equal = first_unequal(rounds) == nullptr;
  Json rows = Json::array();
  for (const RoundComparison& round : rounds) {
    Json row = Json::object();
    row.set("round", label_json(round.round));
    row.set("equal", round.equal);
    row.set("steps", round.steps);
    row.set("first_difference", round.equal ? Json() : Json(round.first_difference));
    rows.push(std::move(row));
    if (!arguments.json)
      print(round.equal ? "round " + round.round + ": equal, " + std::to_string(round.steps) + " steps\n"
                        : difference_text(round) + "\n");
  }
  if (arguments.json) {
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("equal", equal);
    out.set("rounds", std::move(rows));
    print_json(out);
  }
  return static_cast<int>(equal ? Exit::ok : Exit::differs);
}

int diff_command(const std::string& a, const std::string& b, bool json) {
  const Builtins builtins;
  const std::vector<RoundComparison> rounds =
      compare_runs(load_run(system_env(), a, builtins.registries, builtins.steps),
                   load_run(system_env(), b, builtins.registries, builtins.steps));
  const RoundComparison* different = first_unequal(rounds);
  if (json) {
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("equal", different == nullptr);
    out.set("first_difference", different == nullptr ? Json() : Json(difference_text(*different)));
    print_json(out);
  } else {
    print(different == nullptr ? "equal: " + std::to_string(rounds.size()) + " rounds\n"
                               : difference_text(*different) + "\n");
  }
  return static_cast<int>(different == nullptr ? Exit::ok : Exit::differs);
}

}  // namespace sil
