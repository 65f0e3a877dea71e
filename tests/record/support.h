// What the tests of this folder share.
#pragma once

#include <functional>
#include <string>
#include <type_traits>

#include "record/simulated_env.h"
#include "sil/error.h"

namespace sil {

// The exit code of the Error that `work` throws, Exit::ok when it throws none. SimulatedCrash passes through.
inline Exit exit_of(const std::function<void()>& work) {
  try {
    work();
    return Exit::ok;
  } catch (const Error& error) {
    return error.code();
  }
}

inline std::string message_of(const std::function<void()>& work) {
  try {
    work();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace sil
