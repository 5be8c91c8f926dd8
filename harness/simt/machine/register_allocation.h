// Gives PTX's virtual registers, thousands of them, rows of a warp's register file, so that
// registers which are never needed at the same time share rows: the file of a warp then stays in
// the cache.
//
// Why lanes that have gone different ways may share rows. A row has a column for each lane, and a
// handler writes only the columns of the lanes it runs for. So look at one lane: what it runs is a
// path through the flow graph, whatever the other lanes do and in whatever order. Let it write
// register a at d and read it at u, with no write of a in between. Then a is live at every
// statement of the path from d to u, all of them lie in a's interval, and a register b that shares
// a's row has an interval without any of them: the lane does not write b there. Other lanes may, to
// their own columns. What a lane reads of another lane (shfl, mma ...) it reads while both stand at
// that statement.
//
// Columns are the same only within a class: lane 1's column of a 64-bit value is lane 2's and lane
// 3's of a 32-bit value, and a predicate's bits all lie in lane 0's (machine/instruction.h).
// Predicates, values up to 32 bits, 64-bit and 128-bit values therefore share rows only among
// themselves. Values of 8, 16 and 32 bits may share: each write fills its lane's whole 32-bit
// column.
//
// Also kept: a statement's sources and destinations never share rows, so that a handler may write
// while it still reads, or be called again after it was blocked; and what a thread reads without
// ever having written it is untouched from the first statement on, so that its poison is still
// there.
#pragma once
#include <vector>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

struct RowAssignment {
  // [registers]: the first of the register's rows (1; for 64-bit values 2, for 128-bit values 4,
  // one behind the other); kNoRow where the body never names the register.
  std::vector<int> row;
  int rows = 0;  // all of them
  static constexpr int kNoRow = -1;
};

// Rows of one warp register of that type. Throws ptx::Error for a type that no register has.
int rows_of(const ptx::Type& type);

// Each function for itself: a call keeps what is live around it in rows that its callee must not
// get. Instructions that write registers after they are done (wgmma, tcgen05.ld; also setmaxnreg,
// which comes with them) make every register's rows its own. Throws ptx::Error as flow_graph()
// does.
RowAssignment assign_rows(const ptx::Function& function);

}  // namespace moe::simt
