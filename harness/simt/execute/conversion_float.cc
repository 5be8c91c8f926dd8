// cvt from f16, bf16, f32 and f64 to integers and to each other.
#include "harness/simt/execute/conversion.h"
#include "harness/simt/execute/elementwise_decode.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

// with_any_float(type, body<L>()).
template <class Body>
Handler with_any_float(ptx::Type type, Body&& body) {
  if (type.kind == Kind::kBfloat) return body.template operator()<Bf16>();
  switch (type.bits) {
    case 16:
      return body.template operator()<F16>();
    case 32:
      return body.template operator()<F32>();
    default:
      return body.template operator()<F64>();
  }
}

// with_flag where the flag may be set at all: a form that does not exist need not be compiled.
template <bool kPossible, class Body>
Handler with_possible_flag(bool flag, Body&& body) {
  if constexpr (kPossible) return with_flag(flag, body);
  return flag ? nullptr : body(std::false_type{});
}

// .ftz is for conversions from or to f32.
template <class... L>
constexpr bool kCanFlush = (std::is_same_v<L, F32> || ...);

template <class S, class D>
Handler to_integer_handler(const Conversion& conversion) {
  using T = typename D::Value;
  constexpr bool kFromDouble = std::is_same_v<S, F64>;
  return with_rounding(conversion.integral, [&](auto mode) -> Handler {
    if constexpr (std::is_same_v<S, F32>) {
      if (conversion.ftz) return &lanewise<FloatToInteger<T, mode.value, true, false>, D, S>;
    } else {
      if (conversion.ftz) return nullptr;
    }
    return &lanewise<FloatToInteger<T, mode.value, false, kFromDouble>, D, S>;
  });
}

// The same type on both sides.
template <class L>
Handler same_type_handler(const Conversion& conversion) {
  return with_possible_flag<kCanFlush<L>>(conversion.ftz, [&](auto ftz) {
    return with_flag(conversion.sat, [&](auto sat) -> Handler {
      if (!conversion.to_integral) {
        return &lanewise<FloatToIntegral<Rounding::kNearest, true, ftz.value, sat.value>, L, L>;
      }
      return with_rounding(conversion.integral, [&](auto mode) -> Handler {
        return &lanewise<FloatToIntegral<mode.value, false, ftz.value, sat.value>, L, L>;
      });
    });
  });
}

// To f32 from f16, bf16 and f64, of which only the last rounds; to f64 from the others.
template <class D, class S>
Handler widen_handler(const Conversion& conversion) {
  using T = typename D::Value;
  const auto rounded = [&](auto mode) {
    return with_possible_flag<kCanFlush<D, S>>(conversion.ftz, [&](auto ftz) {
      return with_flag(conversion.sat, [&](auto sat) -> Handler {
        return &lanewise<FloatToFloat<T, mode.value, ftz.value, sat.value>, D, S>;
      });
    });
  };
  if constexpr (std::is_same_v<S, F64>) return with_rounding(conversion.rounding, rounded);
  return rounded(RoundingConstant<Rounding::kNearest>{});
}

// To f16 or bf16.
template <FloatFormat const& F, class S>
Handler half_handler(const Conversion& conversion) {
  return with_rounding(conversion.rounding, [&](auto mode) {
    return with_possible_flag<kCanFlush<S>>(conversion.ftz, [&](auto ftz) {
      return with_flag(conversion.sat, [&](auto sat) -> Handler {
        constexpr Limit kLimit = sat.value ? Limit::kSat : Limit::kNone;
        return &lanewise<ToFormat<F, mode.value, kLimit, ftz.value>, U32, S>;
      });
    });
  });
}

Limit limit_of(const Conversion& conversion) {
  if (conversion.relu) return conversion.satfinite ? Limit::kReluSatfinite : Limit::kRelu;
  return Limit::kSatfinite;
}

// .relu and .satfinite: to F from f32 only, modes .rn, .rz and (tf32) .rna.
template <FloatFormat const& F, Rounding R>
Handler limited_handler(const Conversion& conversion) {
  switch (limit_of(conversion)) {
    case Limit::kRelu:
      return &lanewise<ToFormat<F, R, Limit::kRelu>, U32, F32>;
    case Limit::kReluSatfinite:
      return &lanewise<ToFormat<F, R, Limit::kReluSatfinite>, U32, F32>;
    default:
      return &lanewise<ToFormat<F, R, Limit::kSatfinite>, U32, F32>;
  }
}

template <FloatFormat const& F>
Handler limited_handler(const Conversion& conversion) {
  if (conversion.sat || conversion.ftz || conversion.from.bits != 32) return nullptr;
  if (conversion.rounding == Rounding::kNearest) {
    return limited_handler<F, Rounding::kNearest>(conversion);
  }
  if (conversion.rounding == Rounding::kZero)
    return limited_handler<F, Rounding::kZero>(conversion);
  return nullptr;
}

}  // namespace

Handler float_to_integer(const Conversion& conversion) {
  if (!conversion.to_integral || conversion.rounds) return nullptr;
  return with_any_float(conversion.from, [&]<class S>() -> Handler {
    if (conversion.to.bits == 8) {
      return conversion.to.kind == Kind::kSigned ? to_integer_handler<S, S8>(conversion)
                                                 : to_integer_handler<S, U8>(conversion);
    }
    return with_integer(conversion.to,
                        [&]<class D>() { return to_integer_handler<S, D>(conversion); });
  });
}

Handler float_to_float(const Conversion& conversion) {
  const bool single = conversion.to.bits == 32 || conversion.from.bits == 32;
  if (conversion.ftz && !single) return nullptr;
  const bool limited = conversion.relu || conversion.satfinite;
  if (conversion.to == conversion.from) {
    if (conversion.rounds || limited) return nullptr;
    return with_any_float(conversion.to,
                          [&]<class L>() { return same_type_handler<L>(conversion); });
  }
  if (conversion.to_integral) return nullptr;
  const bool narrows = conversion.to.bits < conversion.from.bits || conversion.to.bits == 16;
  if (conversion.rounds != narrows) return nullptr;
  const bool to_bfloat = conversion.to.kind == Kind::kBfloat;
  if (limited) {
    if (conversion.to.bits != 16) return nullptr;
    return to_bfloat ? limited_handler<kBf16>(conversion) : limited_handler<kF16>(conversion);
  }
  return with_any_float(conversion.from, [&]<class S>() -> Handler {
    if (to_bfloat) return half_handler<kBf16, S>(conversion);
    switch (conversion.to.bits) {
      case 16:
        return half_handler<kF16, S>(conversion);
      case 32:
        return widen_handler<F32, S>(conversion);
      default:
        return widen_handler<F64, S>(conversion);
    }
  });
}

Handler float_to_tf32(const Conversion& conversion) {
  if (conversion.from.kind != Kind::kFloat || conversion.from.bits != 32 || !conversion.rounds ||
      conversion.sat || conversion.ftz) {
    return nullptr;
  }
  if (conversion.rounding == Rounding::kAway) {
    if (conversion.relu) return nullptr;
    return conversion.satfinite
               ? &lanewise<ToFormat<kTf32, Rounding::kAway, Limit::kSatfinite>, U32, F32>
               : &lanewise<ToFormat<kTf32, Rounding::kAway>, U32, F32>;
  }
  if (conversion.relu || conversion.satfinite) return limited_handler<kTf32>(conversion);
  switch (conversion.rounding) {
    case Rounding::kNearest:
      return &lanewise<ToFormat<kTf32, Rounding::kNearest>, U32, F32>;
    case Rounding::kZero:
      return &lanewise<ToFormat<kTf32, Rounding::kZero>, U32, F32>;
    default:
      return nullptr;
  }
}

}  // namespace moe::simt
