#include "formats/jsonl.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "sil/digest.h"
#include "tasks/columns.h"

namespace sil::fuzz {
namespace {

// A file in memory that has a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("rows", MFD_CLOEXEC)) {
    must(fd_ >= 0, "no file in memory");
    must(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "no room in memory");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void check_row(JsonLines& rows, Columns& columns) {
  const Place place = rows.place();
  must(place.line >= 1, "a row without a line");
  refused_well(Exit::unreadable, [&] {
    if (columns.prompt.empty() && columns.reference.empty() && columns.chosen.empty())
      columns = find_columns({}, rows.row(), place);
    const Problem problem = problem_of_row(columns, rows.row(), place);
    must(problem.uid == problem_uid(problem.prompt, problem.answer), "another uid than prompt and answer give");
    // What a task keeps is the text of the row: it must give the same again.
    const Problem again = problem_of_row(columns, parse_json(rows.text(), place), place);
    must(again.uid == problem.uid && again.meta == problem.meta, "a row read twice gives two problems");
  });
}

}  // namespace

void jsonl(std::string_view input) {
  const MemoryFile file(input);
  const JsonLinesLimits limits{
      .line_bytes = 4096, .depth = 16, .expansion = {.bytes = 1 << 20, .free_bytes = 1 << 16, .ratio = 100}};
  refused_well(Exit::unreadable, [&] {
    JsonLines rows(file.path(), limits);
    Columns columns;
    while (rows.next()) check_row(rows, columns);
    must(rows.digest() == sha256(input), "the digest is not that of the file");
  });
}

}  // namespace sil::fuzz
