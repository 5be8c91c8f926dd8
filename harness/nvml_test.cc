#include "harness/nvml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moe::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(ClockEvents, HaveNamesInTheOrderOfTheirBits) {
  EXPECT_THAT(clock_event_names(0), IsEmpty());
  EXPECT_THAT(clock_event_names(0x24),
              ElementsAre("software-power-cap", "software-thermal-slowdown"));
}

TEST(ClockEvents, ThatAreNewAreNumbers) {
  EXPECT_THAT(clock_event_names(0x401), ElementsAre("gpu-idle", "0x400"));
}

TEST(Throttling, IsByHeatAndPowerOnly) {
  EXPECT_THAT(throttling({.clock_events = clock_event_names(0x1FF)}),
              ElementsAre("software-power-cap", "hardware-slowdown", "software-thermal-slowdown",
                          "hardware-thermal-slowdown", "hardware-power-brake"));
  EXPECT_THAT(throttling({.clock_events = clock_event_names(0x113)}), IsEmpty());
  EXPECT_THAT(throttling({}), IsEmpty());
}

TEST(Nvml, TellsOfTheGpuAtAnAddress) {
  const Nvml nvml("0000:3B:00.0", FAKE_NVML);
  EXPECT_EQ(nvml.fault(), "");
  EXPECT_EQ(nvml.driver(), "580.65.06");
  EXPECT_EQ(nvml.power_limit_watts(), 700);
  const GpuReading reading = nvml.read();
  EXPECT_EQ(reading.sm_clock_mhz, 1755);
  EXPECT_EQ(reading.power_watts, 412.5);
  EXPECT_EQ(reading.temperature_celsius, 63);
  EXPECT_THAT(reading.clock_events.value(),
              ElementsAre("applications-clocks-setting", "software-power-cap"));
}

TEST(Nvml, TellsOfTheFirstGpuWithoutAnAddress) {
  EXPECT_EQ(Nvml("", FAKE_NVML).read().sm_clock_mhz, 1755);
}

TEST(Nvml, SaysAllOfItInASentence) {
  EXPECT_EQ(Nvml("", FAKE_NVML).sentence(),
            "driver 580.65.06, limit 700 W; now 1755 MHz, 412 W, 63 °C, "
            "applications-clocks-setting, software-power-cap");
  EXPECT_EQ(Nvml("", FAKE_NVML_OLD).sentence(),
            "driver 580.65.06, limit 700 W; now 1755 MHz, unknown W, unknown °C, "
            "software-thermal-slowdown");
  EXPECT_EQ(Nvml("", FAKE_NVML_BROKEN).sentence(), "nvmlInit_v2: Driver Not Loaded");
}

TEST(Nvml, StartsAgain) {
  { const Nvml first("", FAKE_NVML); }
  EXPECT_EQ(Nvml("", FAKE_NVML).read().temperature_celsius, 63);
}

TEST(Nvml, SaysWhichGpuIsNotThere) {
  const Nvml nvml("0000:AF:00.0", FAKE_NVML);
  EXPECT_EQ(nvml.fault(), "nvmlDeviceGetHandleByPciBusId_v2: Not Found");
  EXPECT_EQ(nvml.driver(), "");
  EXPECT_EQ(nvml.power_limit_watts(), std::nullopt);
  EXPECT_EQ(nvml.read(), GpuReading{});
}

TEST(Nvml, OfAnOldDriverLeavesOutWhatItDoesNotKnow) {
  const Nvml nvml("", FAKE_NVML_OLD);
  EXPECT_EQ(nvml.fault(), "");
  const GpuReading reading = nvml.read();
  EXPECT_EQ(reading.sm_clock_mhz, 1755);
  EXPECT_EQ(reading.power_watts, std::nullopt);
  EXPECT_EQ(reading.temperature_celsius, std::nullopt);
  EXPECT_THAT(reading.clock_events.value(), ElementsAre("software-thermal-slowdown"));
}

TEST(Nvml, ThatDoesNotStartSaysWhyInItsOwnWords) {
  const Nvml nvml("", FAKE_NVML_BROKEN);
  EXPECT_EQ(nvml.fault(), "nvmlInit_v2: Driver Not Loaded");
  EXPECT_EQ(nvml.read(), GpuReading{});
}

TEST(Nvml, ThatIsNotThereSaysSo) {
  EXPECT_THAT(Nvml("", "libnot-there.so.1").fault(), StartsWith("no libnot-there.so.1: "));
}

TEST(Nvml, ThatIsAnotherLibrarySaysWhatItLacks) {
  EXPECT_THAT(Nvml("", "libm.so.6").fault(), HasSubstr("libm.so.6 has no nvmlInit_v2"));
}

}  // namespace
}  // namespace moe::harness
