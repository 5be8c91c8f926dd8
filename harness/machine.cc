#include "harness/machine.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <omp.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "build_info.h"

namespace moe::harness {
namespace {

std::string read_text(const char* path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("gcc {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

std::string isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  std::string names;
  const auto add = [&](const char* name, bool present) {
    if (present) names.append(names.empty() ? "" : " ").append(name);
  };
  add("sse4.2", __builtin_cpu_supports("sse4.2") != 0);
  add("avx", __builtin_cpu_supports("avx") != 0);
  add("avx2", __builtin_cpu_supports("avx2") != 0);
  add("fma", __builtin_cpu_supports("fma") != 0);
  add("avx512f", __builtin_cpu_supports("avx512f") != 0);
  add("avx512bw", __builtin_cpu_supports("avx512bw") != 0);
  add("avx512vl", __builtin_cpu_supports("avx512vl") != 0);
  add("avx512vnni", __builtin_cpu_supports("avx512vnni") != 0);
  add("avx512bf16", __builtin_cpu_supports("avx512bf16") != 0);
  constexpr unsigned kAmxBf16 = 1U << 22;  // gcc 12 has no name for it
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  add("amx-bf16", __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kAmxBf16) != 0);
  return names.empty() ? "x86-64" : names;
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "unknown";
#endif
}

std::int64_t memory_bytes() {
  return std::max<std::int64_t>(0, std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE));
}

std::string utc_now(fmt::string_view format) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format(fmt::runtime(format), fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

std::string without_folders(std::string_view argument) {
  const auto equals = argument.starts_with("--") ? argument.find('=') : argument.npos;
  const auto begin = equals == argument.npos ? 0 : equals + 1;
  const std::string_view value = argument.substr(begin);
  if (!value.starts_with('/') && !value.starts_with("~/") && !value.starts_with("../"))
    return std::string(argument);
  const auto last = value.find_last_not_of('/');
  if (last == value.npos) return std::string(argument);  // the root has no name to keep
  const auto slash = value.substr(0, last + 1).rfind('/');
  return std::string(argument.substr(0, begin)) +
         std::string(value.substr(slash + 1, last - slash));
}

// A simulated device sits nowhere, and NVML knows nothing of it.
void ask_nvml(const DeviceState& device, const std::string& library, Environment& e) {
  if (!device.usable() || device.pci_bus_id.empty()) {
    e.gpu_driver_reason = device.usable() ? "the device is simulated" : device.fault;
    return;
  }
  const Nvml nvml(device.pci_bus_id, library);
  e.gpu_power_limit_watts = nvml.power_limit_watts();
  if (const std::string driver = nvml.driver(); !driver.empty()) {
    e.gpu_driver = driver;
  } else {
    e.gpu_driver_reason = nvml.fault().empty() ? "NVML does not tell it" : nvml.fault();
  }
}

std::string quoted(const std::string& word) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, plain)) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

CpuInfo parse_cpuinfo(std::string_view text) {
  CpuInfo info;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string_view key = trimmed(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (key == "model name" && !value.empty()) info.model = value;
    if (key == "flags")
      info.hypervisor = fmt::format(" {} ", value).find(" hypervisor ") != std::string::npos;
    if (key == "flags") break;  // the other cores say the same
  }
  return info;
}

std::string command_line(std::span<const char* const> argv) {
  std::string line;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const std::string_view word = argv[i];
    const auto name = word.rfind('/');
    const bool program = i == 0 && name != word.npos;
    line.append(i == 0 ? "" : " ");
    line.append(quoted(program ? std::string(word.substr(name + 1)) : without_folders(word)));
  }
  return line;
}

std::string build_id() { return kBuildId; }

std::string make_run_id() {
  std::random_device random;  // an identity, not a measurement: nobody needs to repeat it
  return utc_now("{:%Y%m%dT%H%M%SZ}") + fmt::format("-{:06x}", random() & 0xFFFFFFU);
}

Environment capture_environment(std::span<const char* const> argv, std::string blas,
                                const DeviceState& device, const std::string& nvml) {
  Environment e;
  const CpuInfo cpu = parse_cpuinfo(read_text("/proc/cpuinfo"));
  e.cpu = cpu.model;
  e.hypervisor = cpu.hypervisor;
  e.cores = std::max(1U, std::thread::hardware_concurrency());
  e.threads = omp_get_max_threads();
  e.memory_bytes = memory_bytes();
  if (utsname name{}; uname(&name) == 0)
    e.kernel = fmt::format("{} {}", name.sysname, name.release);
  const std::string governor = read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (const auto word = trimmed(governor); !word.empty())
    e.governor = word;
  else
    e.governor_reason = "the kernel does not publish one";
  if (double load = 0; getloadavg(&load, 1) == 1) e.load_average = load;
  e.compiler = compiler();
  if (kBuildFlags[0] != '\0') e.flags = kBuildFlags;
  e.build_id = build_id();
  if (!blas.empty()) e.blas = std::move(blas);
  e.isa = isa();
  if (device.usable()) {
    e.gpu = device.name;
  } else {
    e.gpu_reason = device.fault;
  }
  ask_nvml(device, nvml, e);
  e.time_utc = utc_now("{:%Y-%m-%dT%H:%M:%SZ}");
  e.argv = command_line(argv);
  if (e.argv.empty()) e.argv = "unknown";
  return e;
}

}  // namespace moe::harness
