// add sub mul fma div rcp sqrt of f64. There is no wider type to compute in, so the directed modes
// set the processor's rounding mode, of this thread and while the handler runs.
#include "harness/simt/execute/float_double.h"

#include <cfenv>
#include <cmath>

#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float_operations.h"

namespace moe::simt {
namespace {

template <DoubleOperation kOperation>
struct Calculate {
  double operator()(double a, double b, double c) const {
    if constexpr (kOperation == DoubleOperation::kAdd) return canonical_nan(a + b);
    if constexpr (kOperation == DoubleOperation::kSub) return canonical_nan(a - b);
    if constexpr (kOperation == DoubleOperation::kMul) return canonical_nan(a * b);
    if constexpr (kOperation == DoubleOperation::kFma) return canonical_nan(std::fma(a, b, c));
    if constexpr (kOperation == DoubleOperation::kDiv) return canonical_nan(a / b);
    if constexpr (kOperation == DoubleOperation::kRcp) return canonical_nan(1.0 / a);
    if constexpr (kOperation == DoubleOperation::kSqrt) return canonical_nan(std::sqrt(a));
    static_cast<void>(c);
  }
};

template <Rounding R>
constexpr int environment_mode() {
  if constexpr (R == Rounding::kZero) return FE_TOWARDZERO;
  if constexpr (R == Rounding::kDown) return FE_DOWNWARD;
  if constexpr (R == Rounding::kUp) return FE_UPWARD;
  return FE_TONEAREST;
}

class RoundingScope {
 public:
  explicit RoundingScope(int mode) : before_(std::fegetround()) { std::fesetround(mode); }
  ~RoundingScope() { std::fesetround(before_); }
  RoundingScope(const RoundingScope&) = delete;
  RoundingScope& operator=(const RoundingScope&) = delete;

 private:
  int before_;
};

// The operands are read, and the results written, through memory that fesetround might touch for
// all the compiler knows: so no operation moves across it.
template <DoubleOperation kOperation, Rounding R>
Outcome directed(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const double* a = warp.value<double>(instruction.src[0]);
  const double* b = warp.value<double>(instruction.src[1]);
  const double* c = warp.value<double>(instruction.src[2]);
  double* dst = warp.value<double>(instruction.dst);
  const RoundingScope scope(environment_mode<R>());
  for_each_lane(lanes,
                [&](int lane) { dst[lane] = Calculate<kOperation>{}(a[lane], b[lane], c[lane]); });
  return Outcome::kNext;
}

template <DoubleOperation kOperation>
Handler handler_of(Rounding rounding) {
  return with_rounding(rounding, [](auto mode) -> Handler {
    if constexpr (mode.value == Rounding::kNearest) {
      return &lanewise<Calculate<kOperation>, F64, F64, F64, F64>;
    } else {
      return &directed<kOperation, mode.value>;
    }
  });
}

}  // namespace

Handler double_handler(DoubleOperation operation, Rounding rounding) {
  switch (operation) {
    case DoubleOperation::kAdd:
      return handler_of<DoubleOperation::kAdd>(rounding);
    case DoubleOperation::kSub:
      return handler_of<DoubleOperation::kSub>(rounding);
    case DoubleOperation::kMul:
      return handler_of<DoubleOperation::kMul>(rounding);
    case DoubleOperation::kFma:
      return handler_of<DoubleOperation::kFma>(rounding);
    case DoubleOperation::kDiv:
      return handler_of<DoubleOperation::kDiv>(rounding);
    case DoubleOperation::kRcp:
      return handler_of<DoubleOperation::kRcp>(rounding);
    case DoubleOperation::kSqrt:
      return handler_of<DoubleOperation::kSqrt>(rounding);
  }
  return nullptr;
}

}  // namespace moe::simt
