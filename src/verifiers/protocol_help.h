#pragma once

#include <string>

namespace sil {

// sil-verifier/1 for people who write a grader, with two complete ones (`sil help verifier-protocol`).
std::string verifier_protocol_help();

}  // namespace sil
