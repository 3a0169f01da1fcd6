// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace orrery::figure {

/// Writes CSV as RFC 4180 has it, with \n ends of lines.
class CsvWriter {
public:
    CsvWriter& text(std::string_view value);
    CsvWriter& number(double value); ///< shortest form that reads back the same; NaN is an empty field
    CsvWriter& number(float value);
    CsvWriter& integer(std::int64_t value);
    CsvWriter& empty();
    void endRow();
    [[nodiscard]] const std::string& result() const { return m_text; }

private:
    void separate();
    std::string m_text;
    bool m_atStart = true;
};

} // namespace orrery::figure
