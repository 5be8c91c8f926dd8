#include "harness/interrupt.h"

#include <csignal>

namespace moe::harness {
namespace {

volatile std::sig_atomic_t interrupts = 0;

extern "C" void count_interrupt(int) { interrupts = interrupts + 1; }

void set_handler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptCounter::InterruptCounter() {
  interrupts = 0;
  set_handler(count_interrupt);
}
InterruptCounter::~InterruptCounter() { set_handler(SIG_DFL); }
bool InterruptCounter::asked_to_stop() const { return interrupts > 0; }
bool InterruptCounter::asked_twice() const { return interrupts > 1; }

}  // namespace moe::harness
