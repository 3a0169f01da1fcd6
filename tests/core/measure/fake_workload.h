// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "measure/workload.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace orrery::measure {

/// Time that passes only when a fake workload says so.
struct FakeTime {
    double now = 100;
    std::vector<std::string> log; ///< names in the order in which they ran
};

/// Takes as long as a function of the number of the run says.
class FakeWorkload final : public Workload {
public:
    FakeWorkload(FakeTime& time, std::string name, std::function<double(int run)> seconds)
        : m_time(time), m_name(std::move(name)), m_seconds(std::move(seconds)) {}
    [[nodiscard]] std::string name() const override { return m_name; }
    void prepare(const Progress&) override {
        if (failsToPrepare)
            throw Error("It cannot be prepared.");
        m_time.now += 5;
        ++prepared;
    }
    void runOnce(const Progress& progress) override {
        progress.check();
        m_time.log.push_back(m_name);
        m_time.now += m_seconds(runs++);
    }
    void reset() override { m_time.now += 1; } // outside the measured time
    void release() override { ++released; }
    [[nodiscard]] WorkloadCost cost() const override { return {2, 256, 1e9, 1e6}; }

    bool failsToPrepare = false;
    int prepared = 0;
    int released = 0;
    int runs = 0;

private:
    FakeTime& m_time;
    std::string m_name;
    std::function<double(int)> m_seconds;
};

} // namespace orrery::measure
