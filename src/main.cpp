// The one place where failures become messages and exit codes.
#include <exception>
#include <new>
#include <span>
#include <string>

#include "app/cli.h"
#include "app/failure.h"
#include "app/output.h"
#include "app/signals.h"
#include "sil/error.h"

namespace {

int guarded(int argc, char** argv, bool json) {
  const std::span<char* const> words(argv, static_cast<size_t>(argc));
  try {
    const int code = sil::run_cli(argc, argv);
    sil::flush_output();
    return code;
  } catch (const sil::Error& error) {
    return sil::report_failure(error, words, json);
  } catch (const std::bad_alloc&) {
    return sil::report_error({sil::Exit::resources, "out of memory", "use fewer threads, or a machine with more"},
                             json);
  } catch (const std::exception& error) {
    return sil::report_failure({sil::Exit::internal, std::string("internal error: ") + error.what(),
                                "this is a bug; please report it with the command and the recipe"},
                               words, json);
  }
}

}  // namespace

int main(int argc, char** argv) {
  sil::watch_signals();
  const bool json = sil::wants_json(argc, argv);
  try {
    const int code = guarded(argc, argv, json);
    sil::flush_output();
    return code;
  } catch (const sil::Error& error) {  // stdout itself cannot be written
    return sil::report_error(error, false);
  }
}
