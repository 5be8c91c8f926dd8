// How fast the multiprocessors run right now. Power and heat decide it, and with it every time.
#pragma once
#include <optional>

namespace moe::cuda {

// Megahertz, by a kernel that counts cycles for a millisecond; called right after work, it sees the
// clock of that work. Waits for the device. Nothing on a simulated one.
std::optional<double> clock_mhz();

}  // namespace moe::cuda
