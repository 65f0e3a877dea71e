#pragma once

namespace sil {

// Reads the command line and runs its command. Throws Error(Exit::usage) for a line that means nothing.
int run_cli(int argc, char** argv);

// Whether errors go to stdout as JSON too; known even when the rest of the line means nothing.
bool wants_json(int argc, char** argv);

}  // namespace sil
