// Finds processes that carry a mark in their environment, wherever they have moved to.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sil {

// Living (not zombie) processes whose environment, as they were started with, holds `mark` ("NAME=value") as an entry.
std::vector<pid_t> marked_processes(const std::string& mark);
// SIGKILL to all of them, again and again until none is left or `passes` are used up (a fork bomb can outrun us).
void kill_marked(const std::string& mark, int passes = 20);

}  // namespace sil
