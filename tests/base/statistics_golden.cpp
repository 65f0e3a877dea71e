// Against numpy, scipy and statsmodels: tests/golden/make_statistics.py wrote the figures.
#include <cmath>
#include <fstream>
#include <iterator>

#include "base/statistics.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;

namespace {

const Json& golden() {
  static const Json values = [] {
    std::ifstream in(SIL_SOURCE_DIR "/tests/golden/statistics.json", std::ios::binary);
    return parse_json(std::string{std::istreambuf_iterator<char>(in), {}});
  }();
  return values;
}

std::vector<double> numbers(const Json& list) {
  std::vector<double> out;
  for (const Json& value : list.as_array()) out.push_back(value.as_double());
  return out;
}

}  // namespace

TEST_CASE("pass@k is the estimator that the HumanEval paper prints as numpy code") {
  for (const Json& row : golden().at("pass_at_k").as_array()) {
    const Json::Array& r = row.as_array();
    INFO(dump(row));
    CHECK(pass_at_k(r[0].as_int(), r[1].as_int(), r[2].as_int()) ==
          Approx(r[3].as_double()).epsilon(1e-13).margin(1e-15));
  }
}

TEST_CASE("Wilson's interval is statsmodels'") {
  for (const Json& row : golden().at("wilson").as_array()) {
    const std::vector<double> r = numbers(row);
    INFO(dump(row));
    CHECK(wilson(r[0], r[1]).low == Approx(r[2]).epsilon(1e-12).margin(1e-15));
    CHECK(wilson(r[0], r[1]).high == Approx(r[3]).epsilon(1e-12));
  }
}

TEST_CASE("McNemar's exact test is statsmodels'") {
  for (const Json& row : golden().at("mcnemar").as_array()) {
    const Json::Array& r = row.as_array();
    INFO(dump(row));
    CHECK(mcnemar_exact(r[0].as_int(), r[1].as_int()) == Approx(r[2].as_double()).epsilon(1e-10));
  }
}

// Both resample; with 20,000 resamples an end of the interval lies within a few hundredths of a standard error.
TEST_CASE("the paired bootstrap is scipy's percentile bootstrap of the differences") {
  for (const Json& row : golden().at("bootstrap").as_array()) {
    const std::vector<double> a = numbers(row.at("a")), b = numbers(row.at("b"));
    const PairedTest test = paired_bootstrap(a, b, 5, 20000);
    const double error = row.at("standard_error").as_double(), share = row.at("not_better").as_double();
    INFO(a.size() << " problems");
    CHECK(test.difference == Approx(row.at("difference").as_double()).margin(1e-14));
    CHECK(test.interval.low == Approx(row.at("low").as_double()).margin(0.1 * error));
    CHECK(test.interval.high == Approx(row.at("high").as_double()).margin(0.1 * error));
    CHECK(test.p_value == Approx(share).margin(5 * std::sqrt(share * (1 - share) / 20000) + 1e-4));
  }
}
