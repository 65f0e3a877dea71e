#include "record/journal.h"

#include "record/simulated_env.h"
#include "record/support.h"
#include "support/catch.h"

namespace sil {
namespace {

constexpr const char* kPath = "/run/journal";

// Three records made by hand with Python's hashlib.sha256.
const std::string kByHand =
    R"({"seq":0,"prev":"00000000000000000000000000000000","type":"open","payload":{"epoch":1},"sum":"ca653afc7cde9ca8bbde1d9189d9d177"})"
    "\n"
    R"({"seq":1,"prev":"ca653afc7cde9ca8bbde1d9189d9d177","type":"frame","payload":{"text":"\u0001 é \"","x":0.1},"sum":"6fbed4123d22e50a873adaa7e87d4b91"})"
    "\n"
    R"({"seq":2,"prev":"6fbed4123d22e50a873adaa7e87d4b91","type":"stop","payload":null,"sum":"c4579b60ef98d7a81a0cc9525bbdafc7"})"
    "\n";

Json frame_payload(int i) {
  return Json::Object{{"segment", "rounds/0001/generate.rollouts.jsonl.zst"},
                      {"offset", 100 * i},
                      {"note", i % 3 == 0 ? "JSON \"*J@\" \n é" : ""},
                      {"x", 0.1 * i}};
}

void append_records(SimulatedEnv& env, int count) {
  env.put_file("/run/SIL", "");
  Journal journal(env, kPath);
  for (int i = 0; i < count; ++i) journal.append(i == 0 ? "open" : "frame", frame_payload(i));
}

std::string journal_of(int count) {
  SimulatedEnv env;
  append_records(env, count);
  return env.contents(kPath);
}

std::vector<std::string> lines_of(const std::string& bytes) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t end = bytes.find('\n', begin) + 1;
    lines.push_back(bytes.substr(begin, end - begin));
    begin = end;
  }
  return lines;
}

// Opening a journal with these bytes fails as corrupt and leaves them.
void check_refused(const std::string& bytes) {
  SimulatedEnv env;
  env.put_file(kPath, bytes);
  CHECK(exit_of([&] { Journal(env, kPath); }) == Exit::corrupt);
  CHECK(env.contents(kPath) == bytes);
}

}  // namespace

TEST_CASE("a journal line is what an independent program computes") {
  SimulatedEnv env;
  env.put_file("/run/SIL", "");
  Journal journal(env, kPath);
  journal.append("open", Json::Object{{"epoch", 1}});
  journal.append("frame", Json::Object{{"text", "\x01 é \""}, {"x", 0.1}});
  journal.append("stop", nullptr);
  CHECK(env.contents(kPath) == kByHand);
}

TEST_CASE("records read back with type, payload and place") {
  const JournalContents contents = parse_journal(kByHand, kPath);
  REQUIRE(contents.records.size() == 3);
  CHECK(contents.records[1].seq == 1);
  CHECK(contents.records[1].type == "frame");
  CHECK(contents.records[1].payload.at("text").as_string() == "\x01 é \"");
  CHECK(contents.records[1].offset == lines_of(kByHand)[0].size());
  CHECK(contents.records[1].length == lines_of(kByHand)[1].size());
  CHECK(contents.records[2].payload.is_null());
  CHECK(contents.valid_bytes == kByHand.size());
  CHECK(contents.torn_bytes == 0);
  CHECK(contents.last_sum == "c4579b60ef98d7a81a0cc9525bbdafc7");
}

TEST_CASE("a journal cut at any byte recovers exactly the whole records before the cut") {
  const std::string whole = journal_of(12);
  const std::vector<std::string> lines = lines_of(whole);
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    size_t records = 0, bytes = 0;
    while (records < lines.size() && bytes + lines[records].size() <= cut) bytes += lines[records++].size();
    const JournalContents contents = parse_journal(whole.substr(0, cut), kPath);
    REQUIRE(contents.records.size() == records);
    REQUIRE(contents.valid_bytes == bytes);
    REQUIRE(contents.torn_bytes == cut - bytes);
  }
}

TEST_CASE("a line whose last bytes never reached the disk is torn") {
  const std::string whole = journal_of(3);
  const size_t begin = whole.size() - lines_of(whole).back().size();
  for (size_t zero = begin; zero < whole.size(); ++zero) {
    std::string bytes = whole;
    for (size_t i = zero; i < bytes.size(); ++i) bytes[i] = '\0';
    REQUIRE(parse_journal(bytes, kPath).torn_bytes == whole.size() - begin);
    bytes = whole;
    bytes[zero] = '\0';
    REQUIRE(parse_journal(bytes, kPath).valid_bytes == begin);
  }
}

TEST_CASE("a torn tail is cut, and the journal goes on after it") {
  SimulatedEnv env;
  append_records(env, 3);
  const std::string three = env.contents(kPath);
  env.put_file(kPath, three + R"({"seq":3,"prev")");
  {
    Journal journal(env, kPath);
    CHECK(journal.torn_bytes() == 15);
    CHECK(env.contents(kPath) == three);
    journal.append("frame", frame_payload(3));
  }
  CHECK(env.contents(kPath) == journal_of(4));
}

TEST_CASE("every flipped bit of a journal is noticed") {
  const std::string whole = journal_of(12);
  const size_t last = whole.size() - lines_of(whole).back().size();
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    JournalContents contents;
    const Exit code = exit_of([&] { contents = parse_journal(bytes, kPath); });
    const bool dropped = bit / 8 >= last && contents.torn_bytes > 0 && contents.valid_bytes == last;
    if (code != Exit::corrupt && !dropped) FAIL("bit " << bit << " of byte " << whole[bit / 8] << " was not noticed");
  }
}

TEST_CASE("gaps, repetitions and other orders are damage and are left as they are") {
  const std::vector<std::string> lines = lines_of(journal_of(4));
  check_refused(lines[0] + lines[2] + lines[3]);
  check_refused(lines[1] + lines[2]);
  check_refused(lines[0] + lines[1] + lines[1] + lines[2]);
  check_refused(lines[0] + lines[1] + lines[1]);
  check_refused(lines[0] + lines[2] + lines[1] + lines[3]);
}

TEST_CASE("foreign lines are damage wherever they stand") {
  const std::vector<std::string> lines = lines_of(journal_of(3));
  for (const std::string foreign : {"\n", "hello\n", "{}\n", "{\"seq\":1}\n", "\r\n"}) {
    check_refused(foreign + lines[0]);
    check_refused(lines[0] + foreign + lines[1]);
    check_refused(lines[0] + foreign);
  }
  check_refused(lines[0] + lines[1].substr(0, lines[1].size() - 1) + "*");  // a whole record was finished once
  // A line of another journal, which has another past.
  SimulatedEnv env;
  env.put_file("/run/SIL", "");
  {
    Journal other(env, kPath);
    other.append("open", "other");
    other.append("frame", frame_payload(1));
  }
  check_refused(lines[0] + lines_of(env.contents(kPath))[1] + lines[2]);
}

TEST_CASE("whitespace, other escapes and upper-case digits are damage even under a right sum") {
  // The sums were made by Python's hashlib over exactly these texts.
  check_refused(
      R"({"seq":0,"prev":"00000000000000000000000000000000","type":"open","payload":{"epoch": 1},"sum":"ce136c1cbac3c09d0c9c15309411d37a"})"
      "\n");
  check_refused(
      R"({"seq":0,"prev":"00000000000000000000000000000000","type":"open","payload":{"a":"\u0041"},"sum":"e2250e14a61966b910d0f78bbf9abb61"})"
      "\n");
  std::string upper = kByHand;
  upper.replace(upper.find("ca653"), 2, "CA");
  check_refused(upper);
}

TEST_CASE("the message names file, record, byte and what to do") {
  const std::vector<std::string> lines = lines_of(kByHand);
  const std::string message = message_of([&] { parse_journal(lines[0] + lines[2], "runs/a/journal"); });
  CHECK_THAT(message, Catch::Contains("runs/a/journal:2: record 1 at byte 129 is damaged: its seq is 2, expected 1"));
  CHECK_THAT(message, Catch::Contains("nothing was changed"));
}

TEST_CASE("nothing is appended after a failed fsync or write, and the record is not there when reopened") {
  for (const char* call : {"write", "sync"}) {
    for (uint64_t seed = 0; seed < 6; ++seed) {
      SimulatedEnv env;
      append_records(env, 2);
      const std::string two = env.contents(kPath);
      env.restart();
      Journal journal(env, kPath);
      const uint64_t first = env.calls().size();  // exists, file_size, write, sync
      env.plan({first + (std::string(call) == "write" ? 2 : 3), Fault::Kind::io, false, seed});
      REQUIRE(exit_of([&] { journal.append("frame", frame_payload(2)); }) == Exit::io);
      const uint64_t calls = env.calls().size();
      REQUIRE(exit_of([&] { journal.append("frame", frame_payload(2)); }) == Exit::io);
      REQUIRE(env.calls().size() == calls);  // the fsync least of all is tried again
      CHECK(journal.found().size() == 2);
      env.restart();
      Journal again(env, kPath);
      again.append("frame", frame_payload(2));
      env.lose_power(seed);
      REQUIRE(env.contents(kPath) == journal_of(3));
    }
  }
}

TEST_CASE("an append gives back the record, and a journal keeps none of those it wrote") {
  SimulatedEnv env;
  append_records(env, 2);
  Journal journal(env, kPath);
  CHECK(journal.found().size() == 2);
  const JournalRecord third = journal.append("frame", frame_payload(2));
  CHECK(third.seq == 2);
  CHECK(third.payload == frame_payload(2));
  CHECK(journal.found().size() == 2);
  journal.forget();
  CHECK(journal.found().empty());
  CHECK(journal.append("frame", frame_payload(3)).seq == 3);
  CHECK(env.contents(kPath) == journal_of(4));
}

TEST_CASE("records appended together are the lines of records appended one by one, made durable at once") {
  SimulatedEnv env;
  env.put_file("/run/SIL", "");
  Journal journal(env, kPath);
  journal.append("open", frame_payload(0));
  const uint64_t before = env.calls().size();
  const std::vector<JournalRecord> made =
      journal.append("frame", std::vector<Json>{frame_payload(1), frame_payload(2)});
  CHECK(env.calls().size() == before + 4);  // exists, file_size, write, sync
  CHECK(env.contents(kPath) == journal_of(3));
  REQUIRE(made.size() == 2);
  const JournalContents read = parse_journal(env.contents(kPath), kPath);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(made[i].seq == i + 1);
    CHECK(made[i].offset == read.records[i + 1].offset);
    CHECK(made[i].payload == frame_payload(static_cast<int>(i) + 1));
  }
  journal.append("frame", frame_payload(3));
  CHECK(env.contents(kPath) == journal_of(4));
}

TEST_CASE("a second writer is noticed by the size of the file") {
  SimulatedEnv env;
  append_records(env, 1);
  Journal first(env, kPath);
  Journal second(env, kPath);
  first.append("frame", frame_payload(1));
  const std::string bytes = env.contents(kPath);
  CHECK(exit_of([&] { second.append("frame", frame_payload(2)); }) == Exit::in_use);
  CHECK(env.contents(kPath) == bytes);
  env.remove(kPath);
  CHECK(exit_of([&] { first.append("frame", frame_payload(2)); }) == Exit::in_use);
}

TEST_CASE("what could not be read back is not written") {
  SimulatedEnv env;
  append_records(env, 1);
  Journal journal(env, kPath);
  const std::string before = env.contents(kPath);
  CHECK(exit_of([&] { journal.append("frame", Json::Object{{"a", 1}, {"a", 2}}); }) == Exit::internal);
  CHECK(exit_of([&] { journal.append("Frame", nullptr); }) == Exit::internal);
  CHECK(exit_of([&] { journal.append("a\",\"b", nullptr); }) == Exit::internal);
  CHECK(env.contents(kPath) == before);
  journal.append("frame", frame_payload(1));  // the journal is well
  CHECK(env.contents(kPath) == journal_of(2));
}

}  // namespace sil
