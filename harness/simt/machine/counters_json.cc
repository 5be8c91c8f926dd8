// Counters to JSON and back.
#include "harness/simt/machine/counters_json.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

using Json = nlohmann::ordered_json;
using Classes = std::array<std::uint64_t, static_cast<int>(InstructionClass::kCount)>;

// Both directions walk this list, so that none can forget a field.
template <class CountersType, class Visit>
void each_count(CountersType& counters, Visit&& visit) {
  visit("global_atomics", counters.global_atomics);
  visit("shared_atomics", counters.shared_atomics);
  visit("async_copy_bytes", counters.async_copy_bytes);
  visit("mma", counters.mma);
  visit("wgmma", counters.wgmma);
  visit("multiply_adds", counters.multiply_adds);
  visit("barriers", counters.barriers);
  visit("divergent_branches", counters.divergent_branches);
  visit("blocks", counters.blocks);
}

template <class CountersType, class Visit>
void each_traffic(CountersType& counters, Visit&& visit) {
  visit("global_load", counters.global_load);
  visit("global_store", counters.global_store);
  visit("shared_load", counters.shared_load);
  visit("shared_store", counters.shared_store);
  visit("local_load", counters.local_load);
  visit("local_store", counters.local_store);
}

template <class TrafficType, class Visit>
void each_part(TrafficType& traffic, Visit&& visit) {
  visit("requests", traffic.requests);
  visit("bytes", traffic.bytes);
  visit("sectors", traffic.sectors);
  visit("ideal", traffic.ideal);
}

template <class CountersType, class Visit>
void each_class_table(CountersType& counters, Visit&& visit) {
  visit("warp_instructions", counters.warp_instructions);
  visit("thread_instructions", counters.thread_instructions);
}

Json classes_to_json(const Classes& counts) {
  Json json = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0) json[std::string(name_of(static_cast<InstructionClass>(i)))] = counts[i];
  }
  return json;
}

// Takes the fields of one object; what is left over at the end is unknown.
class Reader {
 public:
  Reader(const Json& json, std::string_view place) : json_(json), place_(place) {
    if (!json.is_object()) fail("is not an object");
  }

  const Json& take(std::string_view name) {
    const auto found = json_.find(std::string(name));
    if (found == json_.end()) fail(fmt::format("has no \"{}\"", name));
    taken_.emplace_back(name);
    return *found;
  }
  bool has(std::string_view name) const { return json_.contains(std::string(name)); }
  std::uint64_t take_count(std::string_view name) {
    const Json& value = take(name);
    // A parsed count is unsigned; one that was made by hand may be an int.
    const bool is_count =
        value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
    if (!is_count) {
      fail(fmt::format("has \"{}\": {}, which is not a count", name, value.dump()));
    }
    return value.get<std::uint64_t>();
  }
  void end() const {
    for (const auto& [key, value] : json_.items()) {
      bool known = false;
      for (const std::string& name : taken_) known |= name == key;
      if (!known) fail(fmt::format("has an unknown field \"{}\"", key));
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UserError(fmt::format("counters: {} {}", place_, what));
  }
  const Json& json_;
  std::string place_;
  std::vector<std::string> taken_;
};

Classes classes_from_json(const Json& json, std::string_view place) {
  Reader reader(json, place);
  Classes counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::string_view name = name_of(static_cast<InstructionClass>(i));
    if (reader.has(name)) counts[i] = reader.take_count(name);
  }
  reader.end();
  return counts;
}

}  // namespace

nlohmann::ordered_json to_json(const Counters& counters) {
  Json json;
  each_class_table(counters, [&](const char* name, const Classes& table) {
    json[name] = classes_to_json(table);
  });
  each_traffic(counters, [&](const char* name, const Counters::Traffic& traffic) {
    each_part(traffic, [&](const char* part, std::uint64_t count) { json[name][part] = count; });
  });
  each_count(counters, [&](const char* name, std::uint64_t count) { json[name] = count; });
  return json;
}

Counters counters_from_json(const nlohmann::ordered_json& json) {
  Counters counters;
  Reader reader(json, "the object");
  each_class_table(counters, [&](const char* name, Classes& table) {
    table = classes_from_json(reader.take(name), name);
  });
  each_traffic(counters, [&](const char* name, Counters::Traffic& traffic) {
    Reader parts(reader.take(name), name);
    each_part(traffic,
              [&](const char* part, std::uint64_t& count) { count = parts.take_count(part); });
    parts.end();
  });
  each_count(counters,
             [&](const char* name, std::uint64_t& count) { count = reader.take_count(name); });
  reader.end();
  return counters;
}

}  // namespace moe::simt
