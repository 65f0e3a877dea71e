// Starts one child with its three pipes; used by Process only.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sil {

struct Spawned {
  pid_t pid = -1;
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;  // our ends, non-blocking and close-on-exec
};

// `argv` and `environment` ("NAME=value") are complete; argv[0] is a path. Throws Error(Exit::unfit) when the system
// refuses a pipe or a process. A failed exec ends the child with code 127 and a line on its stderr.
Spawned spawn(const std::vector<std::string>& argv, const std::vector<std::string>& environment);

}  // namespace sil
