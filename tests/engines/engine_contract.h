// What every engine promises (sil/engine.h), as checks that any engine's tests can run:
//
//   TEST_CASE("my engine keeps the contract") { check_engine_contract({.make = ..., .prompts = {...}}); }
//
// Parts that an engine's caps deny are skipped with a warning, after a check that they are indeed refused.
#pragma once

#include "engines/contract_generate.h"
#include "engines/contract_update.h"
#include "engines/contract_versions.h"

namespace sil::test {

// long because each law of the contract is a section of its own
inline void check_engine_contract(const EngineSubject& subject) {
  SECTION("caps are honest") {
    check_caps(subject);
  }
  SECTION("a saved version loads with the same digest") {
    check_round_trip(subject);
  }
  SECTION("bytes that are no version are refused") {
    check_refused_bytes(subject);
  }
  SECTION("the last owner frees a version") {
    check_owners(subject);
  }
  SECTION("an average of versions has the ends of its formula") {
    check_average(subject);
  }
  SECTION("every request is answered once, within its length") {
    check_answers(subject);
  }
  SECTION("results depend on neither batch, order nor threads") {
    check_independence(subject);
  }
  SECTION("the likeliest ids come with a greedy rollout's own at their head") {
    check_likeliest(subject);
  }
  SECTION("several threads may generate and score at once") {
    check_concurrency(subject);
  }
  SECTION("more samples keep the first ones") {
    check_more_samples(subject);
  }
  SECTION("a stop string ends a rollout and is cut") {
    check_stop_strings(subject);
  }
  SECTION("a stop id ends a rollout and its text is cut") {
    check_stop_ids(subject);
  }
  SECTION("a requested stop cancels what is not done") {
    check_cancelling(subject);
  }
  SECTION("sampling options out of range are refused") {
    check_sampling_range(subject);
  }
  SECTION("score equals generate bit for bit") {
    check_score_equals_generate(subject);
  }
  SECTION("temperature 0 takes the likeliest token") {
    check_greedy(subject);
  }
  SECTION("sampled frequencies are the softmax") {
    check_frequencies(subject);
  }
  SECTION("update leaves its origin alone and learns") {
    check_pure_update(subject);
  }
  SECTION("update does not depend on threads") {
    check_update_threads(subject);
  }
  SECTION("a resumed update equals an uninterrupted one") {
    check_resume(subject);
  }
  SECTION("a stopped update equals an uninterrupted one") {
    check_stopped_update(subject);
  }
  SECTION("kept optimizer state survives saving") {
    check_kept_state(subject);
  }
  SECTION("a diverging update is an error") {
    check_divergence(subject);
    check_examples_at_fault(subject);
  }
}

}  // namespace sil::test
