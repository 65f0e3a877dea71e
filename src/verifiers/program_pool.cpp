#include "verifiers/program_pool.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "cage/printable.h"
#include "sil/verifier.h"

namespace sil {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr size_t kLastLines = 5;  // of stderr, in messages

milliseconds to_ms(double seconds) {
  return milliseconds(std::max<int64_t>(1, std::llround(seconds * 1000)));
}

std::string last_lines(const std::string& text) {
  size_t begin = text.size();
  for (size_t line = 0; line < kLastLines && begin != 0 && begin != std::string::npos; ++line)
    begin = text.rfind('\n', begin - 1);
  return begin == 0 || begin == std::string::npos ? text : text.substr(begin + 1);
}

}  // namespace

void ProgramOptions::visit(OptionVisitor& v) {
  v.option("command", command, {.help = "words for /bin/sh: a program that speaks sil-verifier/1", .required = true});
  v.option("timeout", timeout,
           {.help = "time for a reply, for each request that is open at the time",
            .low = 0,
            .above_low = true,
            .unit = "s"});
  v.option("start_timeout", start_timeout,
           {.help = "time from start to handshake", .low = 0, .above_low = true, .unit = "s"});
  v.option("batch", batch,
           {.help = "most requests open at once in a process; 0 = as many as the program says",
            .low = 0,
            .high = kMaxBatch});
  v.option("workers", workers, {.help = "processes", .low = 1, .high = 256});
  v.option("restarts", restarts,
           {.help = "breaches of the protocol, all processes together, that a restart answers before the run stops",
            .low = 0});
  v.option("pass_at", pass_at, {.help = "least score that passes when a reply has no label"});
}

struct ProgramPool::Work {
  std::span<const ProgramItem> items;
  std::span<Verdict> verdicts;
  std::stop_token stop;
  std::mutex mutex;
  std::deque<size_t> fresh;
  std::deque<size_t> suspects;  // were open, with others, when a process broke down: judged again one at a time
  bool failed = false;          // another worker gave up

  std::optional<size_t> take(std::deque<size_t>& from) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (from.empty() || failed) return std::nullopt;
    const size_t item = from.front();
    from.pop_front();
    return item;
  }
  void give_back(std::deque<size_t>& to, size_t item) {
    const std::lock_guard<std::mutex> lock(mutex);
    to.push_back(item);
  }
  void fail() {
    const std::lock_guard<std::mutex> lock(mutex);
    failed = true;
  }
};

ProgramPool::ProgramPool(ProgramOptions options)
    : options_(std::move(options)), workers_(static_cast<size_t>(options_.workers)) {
  if (options_.command.find_first_not_of(" \t\n") == std::string::npos)
    throw Error(Exit::usage, "a program verifier needs a `command`", "such as {program: \"python3 grader.py\"}");
}

std::string ProgramPool::identity() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (handshake_) return handshake_->text();
  }
  const std::lock_guard<std::mutex> turn(turn_);
  if (!workers_[0].session) start(workers_[0], {});
  const std::lock_guard<std::mutex> lock(mutex_);
  return handshake_->text();
}

void ProgramPool::judge(std::span<const ProgramItem> items, std::span<Verdict> verdicts, std::stop_token stop) {
  const std::lock_guard<std::mutex> turn(turn_);
  Work work{items, verdicts, stop, {}, {}, {}, false};
  for (size_t i = 0; i < items.size(); ++i) work.fresh.push_back(i);
  std::fill(verdicts.begin(), verdicts.end(), abstained(Outcome::infra, "stopped before it was judged"));
  if (!threads_) threads_ = std::make_unique<ThreadPool>(static_cast<int>(workers_.size()));
  const size_t useful = std::min(workers_.size(), items.size());
  threads_->for_each(static_cast<int64_t>(useful), [&](int64_t i) {
    Worker& worker = workers_[static_cast<size_t>(i)];
    try {
      drive(worker, work);
    } catch (...) {
      work.fail();
      worker = {};
      throw;
    }
  });
}

void ProgramPool::drive(Worker& worker, Work& work) {
  for (;;) {
    if (!worker.session && !start(worker, work.stop)) return;
    fill(worker, work);
    if (!worker.session) continue;
    if (worker.open.empty()) return;
    auto heard = worker.session->receive(work.stop);
    if (const Reply* reply = std::get_if<Reply>(&heard)) {
      settle(worker, *reply, work);
    } else if (const Breach* breach = std::get_if<Breach>(&heard)) {
      recover(worker, *breach, &work);
    } else {
      worker = {};  // stopped: what is open would be answered at a time when it is not expected any more
      return;
    }
  }
}

bool ProgramPool::start(Worker& worker, std::stop_token stop) {
  for (;;) {
    worker.session = std::make_unique<Session>(options_.command);
    auto heard = worker.session->greet(Clock::now() + to_ms(options_.start_timeout), stop);
    if (const Handshake* handshake = std::get_if<Handshake>(&heard)) {
      check_identity(*handshake);
      worker.window = options_.batch > 0 ? std::min(options_.batch, handshake->batch) : handshake->batch;
      return true;
    }
    if (std::holds_alternative<Stopped>(heard)) {
      worker = {};
      return false;
    }
    recover(worker, std::get<Breach>(heard), nullptr);
  }
}

void ProgramPool::check_identity(const Handshake& handshake) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!handshake_) handshake_ = handshake;
  if (handshake.text() != handshake_->text())
    throw Error(Exit::verifier,
                "verifier program `" + printable(options_.command, 200) + "` was " + handshake_->text() +
                    " and says after a restart that it is " + handshake.text(),
                "verdicts of one run must come from one version: do not change a grader while it is used");
}

// Sends what fits. Leaves worker.session empty when the program broke the protocol while nothing was open: no unit is
// to blame for that.
void ProgramPool::fill(Worker& worker, Work& work) {
  if (worker.open.empty()) {
    worker.alone = false;
    if (const std::optional<Breach> breach = worker.session->listen(milliseconds(0))) {
      recover(worker, *breach, &work);
      return;
    }
    if (const std::optional<size_t> suspect = work.take(work.suspects)) {
      worker.alone = true;
      send(worker, work, *suspect);
    }
  }
  while (!worker.alone && std::ssize(worker.open) < worker.window && !work.stop.stop_requested()) {
    const std::optional<size_t> item = work.take(work.fresh);
    if (!item) return;
    send(worker, work, *item);
  }
}

void ProgramPool::send(Worker& worker, const Work& work, size_t item) {
  Request request;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    request.id = next_id_++;
  }
  const Problem& problem = *work.items[item].problem;
  request.prompt = problem.prompt;
  request.completion = work.items[item].completion;
  request.answer = problem.answer ? &*problem.answer : nullptr;
  request.extra = &problem.meta;
  // A program that works through its requests one by one comes to this one last.
  request.deadline_ms = to_ms(options_.timeout * static_cast<double>(worker.open.size() + 1)).count();
  worker.open.emplace(request.id, Worker::Sent{item, Clock::now()});
  worker.session->send(request);
}

void ProgramPool::settle(Worker& worker, const Reply& reply, Work& work) {
  const auto sent = worker.open.find(reply.id);
  SIL_CHECK(sent != worker.open.end());
  Verdict& verdict = work.verdicts[sent->second.item];
  const Label label = reply.label.value_or(reply.score >= options_.pass_at ? Label::pass : Label::fail);
  verdict.label = label;
  verdict.score = reply.score;
  verdict.parts = reply.parts;
  verdict.reason = reply.reason;
  verdict.outcome = label == Label::pass ? Outcome::pass : label == Label::fail ? Outcome::fail : Outcome::error;
  verdict.cost_us = std::chrono::duration_cast<microseconds>(Clock::now() - sent->second.at).count();
  worker.open.erase(sent);
}

// After a breach: the unit to blame abstains, the others are judged again, the process is replaced. `work` is null
// while the program starts.
void ProgramPool::recover(Worker& worker, const Breach& breach, Work* work) {
  const std::string last_words = last_lines(worker.session->process().stderr_tail());
  const bool known = breach.id && worker.open.contains(*breach.id);
  for (const auto& [id, sent] : worker.open) {
    if (known && id == *breach.id) {
      Verdict& verdict = work->verdicts[sent.item];
      verdict = abstained(breach.outcome, "the verifier broke its protocol: " + breach.what);
      verdict.cost_us = std::chrono::duration_cast<microseconds>(Clock::now() - sent.at).count();
    } else {
      work->give_back(known ? work->fresh : work->suspects, sent.item);
    }
  }
  worker = {};
  bool over = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    over = !handshake_ || ++breaches_ > options_.restarts;  // what never started will not start next time
  }
  if (over) give_up(breach.what, last_words);
}

void ProgramPool::give_up(const std::string& what, const std::string& last_words) const {
  std::string message = "verifier program `" + printable(options_.command, 200) + "` broke sil-verifier/1: " + what;
  if (!last_words.empty()) message += "; its last lines on stderr:\n" + last_words;
  throw Error(
      Exit::verifier, message,
      "`sil verifier test COMMAND` shows what is wrong; `sil help verifier-protocol` tells the protocol; `restarts` "
      "(now " +
          std::to_string(options_.restarts) + ") is how many breaches may happen");
}

}  // namespace sil
