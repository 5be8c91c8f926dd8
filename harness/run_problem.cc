#include "harness/run_problem.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "harness/device_memory.h"
#include "harness/isolate.h"
#include "harness/judge.h"
#include "harness/measure.h"
#include "harness/nvml.h"
#include "harness/workload.h"
#include "kernels/contract/ceilings.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

// Where a child is: the cell's number and what is done with it.
constexpr std::int64_t kPhases = 2;
constexpr std::string_view kPhase[kPhases] = {"validate", "measure"};

// A reference that is mostly zeros cannot tell a right output from an empty one.
constexpr double kMostZeroRows = 0.5;

Record blank_record(const Cell& cell, const StrategyInfo& info, const RunContext& context) {
  const RoutingPolicy policy = info.policy(cell.knobs);
  Record r;
  r.run_id = context.run_id;
  r.cell = cell.name();
  r.problem_id = cell.problem_name();
  r.shape_name = cell.shape_name;
  r.shape = cell.shape;
  r.strategy = info.name;
  r.backend = info.backend;
  r.summary = info.summary;
  r.execution = info.execution;
  r.policy = policy_name(policy);
  r.capacity_factor = capacity_factor(policy);
  r.workload = cell.workload;
  r.seed = cell.seed;
  r.environment = context.environment;
  r.repro = fmt::format("moebench repro '{}'", cell.name());
  return r;
}

// What happens in the child.
class Worker {
 public:
  Worker(std::span<const Cell> cells, const RunContext& context, ChildLink& link)
      : cells_(cells), context_(context), link_(link) {
    if (cells[0].threads > 0) omp_set_num_threads(cells[0].threads);
    const MoeShape& shape = cells[0].shape;
    work_ =
        make_workload(cells[0].workload, shape, make_weights(shape, cells[0].seed), cells[0].seed);
  }

  void run() {
    Judge judge(work_);
    for (std::size_t i = 0; i < cells_.size(); ++i) validate(judge, i);
    if (context_.measured && !contestants_.empty()) measure_all(judge);
  }

 private:
  struct Passed {
    std::size_t cell;
    Record record;
    Judgement judgement;
  };

  void validate(Judge& judge, std::size_t i) {
    link_.mark(static_cast<std::int64_t>(i) * kPhases);
    const StrategyInfo& info = *find_strategy(cells_[i].strategy);
    Record r = blank_record(cells_[i], info, context_);
    r.origin = work_.origin;
    r.hash = work_.hash;
    r.requested_share = work_.requested_share;
    if (const auto why = info.unsupported(work_.shape)) {
      r.status = Status::kUnsupported;
      r.reason = *why;
      return link_.say(to_line(r));
    }
    Judgement judgement = judge.examine(info, cells_[i].knobs);
    const Dispatch& dispatch = judgement.output.dispatch;
    r.validation = judgement.validation;
    r.library_algorithms = judgement.library_algorithms;
    if (!judgement.validation.passed()) {
      r.status = Status::kWrong;
      r.reason = judgement.validation.fault;
      return link_.say(to_line(r));
    }
    r.load = load_stats(work_.shape, dispatch.routing, judge.dropless());
    r.work = work_done(work_.shape, *r.load, dispatch.rows_computed);
    if (judgement.validation.zero_rows > kMostZeroRows) {
      r.status = Status::kMistrusted;
      r.reason = fmt::format("{:.0f} % of the reference's rows for served tokens are all zeros",
                             100 * judgement.validation.zero_rows);
      return link_.say(to_line(r));
    }
    r.status = Status::kOk;
    if (!context_.measured) {
      r.timing_reason = "validated only: no timing was asked for";
      return link_.say(to_line(r));
    }
    const std::optional<Timeable> timeable = Timeable::of(info);
    if (!timeable) {
      r.timing_reason = "simulated: the interpreter counts, it has no time";
      return link_.say(to_line(r));
    }
    passed_.push_back({i, std::move(r), std::move(judgement)});
    contestants_.push_back({*timeable, cells_[i].knobs, &passed_.back().judgement});
  }

  void measure_all(Judge& judge) {
    const Cell& first = cells_[0];
    const std::unique_ptr<Nvml> nvml = ask_for_gpu();
    MeasureOptions options{
        .samples = first.samples,
        .max_seconds = first.max_seconds,
        .warm_up = first.warmup,
        .seed = first.seed,
        .on_turn = [&](std::size_t turn) {
          link_.mark(static_cast<std::int64_t>(passed_[turn].cell) * kPhases + 1);
        }};
    if (nvml && nvml->fault().empty()) options.read_gpu = [&] { return nvml->read(); };
    const auto measurements = measure(work_, judge, contestants_, options);
    const std::optional<CpuCeilings> cpu = cpu_ceilings();
    const std::optional<Ceilings> device = device_ceilings();
    for (std::size_t i = 0; i < passed_.size(); ++i) {
      Record& r = passed_[i].record;
      const Measurement& m = measurements[i];
      r.workspace_bytes = m.workspace_bytes;
      r.library_algorithms = m.library_algorithms;
      r.cache = m.cache;
      if (r.backend == Backend::kCuda) {
        r.gpu_state = m.gpu;
        r.gpu_state_reason = nvml->fault();
      }
      if (m.fault.empty()) {
        r.timing = m.timing;
        if (r.backend == Backend::kCpu) {
          set_cpu_roof(r, *cpu);
        } else if (device) {
          r.roof = roof_of(*r.work, device->bytes_per_second, device->flops_per_second);
        }
      } else {
        r.status = Status::kWrong;
        r.reason = r.validation->fault = "after the timed loop, " + m.fault;
      }
      link_.say(to_line(r));
    }
  }

  static void set_cpu_roof(Record& r, const CpuCeilings& ceilings) {
    if (is_integer(r.shape.dtype)) {
      r.roof_reason = "how fast whole numbers are multiplied at most is not measured";
      return;
    }
    r.roof = cpu_roof(*r.work, r.shape.dtype, ceilings);
    if (!r.roof) r.roof_reason = "much of what it reads fits the cores' own caches";
  }

  bool any_passed(bool on_cpu) const {
    return std::ranges::any_of(
        passed_, [&](const Passed& p) { return (p.record.backend == Backend::kCpu) == on_cpu; });
  }

  // Where a strategy that passed runs on a GPU.
  std::unique_ptr<Nvml> ask_for_gpu() const {
    return any_passed(false) ? std::make_unique<Nvml>(cuda_device()->pci_bus_id()) : nullptr;
  }

  // Both beside the times they are compared with: clocks and neighbours change from minute to
  // minute.
  std::optional<Ceilings> device_ceilings() const {
    return any_passed(false) ? cuda_device()->ceilings(work_.shape.dtype) : std::nullopt;
  }
  std::optional<CpuCeilings> cpu_ceilings() const {
    return any_passed(true) ? std::optional(measure_cpu_ceilings()) : std::nullopt;
  }

  std::span<const Cell> cells_;
  const RunContext& context_;
  ChildLink& link_;
  Workload work_;
  std::deque<Passed> passed_;  // a deque: contestants_ point into it
  std::vector<Contestant> contestants_;
};

Record failed_record(const Cell& cell, const RunContext& context, const ChildExit& ended,
                     std::string_view phase) {
  using Kind = ChildExit::Kind;
  Record r = blank_record(cell, *find_strategy(cell.strategy), context);
  r.status = ended.kind == Kind::kTimeout       ? Status::kTimeout
             : ended.kind == Kind::kOutOfMemory ? Status::kOom
                                                : Status::kCrashed;
  r.reason = fmt::format("{} ({})", ended.reason, phase);
  return r;
}

Record skipped_record(const Cell& cell, const RunContext& context) {
  Record r = blank_record(cell, *find_strategy(cell.strategy), context);
  r.status = Status::kSkipped;
  r.reason = context.device_fault;
  return r;
}

}  // namespace

const StrategyInfo* find_strategy(const std::string& name) {
  const auto found = std::ranges::find_if(
      all_strategies(), [&](const StrategyInfo* s) { return full_name(*s) == name; });
  return found == all_strategies().end() ? nullptr : *found;
}

bool run_problem(std::span<const Cell> all, const RunContext& context, const RunEvents& events) {
  std::vector<Cell> cells;
  for (const Cell& cell : all) {
    if (find_strategy(cell.strategy)->backend == Backend::kCpu || context.device_fault.empty()) {
      cells.push_back(cell);
    } else {
      events.on_record(skipped_record(cell, context));
    }
  }
  while (!cells.empty()) {
    std::vector<std::string> done;
    std::int64_t shown = -1;
    const auto on_line = [&](const std::string& line) {
      const Record r = from_line(line, "child process", std::ssize(done) + 1);
      done.push_back(r.cell);
      events.on_record(r);
    };
    const auto aborted = [&] { return events.aborted(); };
    const auto on_mark = [&](std::int64_t mark) {
      if (mark < 0 || mark == shown) return;
      shown = mark;
      events.on_phase(cells[mark / kPhases], kPhase[mark % kPhases]);
    };
    const ChildExit ended = run_isolated(
        [&](ChildLink& link) { Worker(cells, context, link).run(); },
        {.on_line = on_line, .on_mark = on_mark, .aborted = aborted}, context.timeout_seconds);
    if (ended.kind == ChildExit::Kind::kUserError) throw UserError(ended.reason);
    if (ended.kind == ChildExit::Kind::kAborted) return false;
    const std::vector<Cell> tried = cells;  // what marks count in
    std::erase_if(cells, [&](const Cell& c) { return std::ranges::count(done, c.name()) > 0; });
    if (cells.empty()) return true;
    if (ended.kind == ChildExit::Kind::kFinished) {
      throw std::logic_error(fmt::format("{} cells were not reported", cells.size()));
    }
    if (ended.last_mark < 0) {  // the problem itself could not be made
      for (const Cell& c : cells) {
        events.on_record(failed_record(c, context, ended, "making the problem"));
      }
      return true;
    }
    const Cell& guilty = tried[ended.last_mark / kPhases];
    events.on_record(failed_record(guilty, context, ended, kPhase[ended.last_mark % kPhases]));
    std::erase_if(cells, [&](const Cell& c) { return c.name() == guilty.name(); });
  }
  return true;
}

}  // namespace moe::harness
