// SPDX-License-Identifier: GPL-3.0-or-later
#include "peer.h"

#include "base/error.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace orrery::bench {

Peer::Peer(const std::vector<std::string>& command) {
    for (const std::string& word : command)
        m_name += (m_name.empty() ? "" : " ") + word;
    std::vector<char*> words; // made before the fork: the child only calls what is safe there
    words.reserve(command.size() + 1);
    for (const std::string& word : command)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    int to[2];
    int from[2];
    if (pipe(to) != 0 || pipe(from) != 0)
        throw Error("No pipes are left for another program; close some of those that are open.");
    std::signal(SIGPIPE, SIG_IGN);
    m_child = fork();
    if (m_child < 0)
        throw Error(fmt::format("No process could be made for {}.", m_name));
    if (m_child == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        for (const int end : {to[0], to[1], from[0], from[1]})
            close(end);
        execvp(words[0], words.data());
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    m_in = fdopen(to[1], "w");
    m_out = fdopen(from[0], "r");
    if (m_in == nullptr || m_out == nullptr)
        throw Error(fmt::format("The pipes to {} cannot be used.", m_name));
}

Peer::~Peer() {
    std::fclose(m_in);
    std::fclose(m_out);
    waitpid(m_child, nullptr, 0);
}

std::string Peer::line() {
    std::string text;
    for (int c = std::fgetc(m_out); c != '\n'; c = std::fgetc(m_out)) {
        if (c == EOF)
            throw Error(fmt::format("The peer has ended; run it by hand to see why: {}", m_name));
        text += static_cast<char>(c);
    }
    return text;
}

std::string Peer::ask(const std::string& question) {
    std::fputs((question + "\n").c_str(), m_in);
    std::fflush(m_in);
    return line();
}

} // namespace orrery::bench
