// sin cos ex2 lg2 tanh. Computed in double and rounded to nearest: within the errors that the PTX
// ISA allows (sin and cos 2^-20.5 absolute, ex2 2^-22.5 and lg2 2^-22 relative, tanh 2^-11), but
// not the bits of any device.
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/execute/float.h"
#include "harness/simt/execute/float_operations.h"
#include "harness/simt/execute/half.h"

namespace moe::simt {
namespace {

using Function = double (*)(double);

// Calls into the mathematical library: lanes that are off are not computed.
template <Function kFunction>
struct Approximate {
  static constexpr bool kSlow = true;
  float operator()(float a) const { return static_cast<float>(kFunction(a)); }
};

template <Function kFunction>
Instruction decode_single(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                          ptx::Type type, bool ftz_exists) {
  if (type.bits != 32 || type.lanes != 1) decoder.fail("expected .f32");
  const bool ftz = ftz_exists && modifiers.take("ftz");
  const Handler handler = ftz ? &lanewise<Modified<Approximate<kFunction>, true>, F32, F32>
                              : &lanewise<Modified<Approximate<kFunction>, false>, F32, F32>;
  return decode_lanewise(decoder, source, handler, InstructionClass::kFloat, {type});
}

template <Function kFunction, bool kFtzExists>
Instruction decode_float(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                         ptx::Type type) {
  return decode_single<kFunction>(decoder, source, modifiers, type, kFtzExists);
}

// All of them are written with .approx.
DecodeFunction approximate(DecodeTyped floating, DecodeTyped half) {
  return [=](Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
    if (!modifiers.take("approx")) decoder.fail("expected .approx");
    return by_type(nullptr, floating, half)(decoder, source, modifiers);
  };
}

}  // namespace

void add_approximate_opcodes(OpcodeTable& table) {
  table["sin"] = approximate(decode_float<std::sin, true>, nullptr);
  table["cos"] = approximate(decode_float<std::cos, true>, nullptr);
  table["lg2"] = approximate(decode_float<std::log2, true>, nullptr);
  table["ex2"] = approximate(decode_float<std::exp2, true>, decode_half_ex2);
  table["tanh"] = approximate(decode_float<std::tanh, false>, decode_half_tanh);
}

}  // namespace moe::simt
