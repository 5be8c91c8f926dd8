#include "harness/report_junit.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/text.h"

namespace moe::harness {
namespace {

enum class Outcome { kPassed, kFailure, kError, kSkipped };

Outcome outcome(Status status) {
  switch (status) {
    case Status::kOk:
      return Outcome::kPassed;
    case Status::kWrong:
    case Status::kMistrusted:
    case Status::kSuspect:
      return Outcome::kFailure;
    case Status::kCrashed:
    case Status::kTimeout:
    case Status::kOom:
      return Outcome::kError;
    case Status::kUnsupported:
    case Status::kSkipped:
      break;
  }
  return Outcome::kSkipped;
}

struct Counts {
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t errors = 0;
  std::size_t skipped = 0;

  void add(Status status) {
    ++tests;
    failures += outcome(status) == Outcome::kFailure ? 1 : 0;
    errors += outcome(status) == Outcome::kError ? 1 : 0;
    skipped += outcome(status) == Outcome::kSkipped ? 1 : 0;
  }
  std::string attributes() const {
    return fmt::format(R"(tests="{}" failures="{}" errors="{}" skipped="{}")", tests, failures,
                       errors, skipped);
  }
};

std::string test_case(const Record& r) {
  std::string out = fmt::format(R"(    <testcase classname="{}" name="{}")",
                                xml_escaped(r.problem_id), xml_escaped(r.full_strategy()));
  if (r.timing) out += fmt::format(R"( time="{:.9f}")", r.timing->median_ns * 1e-9);
  const std::string type(to_string(r.status));
  const std::string message = xml_escaped(r.reason);
  const std::string body = xml_escaped(r.repro);
  switch (outcome(r.status)) {
    case Outcome::kPassed:
      return out + "/>\n";
    case Outcome::kFailure:
      out += fmt::format(">\n      <failure type=\"{}\" message=\"{}\">{}</failure>", type, message,
                         body);
      break;
    case Outcome::kError:
      out +=
          fmt::format(">\n      <error type=\"{}\" message=\"{}\">{}</error>", type, message, body);
      break;
    case Outcome::kSkipped:
      out += fmt::format(">\n      <skipped message=\"{}: {}\"/>", type, message);
      break;
  }
  return out + "\n    </testcase>\n";
}

}  // namespace

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        out += c;
    }
  return out;
}

std::string junit_report(const std::vector<Record>& records) {
  std::vector<std::string> problems;  // of first appearance
  Counts all;
  for (const Record& r : records) {
    all.add(r.status);
    if (std::ranges::find(problems, r.problem_id) == problems.end())
      problems.push_back(r.problem_id);
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format("<testsuites name=\"moebench\" {}>\n", all.attributes());
  for (const std::string& problem : problems) {
    Counts counts;
    std::string cases;
    for (const Record& r : records) {
      if (r.problem_id != problem) continue;
      counts.add(r.status);
      cases += test_case(r);
    }
    out += fmt::format("  <testsuite name=\"{}\" {}>\n{}  </testsuite>\n", xml_escaped(problem),
                       counts.attributes(), cases);
  }
  return out + "</testsuites>\n";
}

}  // namespace moe::harness
