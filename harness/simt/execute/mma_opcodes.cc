// The opcodes of warp-level matrix instructions.
#include "harness/simt/execute/ldmatrix.h"
#include "harness/simt/execute/mma.h"

namespace moe::simt {

void add_tensor_opcodes(OpcodeTable& table) {
  table["mma"] = decode_mma;
  table["ldmatrix"] = decode_ldmatrix;
  table["stmatrix"] = decode_stmatrix;
  table["movmatrix"] = decode_movmatrix;
}

}  // namespace moe::simt
