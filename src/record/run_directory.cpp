#include "record/run_directory.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "record/paths.h"

namespace sil {
namespace {

constexpr std::string_view kMagic = "sil run format ";
constexpr const char* kNewSil = "SIL.new";

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path.empty() ? "." : path;
}

// The format number of SIL's text, nothing when it is none.
std::optional<int> format_of(std::string_view text) {
  if (!text.starts_with(kMagic) || !text.ends_with('\n')) return std::nullopt;
  const std::string_view digits = text.substr(kMagic.size(), text.size() - kMagic.size() - 1);
  if (digits.empty() || digits.size() > 6 || digits[0] == '0') return std::nullopt;
  int number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = 10 * number + (c - '0');
  }
  return number;
}

void check_format(Env& env, const std::string& path) {
  const std::string name = path + "/SIL";
  const std::string text = env.read_all(name);
  const std::optional<int> format = format_of(text);
  if (!format)
    throw Error(Exit::corrupt, name + " does not say '" + std::string(kMagic) + std::to_string(kRunFormat) + "'",
                "nothing was changed; restore the run directory from a copy, or choose another --out");
  if (*format > kRunFormat)
    throw Error(Exit::newer,
                path + " has run format " + std::to_string(*format) + ", this program knows formats up to " +
                    std::to_string(kRunFormat),
                "use the version of sil that wrote it, or a later one");
}

[[noreturn]] void throw_not_a_run(const std::string& path, const std::string& why) {
  throw Error(Exit::usage, path + " " + why, "choose another directory with --out");
}

// Makes the directory and those above it that are missing. Whether it was there is no sign that its name is durable, so
// the names are synced by sync_ancestors() until the journal has a record. Other processes may be doing the same.
void make_directories(Env& env, const std::string& path) {
  if (env.is_dir(path)) return;
  if (env.exists(path) && !env.is_dir(path)) throw_not_a_run(path, "is not a directory");
  if (const std::string parent = parent_of(path); parent != path) make_directories(env, parent);
  env.make_dir(path);
  env.sync_dir(parent_of(path));
}

// The process that made the directories may have been killed between a mkdir and its fsync, and nothing tells which of
// them it made. The one above must be durable; those further up may belong to others and refuse to be opened.
void sync_ancestors(Env& env, const std::string& path) {
  std::string parent = parent_of(path);
  env.sync_dir(parent);
  while (parent != "." && parent != "/") {
    parent = parent_of(parent);
    try {
      env.sync_dir(parent);
    } catch (const Error&) {
      break;
    }
  }
}

// Refuses a directory that holds something else, before anything is put there.
void check_is_run_or_empty(Env& env, const std::string& path) {
  const std::vector<std::string> names = env.list(path);
  const bool may_be_half_made = std::all_of(names.begin(), names.end(),
                                            [](const std::string& name) { return name == "lock" || name == kNewSil; });
  if (may_be_half_made || env.exists(path + "/SIL")) return;
  throw_not_a_run(path, "is not empty and no run directory (it has no SIL file; it holds '" + names.front() + "')");
}

// SIL appears whole or not at all.
void write_sil(Env& env, const std::string& path) {
  const std::string temporary = path + "/" + kNewSil;
  env.remove(temporary);
  const std::unique_ptr<OutputFile> file = env.create(temporary, Create::exclusive);
  file->write(std::string(kMagic) + std::to_string(kRunFormat) + "\n");
  file->sync();
  env.rename_over(temporary, path + "/SIL");
  env.sync_dir(path);
}

// The journal is made before anything it could name.
void check_journal_present(Env& env, const std::string& path) {
  if (env.exists(path + "/journal")) return;
  for (const char* folder : {"/rounds", "/objects"})
    if (env.exists(path + folder))
      throw Error(Exit::corrupt, path + "/journal is missing, but " + path + folder + " is there",
                  "nothing was changed; restore the journal from a copy, or choose another --out");
}

std::unique_ptr<FileLock> claim(Env& env, const std::string& path) {
  make_directories(env, path);
  check_is_run_or_empty(env, path);
  // Before the lock: a directory of a newer format is not touched at all.
  if (env.exists(path + "/SIL")) check_format(env, path);
  std::unique_ptr<FileLock> lock = lock_run(env, path);
  if (!env.exists(path + "/SIL")) {
    write_sil(env, path);
  } else {
    check_format(env, path);
  }
  check_journal_present(env, path);
  return lock;
}

}  // namespace

RunDirectory::RunDirectory(Env& env, std::string path)
    : env_(env), path_(without_trailing_slashes(std::move(path))), lock_(claim(env, path_)), objects_(env, path_) {
  journal_ = std::make_unique<Journal>(env, at("journal"));
  if (journal_->found().empty()) sync_ancestors(env, path_);
  objects_.clear_temporaries();
}

std::unique_ptr<FileLock> lock_run(Env& env, const std::string& path) {
  const std::string name = path + "/lock";
  if (std::unique_ptr<FileLock> lock = env.lock(name)) return lock;
  std::string owner;
  try {
    owner = env.read_all(name).substr(0, 20);
  } catch (const Error&) {
    // Only for the message.
  }
  owner.erase(std::find_if(owner.begin(), owner.end(), [](char c) { return c < '0' || c > '9'; }), owner.end());
  throw Error(Exit::in_use, path + " is in use by " + (owner.empty() ? "another process" : "process " + owner),
              "wait until it ends, or choose another directory with --out");
}

JournalContents read_run_journal(Env& env, const std::string& path) {
  const std::string run = without_trailing_slashes(path);
  if (!env.is_dir(run)) throw Error(Exit::unreadable, run + " is not a directory", "`sil ls` names the runs");
  if (!env.exists(run + "/SIL"))
    throw Error(Exit::unreadable, run + " is no run directory: it has no SIL file", "`sil ls` names the runs");
  check_format(env, run);
  check_journal_present(env, run);
  const std::string journal = run + "/journal";
  return parse_journal(env.exists(journal) ? env.read_all(journal) : std::string(), journal);
}

}  // namespace sil
