#include "record/journal.h"

#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "record/simulated_env.h"
#include "steps/run_state.h"

namespace sil::fuzz {
namespace {

// A record as the journal's format says it, whatever the type and the payload: what an attacker would write.
std::string sealed_line(uint64_t seq, std::string_view prev, std::string_view type, std::string_view payload) {
  std::string line = "{\"seq\":" + std::to_string(seq) + ",\"prev\":\"" + std::string(prev) + "\",\"type\":\"" +
                     std::string(type) + "\",\"payload\":" + std::string(payload);
  const std::string sum = sha256(line + "}").hex().substr(0, 32);
  return line + ",\"sum\":\"" + sum + "\"}\n";
}

// Each line `TYPE PAYLOAD` of the input as a record with the right sums.
std::string sealed(std::string_view input) {
  std::string out;
  std::string prev(32, '0');
  for (uint64_t seq = 0; !input.empty(); ++seq) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    const size_t space = std::min(line.find(' '), line.size());
    const std::string record =
        sealed_line(seq, prev, line.substr(0, space), line.substr(std::min(line.size(), space + 1)));
    prev = record.substr(record.size() - 35, 32);
    out += record;
  }
  return out;
}

// Written by the journal itself, they are read as the same records.
void write_again(const std::vector<JournalRecord>& records) {
  SimulatedEnv env;
  Journal journal(env, "journal");
  for (const JournalRecord& record : records) journal.append(record.type, record.payload);
  const std::vector<JournalRecord> again = parse_journal(env.contents("journal"), "journal").records;
  must(again.size() == records.size(), "records are lost by the writer");
  for (size_t i = 0; i < records.size(); ++i)
    must(again[i].type == records[i].type && dump_canonical(again[i].payload) == dump_canonical(records[i].payload),
         "a record that does not survive its own writer");
}

void parse_and_fold(std::string_view bytes) {
  refused_well(Exit::corrupt, [&] {
    const JournalContents contents = parse_journal(bytes, "journal");
    must(contents.valid_bytes + contents.torn_bytes == bytes.size(), "bytes that are neither valid nor torn");
    const JournalContents again = parse_journal(bytes.substr(0, contents.valid_bytes), "journal");
    must(again.records.size() == contents.records.size() && again.torn_bytes == 0, "the valid part is not valid");
    write_again(contents.records);
    replay(contents.records);
  });
}

}  // namespace

void journal(std::string_view input) {
  parse_and_fold(input);
  const std::string whole = sealed(input);
  parse_and_fold(whole);
  if (!input.empty()) parse_and_fold(std::string_view(whole).substr(0, whole.size() * size_t(uint8_t(input[0])) / 256));
}

}  // namespace sil::fuzz
