// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint/safetensors_header.h"

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/shown_text.h"

#include <fmt/format.h>

#include <unordered_set>
#include <utility>

namespace orrery::checkpoint {
namespace {

/// Follows the fixed form of the header: a tree of values would lose the order and hide doubled names.
class HeaderReader final : public nlohmann::json_sax<Json> {
public:
    explicit HeaderReader(const std::string& fileName) : m_fileName(fileName) {}
    SafetensorsHeader take() { return std::move(m_header); }

    bool null() override { refuse("null"); }
    bool boolean(bool) override { refuse("a boolean"); }
    bool number_integer(number_integer_t value) override { refuse(fmt::format("the number {}", value)); }
    bool number_unsigned(number_unsigned_t value) override {
        if (m_place != Place::Shape && m_place != Place::Offsets)
            refuse(fmt::format("the number {}", value));
        auto& list = m_place == Place::Shape ? entry().shape : entry().offsets;
        if (list.size() >= 64)
            refuse("a list of more than 64 numbers");
        list.push_back(value);
        return true;
    }
    bool number_float(number_float_t, const string_t& text) override {
        refuse(fmt::format("the number {}", text));
    }
    bool string(string_t& text) override {
        if (m_place == Place::Dtype) {
            entry().dtype = std::move(text);
            m_place = Place::Entry;
        } else if (m_place == Place::MetadataValue) {
            m_header.metadata.insert_or_assign(m_key, std::move(text));
            m_place = Place::Metadata;
        } else {
            refuse("a text");
        }
        return true;
    }
    bool binary(binary_t&) override { refuse("binary data"); }

    bool start_object(std::size_t) override {
        if (m_place == Place::Begin)
            m_place = Place::Top;
        else if (m_place == Place::EntryValue)
            m_place = Place::Entry;
        else if (m_place == Place::MetadataObject)
            m_place = Place::Metadata;
        else
            refuse("an object");
        return true;
    }
    bool key(string_t& text) override {
        if (m_place == Place::Top) {
            if (!m_names.insert(text).second)
                throw InputError(fmt::format("The header of {} names the tensor \"{}\" twice; the file is "
                                             "damaged, download or write it again.",
                                             m_fileName, shownText(text)));
            if (text == "__metadata__") {
                m_place = Place::MetadataObject;
            } else {
                m_header.entries.push_back({std::move(text), {}, {}, {}});
                m_fields = 0;
                m_place = Place::EntryValue;
            }
        } else if (m_place == Place::Entry) {
            if (text == "dtype")
                field(Place::Dtype, 1U);
            else if (text == "shape")
                field(Place::ShapeArray, 2U);
            else if (text == "data_offsets")
                field(Place::OffsetsArray, 4U);
            else
                refuse(fmt::format("the unknown field \"{}\"", shownText(text)));
        } else {
            m_key = std::move(text);
            m_place = Place::MetadataValue;
        }
        return true;
    }
    bool end_object() override {
        if (m_place == Place::Entry) {
            if (m_fields != 7U)
                throw InputError(
                    fmt::format("The tensor \"{}\" in the header of {} lacks its {}; the file is "
                                "damaged, download or write it again.",
                                shownText(entry().name), m_fileName,
                                (m_fields & 1U) == 0U   ? "dtype"
                                : (m_fields & 2U) == 0U ? "shape"
                                                        : "data_offsets"));
            m_place = Place::Top;
        } else if (m_place == Place::Metadata) {
            m_place = Place::Top;
        } else {
            m_place = Place::End;
        }
        return true;
    }
    bool start_array(std::size_t) override {
        if (m_place == Place::ShapeArray)
            m_place = Place::Shape;
        else if (m_place == Place::OffsetsArray)
            m_place = Place::Offsets;
        else
            refuse("a list");
        return true;
    }
    bool end_array() override {
        m_place = Place::Entry;
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const Json::exception& failure) override {
        throw InputError(
            fmt::format("The header of {} is not valid JSON at byte {} ({}); download or write it again.",
                        m_fileName, position, failure.what()));
    }

private:
    enum class Place {
        Begin,
        Top,
        EntryValue,
        Entry,
        Dtype,
        ShapeArray,
        Shape,
        OffsetsArray,
        Offsets,
        MetadataObject,
        Metadata,
        MetadataValue,
        End
    };

    SafetensorsEntry& entry() { return m_header.entries.back(); }
    void field(Place place, unsigned bit) {
        if ((m_fields & bit) != 0U)
            refuse("the same field twice");
        m_fields |= bit;
        m_place = place;
    }
    [[noreturn]] void refuse(const std::string& what) const {
        const bool inEntry =
            m_place != Place::Begin && m_place != Place::MetadataObject && m_place != Place::MetadataValue;
        throw InputError(fmt::format("The header of {} holds {} where {}; it is damaged or not a safetensors "
                                     "file, download or write it again.",
                                     m_fileName, what,
                                     inEntry && !m_header.entries.empty()
                                         ? fmt::format("dtype, shape and data_offsets of the tensor \"{}\" "
                                                       "are expected",
                                                       shownText(m_header.entries.back().name))
                                         : std::string("an object of names is expected")));
    }

    const std::string& m_fileName;
    SafetensorsHeader m_header;
    std::unordered_set<std::string> m_names;
    std::string m_key;
    Place m_place = Place::Begin;
    unsigned m_fields = 0;
};

} // namespace

SafetensorsHeader parseSafetensorsHeader(std::string_view json, const std::string& fileName) {
    HeaderReader reader(fileName);
    Json::sax_parse(json, &reader);
    return reader.take();
}

} // namespace orrery::checkpoint
