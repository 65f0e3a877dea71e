#include "loop/executor.h"

#include <condition_variable>
#include <exception>
#include <map>
#include <optional>
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
};

struct DoneFrame {
  Span span;
  std::vector<MemberOutput> members;
  std::optional<Frame> rest;  // for the members that work in order
};

MemberOutput process(const ChainMember& member, Frame& frame) {
  StepOutput out;
  member.run->process(frame, out);
  MemberOutput to;
  to.tally = std::move(out.tally);
  for (auto& [kind, text] : out.files) {
    EncodedFile file{kind, {}, text.lines, std::move(text.items)};
    if (!text.text.empty()) file.frame = encode_frame(text.text);
    to.files.push_back(std::move(file));
  }
  return to;
}

// Writes finished frames and their records.
class Committer {
 public:
  Committer(RoundContext& context, const std::vector<ChainMember>& members) : context_(context), members_(members) {}

  void commit(const DoneFrame& frame) {
    Json steps = Json::array();
    for (size_t m = 0; m < members_.size(); ++m) steps.push(member_entry(members_[m].spec->name, frame.members[m]));
    for (auto& [name, writer] : writers_) writer->sync();
    Json payload = Json::object();
    payload.set("round", context_.round().label);
    payload.set("span", Json(Json::Array{frame.span.begin, frame.span.end}));
    payload.set("steps", std::move(steps));
    context_.record("frame", std::move(payload));
  }

 private:
  Json member_entry(const std::string& step, const MemberOutput& output) {
    const StepProgress& before = context_.round().steps[step];
    Json files = Json::object();
    for (const EncodedFile& file : output.files) {
      auto known = before.running.find(file.kind);
      Digest running = known == before.running.end() ? Digest() : known->second;
      for (const Digest& item : file.items) running = chain(running, item);
      Json entry = Json::object();
      entry.set("frame", append(step, file).to_json());
      entry.set("lines", file.lines);
      entry.set("digest", running.hex());
      files.set(file.kind, std::move(entry));
    }
    Json entry = Json::object();
    entry.set("step", step);
    entry.set("files", std::move(files));
    entry.set("tally", output.tally.to_json());
    return entry;
  }

  FrameRef append(const std::string& step, const EncodedFile& file) {
    std::string segment = segment_name(context_.round().label, step, file.kind);
    if (file.frame.bytes.empty()) return FrameRef{segment, 0, 0, 0, Digest()};
    auto& writer = writers_[segment];
    if (!writer)
      writer = std::make_unique<SegmentWriter>(context_.env, context_.run_dir, segment, journaled_end(step, file.kind));
    return writer->append(file.frame);
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
  std::map<std::string, std::unique_ptr<SegmentWriter>> writers_;
};

// Frames between the source and the committer.
class Pipeline {
 public:
  Pipeline(RoundContext& context, FrameSource& source, const std::vector<ChainMember>& members)
      : context_(context), source_(source), members_(members), window_(2 * context.threads + 1) {
    while (unordered_ < members.size() && !members[unordered_].run->in_order()) ++unordered_;
  }

  void run() {
    std::vector<std::jthread> workers;
    for (int t = 0; t < context_.threads; ++t) workers.emplace_back([this] { work(); });
    Committer committer(context_, members_);
    try {
      while (std::optional<DoneFrame> frame = next_done()) {
        for (size_t m = unordered_; m < members_.size(); ++m)
          frame->members.push_back(process(members_[m], *frame->rest));
        committer.commit(*frame);
        report(frame->span.end);
      }
    } catch (...) {
      fail(std::current_exception());
    }
    workers.clear();
    if (failure_) std::rethrow_exception(failure_);
    if (context_.stop.stop_requested()) throw Error(Exit::stopped, "stopped on request", "the same command continues");
  }

 private:
  void work() try {
    for (;;) {
      Frame frame;
      int64_t ticket = take(frame);
      if (ticket < 0) return;
      DoneFrame done{frame.span, {}, {}};
      for (size_t m = 0; m < unordered_; ++m) done.members.push_back(process(members_[m], frame));
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

  std::optional<DoneFrame> next_done() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait_for(lock, std::chrono::milliseconds(200),
                        [&] { return failure_ || ready_.count(committed_) || finished(); });
      if (failure_) return std::nullopt;
      if (auto it = ready_.find(committed_); it != ready_.end()) {
        DoneFrame frame = std::move(it->second);
        ready_.erase(it);
        ++committed_;
        changed_.notify_all();
        return frame;
      }
      if (finished() || context_.stop.stop_requested()) return std::nullopt;
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

void run_chain(RoundContext& context, FrameSource& source, const std::vector<ChainMember>& members) {
  Pipeline(context, source, members).run();
}

}  // namespace sil
