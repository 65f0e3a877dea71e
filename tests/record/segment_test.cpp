#include "record/segment.h"

#include "record/simulated_env.h"
#include "record/support.h"
#include "support/catch.h"

namespace sil {
namespace {

constexpr const char* kSegment = "rounds/0001/generate.rollouts.jsonl.zst";
constexpr const char* kPath = "/run/rounds/0001/generate.rollouts.jsonl.zst";

std::string text_of(int i) {
  std::string text;
  for (int line = 0; line <= 3 * i; ++line) text += R"({"sample":)" + std::to_string(line * i) + ",\"ids\":[1,2,3]}\n";
  return text;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

struct Run {
  SimulatedEnv env;
  Run() { env.put_file("/run/SIL", ""); }
  SegmentWriter writer(uint64_t end) { return SegmentWriter(env, "/run", kSegment, end); }
  std::string read(const FrameRef& frame) { return read_frame(env, "/run", frame); }
};

}  // namespace

TEST_CASE("a segment's name is kept once, however often it is named") {
  const std::string name = "rounds/0001/a_step_with_a_long_name.rollouts.jsonl.zst";
  const SegmentName first = name, again = std::string_view(name), other = "rounds/0002/a.rollouts.jsonl.zst";
  CHECK(&first.text() == &again.text());
  CHECK(first == again);
  CHECK(first.text() == name);
  CHECK_FALSE(first == other);
  CHECK(SegmentName().text().empty());
}

TEST_CASE("frames read back equal, the empty one too") {
  Run run;
  SegmentWriter writer = run.writer(0);
  std::vector<FrameRef> frames;
  for (int i = 0; i < 5; ++i) frames.push_back(writer.append(encode_frame(i == 2 ? "" : text_of(i))));
  writer.sync();
  for (int i = 0; i < 5; ++i) CHECK(run.read(frames[static_cast<size_t>(i)]) == (i == 2 ? "" : text_of(i)));
  CHECK(frames[0].offset == 0);
  CHECK(frames[1].offset == frames[0].length);
  CHECK(frames[4].raw_length == text_of(4).size());
  CHECK(writer.end() == frames[4].offset + frames[4].length);
}

TEST_CASE("a frame made by the zstd program is read") {
  // printf 'one frame\n' eight times > z.txt; zstd -1 --no-check z.txt
  Run run;
  run.env.put_file(kPath, from_hex("28b52ffd20508d0000506f6e65206672616d650a010053b42001"));
  const FrameRef frame{kSegment, 0, 26, 80,
                       Digest::from_hex("2a3aa0b6f535d6dd438baa36d52d231130e84bb2dcf66f67583a2d61c57e0e02")};
  CHECK(run.read(frame) == "one frame\none frame\none frame\none frame\none frame\none frame\none frame\none frame\n");
}

TEST_CASE("a frame is a zstd frame that says its size and has no checksum of its own") {
  const std::string bytes = encode_frame(text_of(3)).bytes;
  CHECK(bytes.substr(0, 4) == "\x28\xb5\x2f\xfd");
  const auto descriptor = static_cast<unsigned char>(bytes[4]);  // RFC 8878, 3.1.1.1.1
  CHECK((descriptor & 0x04) == 0);
  CHECK((descriptor & 0xE0) != 0);  // content size, or single segment
}

TEST_CASE("a reference survives the journal, and damaged ones are refused") {
  const FrameRef frame{kSegment, 12, 34, 56, sha256("x")};
  const FrameRef again = FrameRef::from_json(frame.to_json());
  CHECK(again.segment == frame.segment);
  CHECK(again.offset == 12);
  CHECK(again.length == 34);
  CHECK(again.raw_length == 56);
  CHECK(again.sha256 == frame.sha256);
  const auto refused = [&](const char* key, Json value) {
    Json json = frame.to_json();
    json.set(key, std::move(value));
    return exit_of([&] { FrameRef::from_json(json); }) == Exit::corrupt;
  };
  CHECK(refused("offset", -1));
  CHECK(refused("length", "34"));
  CHECK(refused("sha256", "00"));
  CHECK(refused("sha256", std::string(64, 'A')));
  for (const char* path : {"", "/etc/passwd", "../x", "rounds/../../x", "rounds/..", "rounds//x", "rounds/"})
    CHECK(refused("segment", path));
  CHECK(exit_of([] { FrameRef::from_json(nullptr); }) == Exit::corrupt);
}

TEST_CASE("every flipped bit of a frame is noticed and named") {
  Run run;
  SegmentWriter writer = run.writer(0);
  writer.append(encode_frame(text_of(1)));
  const FrameRef frame = writer.append(encode_frame(text_of(2)));
  writer.sync();
  for (uint64_t bit = 8 * frame.offset; bit < 8 * (frame.offset + frame.length); ++bit) {
    run.env.flip_bit(kPath, bit);
    REQUIRE(exit_of([&] { run.read(frame); }) == Exit::corrupt);
    run.env.flip_bit(kPath, bit);
  }
  CHECK(run.read(frame) == text_of(2));
  run.env.flip_bit(kPath, 8 * frame.offset);
  CHECK_THAT(message_of([&] { run.read(frame); }),
             Catch::Contains(kSegment) && Catch::Contains("byte " + std::to_string(frame.offset)));
}

TEST_CASE("references to what is not there are corrupt, whatever they promise") {
  Run run;
  SegmentWriter writer = run.writer(0);
  const FrameRef frame = writer.append(encode_frame(text_of(2)));
  writer.sync();
  const auto refused = [&](FrameRef changed) { return exit_of([&] { run.read(changed); }) == Exit::corrupt; };
  FrameRef changed = frame;
  changed.offset = UINT64_MAX;
  CHECK(refused(changed));
  changed = frame;
  changed.length = UINT64_MAX;
  CHECK(refused(changed));
  for (const uint64_t raw : {uint64_t{0}, frame.raw_length + 1, UINT64_MAX}) {  // no allocation of that size either
    changed = frame;
    changed.raw_length = raw;
    CHECK(refused(changed));
  }
  changed = frame;
  changed.segment = "rounds/0002/generate.rollouts.jsonl.zst";
  CHECK(refused(changed));
  // RFC 8878: 8 bytes of content size that say 2^50, then an empty last block.
  run.env.put_file(kPath, from_hex("28b52ffde0"
                                   "0000000000000400"
                                   "010000"));
  CHECK(refused({kSegment, 0, 16, uint64_t{1} << 50, sha256(run.env.contents(kPath))}));
  run.env.put_file(kPath, "not a zstd frame, but hashed as if it were one");
  changed = frame;
  changed.length = run.env.contents(kPath).size();
  changed.sha256 = sha256(run.env.contents(kPath));
  CHECK(refused(changed));
}

TEST_CASE("bytes behind the last journaled frame are cut, and writing goes on there") {
  Run run;
  FrameRef first;
  {
    SegmentWriter writer = run.writer(0);
    first = writer.append(encode_frame(text_of(1)));
    writer.append(encode_frame(text_of(2)));
    writer.sync();
  }
  SegmentWriter writer = run.writer(first.length);
  CHECK(run.env.contents(kPath).size() == first.length);
  const FrameRef third = writer.append(encode_frame(text_of(3)));
  CHECK(third.offset == first.length);
  CHECK(run.read(first) == text_of(1));
  CHECK(run.read(third) == text_of(3));
}

TEST_CASE("a segment without journaled frames is written anew") {
  Run run;
  run.env.put_file(kPath, "left by a killed process");
  SegmentWriter writer = run.writer(0);
  CHECK(run.env.contents(kPath).empty());
}

TEST_CASE("a segment shorter than the journal says is corrupt and left as it is") {
  Run run;
  run.env.put_file(kPath, "short");
  CHECK(exit_of([&] { run.writer(6); }) == Exit::corrupt);
  CHECK(run.env.contents(kPath) == "short");
}

TEST_CASE("a segment is not written after a failed write or fsync") {
  Run run;
  SegmentWriter writer = run.writer(0);
  run.env.plan({run.env.calls().size(), Fault::Kind::no_space, false, 0});
  CHECK(exit_of([&] { writer.append(encode_frame(text_of(1))); }) == Exit::resources);
  const uint64_t calls = run.env.calls().size();
  CHECK(exit_of([&] { writer.append(encode_frame(text_of(1))); }) == Exit::io);
  CHECK(exit_of([&] { writer.sync(); }) == Exit::io);
  CHECK(run.env.calls().size() == calls);

  SegmentWriter other = SegmentWriter(run.env, "/run", "rounds/0001/filter.fates.jsonl.zst", 0);
  other.append(encode_frame(text_of(1)));
  run.env.plan({run.env.calls().size(), Fault::Kind::io, false, 0});
  CHECK(exit_of([&] { other.sync(); }) == Exit::io);
  CHECK(exit_of([&] { other.sync(); }) == Exit::io);
  CHECK(exit_of([&] { other.append(encode_frame(text_of(1))); }) == Exit::io);
}

}  // namespace sil
