#include "loop/executor.h"

#include <condition_variable>
#include <exception>
#include <map>
#include <thread>

#include "record/segment.h"

namespace sil {
namespace {

struct EncodedFile {
  std::string kind;
  EncodedFrame frame;
  uint64_t lines = 0;
  std::vector<Digest> items;
};

struct MemberOutput {
  std::vector<EncodedFile> files;
  Tally tally;
  double cpu_seconds = 0;
};

struct DoneFrame {
  Span span;
  std::vector<MemberOutput> members;
  std::optional<Frame> rest;  // for the members that work in order
};

// Counts what the thread has used since `begun`, and moves that on.
MemberOutput process(const ChainMember& member, Frame& frame, Env& env, double& begun) {
  StepOutput out;
  member.run->process(frame, out);
  MemberOutput to;
  to.tally = std::move(out.tally);
  for (auto& [kind, text] : out.files) {
    EncodedFile file{kind, {}, text.lines, std::move(text.items)};
    if (!text.text.empty()) file.frame = encode_frame(text.text);
    to.files.push_back(std::move(file));
  }
  const double now = env.cpu_seconds(CpuTime::thread);
  to.cpu_seconds = now - begun;
  begun = now;
  return to;
}

// Writes finished frames and their records.
class Committer {
 public:
  Committer(RoundContext& context, const std::vector<ChainMember>& members)
      : context_(context), members_(members), cpu_seconds_(members.size()) {}

  const std::vector<double>& cpu_seconds() const { return cpu_seconds_; }  // by member

  // One acknowledgement for all of them: each segment and the journal go to disk once.
  void commit(const std::vector<DoneFrame>& frames) {
    std::vector<Json> payloads;
    for (const DoneFrame& frame : frames) payloads.push_back(payload_of(frame));
    for (auto& [name, segment] : segments_)
      if (segment.writer) segment.writer->sync();
    context_.record_all("frame", std::move(payloads));
  }

 private:
  // What a step writes of one kind.
  struct Segment {
    Digest running;                         // over its items so far
    std::unique_ptr<SegmentWriter> writer;  // once there is something to write
  };

  Json payload_of(const DoneFrame& frame) {
    Json steps = Json::array();
    for (size_t m = 0; m < members_.size(); ++m) {
      steps.push(member_entry(members_[m].spec->name, frame.members[m]));
      cpu_seconds_[m] += frame.members[m].cpu_seconds;
    }
    Json payload = Json::object();
    payload.set("round", context_.round().label);
    payload.set("span", Json(Json::Array{frame.span.begin, frame.span.end}));
    payload.set("steps", std::move(steps));
    return payload;
  }

  Json member_entry(const std::string& step, const MemberOutput& output) {
    Json files = Json::object();
    for (const EncodedFile& file : output.files) {
      const std::string name = segment_name(context_.round().label, step, file.kind);
      Segment& segment = segment_of(name, step, file.kind);
      for (const Digest& item : file.items) segment.running = chain(segment.running, item);
      Json entry = Json::object();
      entry.set("frame", append(name, segment, step, file).to_json());
      entry.set("lines", file.lines);
      entry.set("digest", segment.running.hex());
      files.set(file.kind, std::move(entry));
    }
    Json entry = Json::object();
    entry.set("step", step);
    entry.set("files", std::move(files));
    entry.set("tally", output.tally.to_json());
    return entry;
  }

  Segment& segment_of(const std::string& name, const std::string& step, const std::string& kind) {
    const auto [it, is_new] = segments_.try_emplace(name);
    if (!is_new) return it->second;
    const StepProgress& before = context_.round().steps[step];
    if (auto known = before.running.find(kind); known != before.running.end()) it->second.running = known->second;
    return it->second;
  }

  FrameRef append(const std::string& name, Segment& segment, const std::string& step, const EncodedFile& file) {
    if (file.frame.bytes.empty()) return FrameRef{name, 0, 0, 0, Digest()};
    if (!segment.writer)
      segment.writer =
          std::make_unique<SegmentWriter>(context_.env, context_.run_dir, name, journaled_end(step, file.kind));
    return segment.writer->append(file.frame);
  }

  uint64_t journaled_end(const std::string& step, const std::string& kind) const {
    const RoundState& round = context_.round();
    auto it = round.steps.find(step);
    if (it == round.steps.end()) return 0;
    auto files = it->second.files.find(kind);
    uint64_t end = 0;
    if (files != it->second.files.end())
      for (const FrameRef& frame : files->second) end = std::max(end, frame.offset + frame.length);
    return end;
  }

  RoundContext& context_;
  const std::vector<ChainMember>& members_;
  std::vector<double> cpu_seconds_;
  std::map<std::string, Segment> segments_;  // by name
};

// Frames between the source and the committer.
class Pipeline {
 public:
  Pipeline(RoundContext& context, FrameSource& source, const std::vector<ChainMember>& members)
      : context_(context), source_(source), members_(members), window_(2 * context.threads + 1) {
    while (unordered_ < members.size() && !members[unordered_].run->in_order()) ++unordered_;
  }

  std::vector<double> run() {
    std::vector<std::jthread> workers;
    for (int t = 0; t < context_.threads; ++t) workers.emplace_back([this] { work(); });
    Committer committer(context_, members_);
    try {
      for (std::vector<DoneFrame> frames = next_done(); !frames.empty(); frames = next_done()) {
        process_in_order(frames);
        committer.commit(frames);
        report(frames.back().span.end);
      }
    } catch (...) {
      fail(std::current_exception());
    }
    workers.clear();
    if (failure_) std::rethrow_exception(failure_);
    if (context_.stop.stop_requested()) throw Error(Exit::stopped, "stopped on request", "the same command continues");
    return committer.cpu_seconds();
  }

 private:
  void work() try {
    for (;;) {
      double begun = context_.env.cpu_seconds(CpuTime::thread);
      Frame frame;
      int64_t ticket = take(frame);
      if (ticket < 0) return;
      DoneFrame done{frame.span, {}, {}};
      for (size_t m = 0; m < unordered_; ++m) done.members.push_back(process(members_[m], frame, context_.env, begun));
      if (unordered_ < members_.size()) done.rest = std::move(frame);
      std::lock_guard lock(mutex_);
      if (context_.stop.stop_requested())
        ended_ = true;  // sampling may have been cut short: the frame does not count
      else
        ready_[ticket] = std::move(done);
      changed_.notify_all();
    }
  } catch (...) {
    fail(std::current_exception());
  }

  void process_in_order(std::vector<DoneFrame>& frames) {
    double begun = context_.env.cpu_seconds(CpuTime::thread);
    for (DoneFrame& frame : frames)
      for (size_t m = unordered_; m < members_.size(); ++m)
        frame.members.push_back(process(members_[m], *frame.rest, context_.env, begun));
  }

  int64_t take(Frame& frame) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || (!taking_ && taken_ - committed_ < window_); });
    if (ended_ || context_.stop.stop_requested()) {
      ended_ = true;
      changed_.notify_all();
      return -1;
    }
    taking_ = true;
    lock.unlock();
    bool more = false;
    try {
      more = source_.next(frame);
    } catch (...) {
      lock.lock();
      taking_ = false;
      throw;
    }
    lock.lock();
    taking_ = false;
    if (!more) ended_ = true;
    changed_.notify_all();
    return more ? taken_++ : -1;
  }

  // The frames to commit, in order; none at the end. On a slow disk several are ready when the last commit is done.
  // With one thread they go one by one: then the calls of a run are the same every time.
  std::vector<DoneFrame> next_done() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait_for(lock, std::chrono::milliseconds(200),
                        [&] { return failure_ || ready_.count(committed_) || finished(); });
      if (failure_) return {};
      std::vector<DoneFrame> frames;
      const int64_t most = context_.threads == 1 ? 1 : window_;
      while (static_cast<int64_t>(frames.size()) < most) {
        const auto it = ready_.find(committed_);
        if (it == ready_.end()) break;
        frames.push_back(std::move(it->second));
        ready_.erase(it);
        ++committed_;
      }
      if (!frames.empty()) {
        changed_.notify_all();
        return frames;
      }
      if (finished() || context_.stop.stop_requested()) return {};
    }
  }
  bool finished() const { return ended_ && committed_ == taken_; }

  void fail(std::exception_ptr failure) {
    std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    ended_ = true;
    changed_.notify_all();
  }

  void report(int64_t groups) {
    if (context_.working) context_.working(members_.front().spec->name, groups, source_.groups());
  }

  RoundContext& context_;
  FrameSource& source_;
  const std::vector<ChainMember>& members_;
  int64_t window_;
  size_t unordered_ = 0;  // members that frames may pass through in any order
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, DoneFrame> ready_;
  int64_t taken_ = 0, committed_ = 0;
  bool taking_ = false, ended_ = false;
  std::exception_ptr failure_;
};

}  // namespace

std::string segment_name(const std::string& round, const std::string& step, const std::string& kind) {
  int64_t number = round_number(round);
  std::string folder = std::to_string(number);
  folder = number < 0 ? round : std::string(4 - std::min<size_t>(4, folder.size()), '0') + folder;
  return "rounds/" + folder + "/" + step + "." + kind + ".jsonl.zst";
}

std::vector<double> run_chain(RoundContext& context, FrameSource& source, const std::vector<ChainMember>& members) {
  return Pipeline(context, source, members).run();
}

}  // namespace sil
