// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "model/model.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace orrery::model {

/// A copy of a golden checkpoint whose config and tensors can be changed before it is opened.
class Folder {
public:
    explicit Folder(const std::string& source)
        : m_path(std::filesystem::temp_directory_path() / "orrery_changed_model") {
        const std::filesystem::path from = std::filesystem::path(ORRERY_GOLDEN_DIR "/hf") / source;
        config = readJsonFile(from / "config.json");
        const auto checkpoint = checkpoint::Checkpoint::open(from);
        for (const std::string& name : checkpoint->names())
            tensors.emplace_back(name, checkpoint->tensor(name).clone());
    }
    ~Folder() { std::filesystem::remove_all(m_path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::shared_ptr<Model> open() {
        std::filesystem::remove_all(m_path);
        std::filesystem::create_directories(m_path);
        writeFileAtomically(m_path / "config.json", config.dump());
        checkpoint::writeSafetensors(m_path / "model.safetensors", tensors);
        return Model::open(m_path);
    }
    /// What opening says; fails the test when it does not complain.
    std::string sentence() {
        try {
            open();
        } catch (const InputError& error) {
            return error.what();
        }
        ADD_FAILURE() << "opened";
        return "";
    }
    std::pair<std::string, Tensor>& named(const std::string& name) {
        for (auto& tensor : tensors)
            if (tensor.first == name)
                return tensor;
        throw std::runtime_error(name);
    }
    void rename(const std::function<std::string(std::string)>& change) {
        for (auto& tensor : tensors)
            tensor.first = change(tensor.first);
    }

    Json config;
    std::vector<std::pair<std::string, Tensor>> tensors;

private:
    std::filesystem::path m_path;
};

} // namespace orrery::model
