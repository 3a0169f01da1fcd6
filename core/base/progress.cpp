// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/progress.h"

#include "base/error.h"

namespace orrery {

void CancelToken::check() const {
    if (cancelled())
        throw Cancelled();
}

Progress::Progress(Listener listener, CancelToken token)
    : m_listener(std::make_shared<Listener>(std::move(listener))), m_token(std::move(token)) {}

void Progress::report(std::string_view step, double done, double total) const {
    if (m_listener && *m_listener)
        (*m_listener)(ProgressState{std::string(step), done, total});
    m_token.check();
}

} // namespace orrery
