// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace orrery::bench {

/// Another program that is measured in turns with ours: it is asked by a line on its standard input and
/// answers by one.
class Peer {
public:
    /// Starts it, found by PATH as a shell would. A program that ended shows at the next line: SIGPIPE is
    /// ignored from here on.
    explicit Peer(const std::vector<std::string>& command);
    /// Its end of input ends it.
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    /// The next line that it writes; an Error when it ended.
    std::string line();
    std::string ask(const std::string& question);

private:
    pid_t m_child = 0;
    FILE* m_in = nullptr;
    FILE* m_out = nullptr;
    std::string m_name;
};

} // namespace orrery::bench
