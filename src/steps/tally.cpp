#include "steps/tally.h"

#include <cmath>

namespace sil {
namespace {

constexpr double kUnit = 0x1p-30;

int64_t value_of(const std::map<std::string, int64_t, std::less<>>& values, const std::string& name) {
  auto it = values.find(name);
  return it == values.end() ? 0 : it->second;
}

}  // namespace

int64_t& Tally::at(Values& values, std::string_view name) {
  const auto it = values.find(name);
  return it == values.end() ? values[std::string(name)] : it->second;
}

void Tally::add(std::string_view name, double value) {
  SIL_CHECK(std::isfinite(value));
  at(sums_, name) += std::llround(value / kUnit);
}

void Tally::merge(const Tally& other) {
  for (const auto& [name, value] : other.counts_) counts_[name] += value;
  for (const auto& [name, value] : other.sums_) sums_[name] += value;
}

int64_t Tally::count_of(const std::string& name) const {
  return value_of(counts_, name);
}

double Tally::sum_of(const std::string& name) const {
  return static_cast<double>(value_of(sums_, name)) * kUnit;
}

double Tally::mean(const std::string& sum, const std::string& count) const {
  int64_t n = count_of(count);
  return n == 0 ? 0 : sum_of(sum) / static_cast<double>(n);
}

double Tally::share(const std::string& part, const std::string& whole) const {
  int64_t n = count_of(whole);
  return n == 0 ? 0 : static_cast<double>(count_of(part)) / static_cast<double>(n);
}

Json Tally::to_json() const {
  Json counts = Json::object();
  for (const auto& [name, value] : counts_) counts.set(name, value);
  Json sums = Json::object();
  for (const auto& [name, value] : sums_) sums.set(name, value);
  Json json = Json::object();
  json.set("counts", std::move(counts));
  json.set("sums", std::move(sums));
  return json;
}

Tally Tally::from_json(const Json& json) {
  Tally tally;
  for (const auto& [name, value] : json.at("counts").as_object()) tally.counts_[name] = value.as_int();
  for (const auto& [name, value] : json.at("sums").as_object()) tally.sums_[name] = value.as_int();
  return tally;
}

}  // namespace sil
