// Tasks as a recipe makes them.
#pragma once

#include <memory>
#include <string>

#include "support/plugin.h"
#include "tasks/tasks.h"

namespace sil::test {

inline Registry<Task> task_shelf() {
  Registry<Task> out("task");
  register_addition(out);
  register_multiplication(out);
  register_neighbour(out);
  register_copy(out);
  register_countdown(out);
  register_jsonl(out);
  register_lua(out);
  register_program(out);
  return out;
}

inline std::unique_ptr<Task> make_task(const std::string& name, Json::Object options = {}) {
  return make_plugin(task_shelf(), name, std::move(options));
}

inline Json list(double low, double high) {
  return Json(Json::Array{low, high});
}

}  // namespace sil::test
