// Cuts a body into basic blocks and joins them by their branches.
#include "harness/simt/machine/flow_graph.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace moe::simt {
namespace {

bool is_branch(std::string_view opcode) { return opcode == "bra" || opcode == "brx"; }

// No thread runs the next statement after it, unless its guard is false.
bool leaves(std::string_view opcode) {
  return is_branch(opcode) || opcode == "ret" || opcode == "exit" || opcode == "trap";
}

class Builder {
 public:
  explicit Builder(const ptx::Function& function) : function_(function) {}

  std::vector<BasicBlock> build() {
    cut();
    for (BasicBlock& block : blocks_) connect(block);
    return std::move(blocks_);
  }

 private:
  int size() const { return static_cast<int>(function_.body.size()); }

  void cut() {
    std::vector<char> starts(function_.body.size() + 1, 0);
    for (const auto& [name, index] : function_.labels) starts.at(index) = 1;
    for (int i = 0; i < size(); ++i) {
      if (leaves(function_.body[i].opcode)) starts[i + 1] = 1;
    }
    block_of_.resize(function_.body.size());
    for (int i = 0; i < size(); ++i) {
      if (i == 0 || starts[i]) blocks_.push_back({i, i, {}});
      blocks_.back().end = i + 1;
      block_of_[i] = static_cast<int>(blocks_.size()) - 1;
    }
  }

  void connect(BasicBlock& block) {
    const ptx::Instruction& last = function_.body[block.end - 1];
    if (!leaves(last.opcode) || last.guard >= 0) add(block, block.end);
    if (!is_branch(last.opcode)) return;
    // `bra label` or `brx.idx index, list`: what names the target stands last.
    if (last.operands.empty() || last.operands.back().kind != ptx::Operand::Kind::kSymbol) {
      fail(last, "a branch without a label");
    }
    const std::string& name = last.operands.back().name;
    if (last.opcode == "bra") {
      add(block, target(last, name));
      return;
    }
    const auto list = function_.branch_targets.find(name);
    if (list == function_.branch_targets.end()) {
      fail(last, fmt::format("no .branchtargets named {}", name));
    }
    for (const std::string& label : list->second) add(block, target(last, label));
  }

  // The edge to the statement of that index; one behind the last is a return.
  void add(BasicBlock& block, int index) {
    if (index < size()) block.successors.push_back(block_of_[index]);
  }

  int target(const ptx::Instruction& at, const std::string& label) const {
    const auto found = function_.labels.find(label);
    if (found == function_.labels.end()) fail(at, fmt::format("no label named {}", label));
    return found->second;
  }

  [[noreturn]] void fail(const ptx::Instruction& at, std::string_view what) const {
    throw ptx::Error(fmt::format("{}:{}: {}: {}", function_.name, at.place.line, what, at.text));
  }

  const ptx::Function& function_;
  std::vector<BasicBlock> blocks_;
  std::vector<int> block_of_;  // [statement]
};

}  // namespace

std::vector<BasicBlock> flow_graph(const ptx::Function& function) {
  return Builder(function).build();
}

}  // namespace moe::simt
