# Run by every build: cmake -DSOURCE=... -DTO=... -DFLAGS=... -P build_info.cmake
execute_process(COMMAND git rev-parse HEAD WORKING_DIRECTORY ${SOURCE}
                OUTPUT_VARIABLE build_id OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(build_id "unknown")
else()
  # Only what goes into the program makes it dirty: a new result file or an edited page does not.
  # Untracked files count, because a new file is a new strategy.
  execute_process(COMMAND git status --porcelain -- CMakeLists.txt CMakePresets.json kernels reference harness bench
                  WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE changes ERROR_QUIET)
  if(changes)
    string(APPEND build_id "-dirty")
  endif()
endif()
string(REPLACE "\\" "\\\\" FLAGS "${FLAGS}")
string(REPLACE "\"" "\\\"" FLAGS "${FLAGS}")
file(CONFIGURE OUTPUT ${TO} @ONLY CONTENT [[
// Written by harness/build_info.cmake.
#pragma once
namespace moe::harness {
inline constexpr char kBuildId[] = "@build_id@";
inline constexpr char kBuildFlags[] = "@FLAGS@";
}  // namespace moe::harness
]])
