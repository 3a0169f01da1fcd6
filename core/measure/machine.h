// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/json.h"
#include "base/progress.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace orrery::store {
class Workspace;
}

namespace orrery::measure {

/// What a measurement depends on besides the program. Fields that cannot be read here are empty or 0.
struct Machine {
    std::string cpu; ///< "AMD EPYC 9B14"
    int sockets = 0;
    int cores = 0;                   ///< physical
    int threads = 0;                 ///< that this process may use
    std::vector<std::string> caches; ///< "L1d 32 KiB", ...
    std::vector<std::string> isa;    ///< those that matter here: "avx2", "avx512f", "avx512_bf16", ...
    std::string governor;            ///< of cpu0's frequency
    std::string turbo;               ///< "on", "off" or ""
    std::uint64_t memoryBytes = 0;
    std::string hugePages; ///< transparent huge pages: "madvise"
    std::string kernel;
    std::string host;
    std::string container; ///< "docker", "hypervisor: kvm", ...; hints
    double load = 0;       ///< load average of the last minute
    std::string compiler;
    std::string onednn;                 ///< version and the instruction set it uses
    std::string version;                ///< of Orrery
    std::vector<std::string> variables; ///< OMP_*, ONEDNN_*, DNNL_*, GOMP_* as NAME=value

    [[nodiscard]] OrderedJson toJson() const;
    static Machine fromJson(const Json& json); ///< missing keys stay empty
    /// Same for the same hardware (CPU, cores, memory): where ceilings are kept.
    [[nodiscard]] std::string key() const;
    [[nodiscard]] std::string oneLine() const; ///< "AMD EPYC 9B14, 2 cores, 7.8 GiB, Linux 6.1"
};

/// Describes this machine; root is "/" but in tests.
[[nodiscard]] Machine describeMachine(const std::filesystem::path& root = "/");

/// One thing in which two environments differ.
struct EnvironmentDifference {
    std::string name;
    std::string a;
    std::string b;
};
/// What differs between two records of Machine::toJson(), load left out; empty when nothing does.
[[nodiscard]] std::vector<EnvironmentDifference> environmentDifferences(const Json& a, const Json& b);

/// What this machine can do at most, as measured with the same library calls that models use.
struct Ceilings {
    int threads = 0;
    double f32 = 0;       ///< FLOP/s of large products
    double bf16 = 0;      ///< FLOP/s; 0: not supported
    double int8 = 0;      ///< operations/s; 0: not supported
    double bandwidth = 0; ///< bytes/s read from memory
};
/// Takes about two seconds.
[[nodiscard]] Ceilings measureCeilings(int threads, const Progress& progress = {});
/// Bytes/s that all threads of the engine together read from memory now, the best of half a second:
/// neighbours on the same machine change it from minute to minute.
[[nodiscard]] double readBandwidth(const Progress& progress = {});
/// From the workspace when they were measured there before, else measured and kept.
[[nodiscard]] Ceilings ceilings(store::Workspace& workspace, const Machine& machine, int threads,
                                const Progress& progress = {});
/// Only what the workspace knows.
[[nodiscard]] std::optional<Ceilings> knownCeilings(const store::Workspace& workspace, const Machine& machine,
                                                    int threads);

} // namespace orrery::measure
