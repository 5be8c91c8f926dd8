// Which operations atom and red have for which types.
#include "harness/simt/execute/atomic_operation.h"

namespace moe::simt {
namespace {

using namespace atomics;
using Kind = ptx::Type::Kind;

template <class T>
AtomicFunction ordered_function(AtomicName name) {
  switch (name) {
    case AtomicName::kMin:
      return min_integer<T>;
    case AtomicName::kMax:
      return max_integer<T>;
    default:
      return nullptr;
  }
}

// .u32 and .u64, .s32 and .s64: signed 64-bit numbers are added as .u64.
AtomicFunction integer_function(AtomicName name, ptx::Type type) {
  const bool is_signed = type.kind == Kind::kSigned;
  if (type.lanes != 1 || type.bits < 32) return nullptr;
  if (type.bits == 32) {
    if (name == AtomicName::kAdd) return add_integer<std::uint32_t>;
    if (name == AtomicName::kInc && !is_signed) return increment;
    if (name == AtomicName::kDec && !is_signed) return decrement;
    return is_signed ? ordered_function<std::int32_t>(name) : ordered_function<std::uint32_t>(name);
  }
  if (name == AtomicName::kAdd && !is_signed) return add_integer<std::uint64_t>;
  return is_signed ? ordered_function<std::int64_t>(name) : ordered_function<std::uint64_t>(name);
}

AtomicFunction bit_function(AtomicName name, ptx::Type type) {
  if (type.bits != 32 && type.bits != 64) return nullptr;
  switch (name) {
    case AtomicName::kAnd:
      return [](std::uint64_t a, std::uint64_t b) { return a & b; };
    case AtomicName::kOr:
      return [](std::uint64_t a, std::uint64_t b) { return a | b; };
    case AtomicName::kXor:
      return [](std::uint64_t a, std::uint64_t b) { return a ^ b; };
    default:
      return nullptr;
  }
}

template <class Operation>
AtomicFunction half_function(ptx::Type type) {
  if (type.kind == Kind::kFloat) {
    return type.lanes == 2 ? on_pair<on_f16<Operation>> : on_f16<Operation>;
  }
  return type.lanes == 2 ? on_pair<on_bf16<Operation>> : on_bf16<Operation>;
}

AtomicFunction float_function(AtomicName name, ptx::Type type, bool vector) {
  if (type.bits == 16) {
    if (name == AtomicName::kAdd) return half_function<SumOfFloats>(type);
    if (!vector) return nullptr;
    if (name == AtomicName::kMin) return half_function<ExtremeOfFloats<false>>(type);
    if (name == AtomicName::kMax) return half_function<ExtremeOfFloats<true>>(type);
    return nullptr;
  }
  if (name != AtomicName::kAdd || type.lanes != 1) return nullptr;
  if (type.bits == 32) return add_f32;
  return type.bits == 64 && !vector ? add_f64 : nullptr;
}

}  // namespace

AtomicFunction atomic_function(AtomicName name, ptx::Type type, bool vector) {
  switch (type.kind) {
    case Kind::kFloat:
    case Kind::kBfloat:
      return float_function(name, type, vector);
    case Kind::kUnsigned:
    case Kind::kSigned:
      return vector ? nullptr : integer_function(name, type);
    case Kind::kBits:
      return vector ? nullptr : bit_function(name, type);
    default:
      return nullptr;
  }
}

}  // namespace moe::simt
