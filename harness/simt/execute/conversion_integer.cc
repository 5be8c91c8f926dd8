// cvt from integers.
#include "harness/simt/execute/conversion.h"
#include "harness/simt/execute/elementwise_decode.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

// Like with_integer, 8 bits too.
template <class Body>
Handler with_any_integer(ptx::Type type, Body&& body) {
  if (type.bits != 8) return with_integer(type, body);
  return type.kind == Kind::kSigned ? body.template operator()<S8>()
                                    : body.template operator()<U8>();
}

}  // namespace

Handler integer_to_integer(const Conversion& conversion) {
  if (conversion.rounds || conversion.to_integral || conversion.ftz) return nullptr;
  return with_any_integer(conversion.from, [&]<class S>() {
    return with_any_integer(conversion.to, [&]<class D>() -> Handler {
      using T = typename D::Value;
      return conversion.sat ? &lanewise<ToInteger<T, true>, D, S>
                            : &lanewise<ToInteger<T, false>, D, S>;
    });
  });
}

Handler integer_to_float(const Conversion& conversion) {
  if (!conversion.rounds || conversion.ftz) return nullptr;
  return with_any_integer(conversion.from, [&]<class S>() {
    return with_rounding(conversion.rounding, [&](auto mode) {
      return with_flag(conversion.sat, [&](auto sat) -> Handler {
        constexpr Rounding kMode = mode.value;
        constexpr bool kSat = sat.value;
        if (conversion.to.kind == Kind::kBfloat) {
          return &lanewise<IntegerToHalf<kBf16, kMode, kSat>, U32, S>;
        }
        switch (conversion.to.bits) {
          case 16:
            return &lanewise<IntegerToHalf<kF16, kMode, kSat>, U32, S>;
          case 32:
            return &lanewise<IntegerToFloat<float, kMode, kSat>, F32, S>;
          default:
            return &lanewise<IntegerToFloat<double, kMode, kSat>, F64, S>;
        }
      });
    });
  });
}

}  // namespace moe::simt
