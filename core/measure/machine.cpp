// SPDX-License-Identifier: GPL-3.0-or-later
#include "measure/machine.h"

#include "base/hash.h"
#include "base/version.h"
#include "onednn/engine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

extern char** environ;

namespace orrery::measure {
namespace {

namespace fs = std::filesystem;

std::string firstLine(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    while (!line.empty() && (line.back() == '\n' || line.back() == ' '))
        line.pop_back();
    return line;
}

int toInt(const std::string& text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(" \t");
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Instruction sets that decide which kernels run; of the many flags of a processor.
constexpr std::array isaOfInterest{"sse4_2",      "avx",         "f16c",     "fma",      "avx2",
                                   "avx_vnni",    "avx512f",     "avx512bw", "avx512vl", "avx512_vnni",
                                   "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
                                   "asimd",       "sve"};

void readCpuInfo(const fs::path& root, Machine& machine) {
    std::ifstream stream(root / "proc/cpuinfo");
    std::set<std::string> sockets;
    std::set<std::string> cores;
    std::string socket = "0";
    for (std::string line; std::getline(stream, line);) {
        const auto colon = line.find(':');
        if (colon == std::string::npos)
            continue;
        const std::string key = trimmed(line.substr(0, colon));
        const std::string value = trimmed(line.substr(colon + 1));
        if (key == "model name" && machine.cpu.empty()) {
            machine.cpu = value;
        } else if (key == "physical id") {
            socket = value;
            sockets.insert(value);
        } else if (key == "core id") {
            cores.insert(fmt::format("{}:{}", socket, value));
        } else if ((key == "flags" || key == "Features") && machine.isa.empty()) {
            const std::string padded = " " + value + " ";
            for (const char* name : isaOfInterest)
                if (padded.find(fmt::format(" {} ", name)) != std::string::npos)
                    machine.isa.emplace_back(name);
        }
    }
    machine.sockets = static_cast<int>(sockets.size());
    machine.cores = static_cast<int>(cores.size());
}

void readCaches(const fs::path& root, Machine& machine) {
    for (int index = 0; index < 8; ++index) {
        const fs::path cache = root / fmt::format("sys/devices/system/cpu/cpu0/cache/index{}", index);
        const std::string size = firstLine(cache / "size");
        if (size.empty())
            break;
        const std::string type = firstLine(cache / "type");
        const std::string suffix = type == "Data" ? "d" : type == "Instruction" ? "i" : "";
        const std::string number = size.substr(0, size.find_first_not_of("0123456789"));
        const int kilobytes = toInt(number);
        machine.caches.push_back(fmt::format("L{}{} {}", firstLine(cache / "level"), suffix,
                                             kilobytes >= 1024 ? fmt::format("{} MiB", kilobytes / 1024)
                                                               : fmt::format("{} KiB", kilobytes)));
    }
}

std::uint64_t readMemory(const fs::path& root) {
    std::ifstream stream(root / "proc/meminfo");
    for (std::string line; std::getline(stream, line);)
        if (line.rfind("MemTotal:", 0) == 0) {
            std::istringstream rest(line.substr(9));
            std::uint64_t kilobytes = 0;
            rest >> kilobytes;
            return kilobytes * 1024;
        }
    return 0;
}

std::string bracketed(const std::string& line) {
    const auto open = line.find('[');
    const auto close = line.find(']');
    return open != std::string::npos && close != std::string::npos && close > open
               ? line.substr(open + 1, close - open - 1)
               : line;
}

std::string readTurbo(const fs::path& root) {
    const std::string noTurbo = firstLine(root / "sys/devices/system/cpu/intel_pstate/no_turbo");
    if (!noTurbo.empty())
        return noTurbo == "0" ? "on" : "off";
    const std::string boost = firstLine(root / "sys/devices/system/cpu/cpufreq/boost");
    return boost.empty() ? "" : boost == "1" ? "on" : "off";
}

std::string readContainer(const fs::path& root) {
    std::vector<std::string> hints;
    std::error_code failure;
    if (fs::exists(root / ".dockerenv", failure))
        hints.emplace_back("docker");
    if (fs::exists(root / "run/.containerenv", failure))
        hints.emplace_back("podman");
    std::ifstream cgroup(root / "proc/1/cgroup");
    for (std::string line; std::getline(cgroup, line);)
        for (const char* word : {"kubepods", "lxc", "docker"})
            if (line.find(word) != std::string::npos &&
                std::find(hints.begin(), hints.end(), word) == hints.end())
                hints.emplace_back(word);
    const std::string limit = firstLine(root / "sys/fs/cgroup/cpu.max");
    if (!limit.empty() && limit.rfind("max", 0) != 0)
        hints.push_back("cpu limit " + limit);
    std::ifstream info(root / "proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("flags", 0) == 0) {
            if (line.find(" hypervisor") != std::string::npos)
                hints.emplace_back("virtual machine");
            break;
        }
    std::string text;
    for (const std::string& hint : hints)
        text += (text.empty() ? "" : ", ") + hint;
    return text;
}

int usableThreads() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

std::vector<std::string> readVariables() {
    std::vector<std::string> found;
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text(*entry);
        for (const std::string_view prefix : {"OMP_", "GOMP_", "KMP_", "ONEDNN_", "DNNL_", "ORRERY_"})
            if (text.rfind(prefix, 0) == 0)
                found.emplace_back(text);
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::string show(const Json& value) {
    if (value.is_string())
        return value.get<std::string>();
    if (value.is_array()) {
        std::string text;
        for (const Json& one : value)
            text += (text.empty() ? "" : ", ") + show(one);
        return text;
    }
    return value.is_null() ? "" : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

Machine describeMachine(const fs::path& root) {
    Machine machine;
    readCpuInfo(root, machine);
    machine.threads = usableThreads();
    if (machine.cores == 0) // processors that do not say which core is which
        machine.cores = machine.threads;
    readCaches(root, machine);
    machine.governor = firstLine(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    machine.turbo = readTurbo(root);
    machine.memoryBytes = readMemory(root);
    machine.hugePages = bracketed(firstLine(root / "sys/kernel/mm/transparent_hugepage/enabled"));
    utsname names{};
    if (::uname(&names) == 0) {
        machine.kernel = fmt::format("{} {}", names.sysname, names.release);
        machine.host = names.nodename;
    }
    machine.container = readContainer(root);
    std::istringstream load(firstLine(root / "proc/loadavg"));
    load >> machine.load;
#if defined(__clang__)
    machine.compiler = "clang " __clang_version__;
#else
    machine.compiler = "gcc " __VERSION__;
#endif
#ifdef NDEBUG
    machine.compiler += ", no assertions";
#endif
    machine.onednn = fmt::format("{}, {}; kernels {}", onednn::libraryVersion(), onednn::libraryIsa(),
                                 onednn::kernelIsa());
    machine.version = version();
    machine.variables = readVariables();
    return machine;
}

OrderedJson Machine::toJson() const {
    return {{"cpu", cpu},
            {"sockets", sockets},
            {"cores", cores},
            {"threads", threads},
            {"caches", caches},
            {"isa", isa},
            {"governor", governor},
            {"turbo", turbo},
            {"memoryBytes", memoryBytes},
            {"hugePages", hugePages},
            {"kernel", kernel},
            {"host", host},
            {"container", container},
            {"load", load},
            {"compiler", compiler},
            {"onednn", onednn},
            {"version", version},
            {"variables", variables}};
}

Machine Machine::fromJson(const Json& json) {
    Machine machine;
    if (!json.is_object())
        return machine;
    machine.cpu = json.value("cpu", "");
    machine.sockets = json.value("sockets", 0);
    machine.cores = json.value("cores", 0);
    machine.threads = json.value("threads", 0);
    machine.caches = json.value("caches", std::vector<std::string>{});
    machine.isa = json.value("isa", std::vector<std::string>{});
    machine.governor = json.value("governor", "");
    machine.turbo = json.value("turbo", "");
    machine.memoryBytes = json.value("memoryBytes", std::uint64_t{0});
    machine.hugePages = json.value("hugePages", "");
    machine.kernel = json.value("kernel", "");
    machine.host = json.value("host", "");
    machine.container = json.value("container", "");
    machine.load = json.value("load", 0.0);
    machine.compiler = json.value("compiler", "");
    machine.onednn = json.value("onednn", "");
    machine.version = json.value("version", "");
    machine.variables = json.value("variables", std::vector<std::string>{});
    return machine;
}

std::string Machine::key() const {
    std::string all = fmt::format("{}|{}|{}|{}", cpu, sockets, cores, memoryBytes >> 30U);
    for (const std::string& one : isa)
        all += "|" + one;
    return sha256(all).substr(0, 16);
}

std::string Machine::oneLine() const {
    return fmt::format("{}, {} core{}, {:.1f} GiB, {}", cpu.empty() ? "unknown processor" : cpu, cores,
                       cores == 1 ? "" : "s", static_cast<double>(memoryBytes) / (1ULL << 30U), kernel);
}

std::vector<EnvironmentDifference> environmentDifferences(const Json& a, const Json& b) {
    std::vector<EnvironmentDifference> found;
    std::set<std::string> names;
    for (const Json* side : {&a, &b})
        if (side->is_object())
            for (const auto& [name, value] : side->items())
                names.insert(name);
    names.erase("load"); // never the same
    for (const std::string& name : names) {
        const Json left = a.is_object() ? a.value(name, Json()) : Json();
        const Json right = b.is_object() ? b.value(name, Json()) : Json();
        if (left != right)
            found.push_back({name, show(left), show(right)});
    }
    return found;
}

} // namespace orrery::measure
