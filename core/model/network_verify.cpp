// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/network_verify.h"

#include "base/error.h"
#include "checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery::model {
namespace {

constexpr double relativeTolerance = 1e-4;
constexpr double absoluteTolerance = 1e-5;
constexpr double bf16Tolerance = 5e-2;
constexpr std::string_view bf16Prefix = "native_bf16.";

class NetworkVerifier {
public:
    NetworkVerifier(const Model& model, const std::filesystem::path& file, const Progress& progress)
        : m_model(model), m_progress(progress), m_expected(checkpoint::Checkpoint::open(file)) {
        m_result.file = m_expected->path().filename().string();
    }

    VerifiedSet verify() {
        std::vector<std::string> outputs;
        for (const std::string& name : m_expected->names()) {
            if (name.starts_with("input."))
                m_inputs[name.substr(6)] = input(name);
            else if (name.starts_with("output.rng."))
                m_inputs[name.substr(7)] = m_expected->tensor(name);
            else if (name.starts_with("output."))
                outputs.push_back(name.substr(7));
        }
        std::vector<std::string> sites;
        for (const std::string& name : outputs)
            if (!name.starts_with(bf16Prefix))
                sites.push_back(name);
        probe::Trace trace(sites);
        Context context;
        context.progress = m_progress;
        context.trace = &trace;
        static_cast<void>(m_model.run(m_inputs, context)); // outputs are sites too
        for (const std::string& name : outputs) {
            const Tensor expected = m_expected->tensor("output." + name);
            if (name.starts_with(bf16Prefix))
                compareBf16(name, expected);
            else
                compare(name, name, trace.tensor(name), expected, relativeTolerance);
        }
        if (m_result.tensors.empty())
            throw InputError(fmt::format("{} holds no outputs to compare with.", m_result.file));
        m_result.ok = std::all_of(m_result.tensors.begin(), m_result.tensors.end(),
                                  [](const VerifiedTensor& tensor) { return tensor.ok; });
        return std::move(m_result);
    }

private:
    [[nodiscard]] Tensor input(const std::string& name) const {
        const Tensor tensor = m_expected->tensor(name);
        return isFloating(tensor.dtype()) ? tensor.to(DType::F32) : tensor.to(DType::I64);
    }

    void compareBf16(const std::string& name, const Tensor& expected) {
        const auto narrow = Model::open(m_model.folder(), {.dtype = DType::BF16});
        const std::string output = name.substr(bf16Prefix.size());
        Context context;
        context.progress = m_progress;
        const NamedTensors outputs = narrow->run(m_inputs, context);
        const auto found = outputs.find(output);
        if (found == outputs.end())
            throw InputError(fmt::format("{} expects \"{}\", which {} does not give.", m_result.file, name,
                                         m_model.config().architecture));
        compare(name, output, found->second, expected, bf16Tolerance);
    }

    /// The mask of the positions of an output, [B, L] i64, or nothing.
    [[nodiscard]] Tensor maskOf(const std::string& name) const {
        const auto given = [&](std::string_view mask) {
            const auto found = m_inputs.find(mask);
            return found == m_inputs.end() ? Tensor{} : found->second;
        };
        const bool twoSides = m_inputs.contains("decoder_input_ids");
        if (name.starts_with("vision_model_output."))
            return {};
        if (name.starts_with("decoder_") || name.starts_with("cross_") ||
            (twoSides && !name.starts_with("encoder_")))
            return given("decoder_attention_mask");
        return given("attention_mask");
    }

    /// Which dimension of an output are positions, or -1.
    static int positionAxis(const std::string& name, const Tensor& tensor) {
        if (name.find("attentions.") != std::string::npos)
            return 2;
        return tensor.rank() == 3 ? 1 : -1;
    }

    void compare(const std::string& shown, const std::string& name, const Tensor& got, const Tensor& expected,
                 double relative) {
        if (!(got.shape() == expected.shape()))
            throw InputError(fmt::format("{} expects \"{}\" with shape {}, but the model gives {}.",
                                         m_result.file, shown, expected.shape().toText(),
                                         got.shape().toText()));
        const int axis = positionAxis(name, got);
        Tensor mask = maskOf(name);
        if (axis < 0 || axis >= got.rank() || !mask.defined() || mask.rank() != 2 ||
            mask.size(0) != got.size(0) || mask.size(1) != got.size(axis))
            mask = {};
        const std::vector<float> a = got.toFloats();
        const std::vector<float> b = expected.toFloats();
        const std::int64_t perItem = got.elements() / std::max<std::int64_t>(got.size(0), 1);
        std::int64_t inner = 1; // elements below the position's dimension
        for (int i = axis + 1; mask.defined() && i < got.rank(); ++i)
            inner *= got.size(i);
        double worst = 0;
        double largest = 0;
        for (std::int64_t i = 0; i < got.elements(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            largest = std::max(largest, std::abs(static_cast<double>(b[at])));
            if (mask.defined() && mask.at({i / perItem, i % perItem / inner % got.size(axis)}) == 0)
                continue;
            const double error = std::abs(static_cast<double>(a[at]) - static_cast<double>(b[at]));
            worst = error > worst || std::isnan(error) ? error : worst;
            if (std::isnan(worst))
                break;
        }
        const double tolerance = relative * largest + absoluteTolerance;
        m_result.tensors.push_back({shown, worst, tolerance, worst <= tolerance}); // NaN is not ok
    }

    const Model& m_model;
    const Progress& m_progress;
    std::shared_ptr<const checkpoint::Checkpoint> m_expected;
    NamedTensors m_inputs;
    VerifiedSet m_result;
};

} // namespace

VerifiedSet verifyNetworkSet(const Model& model, const std::filesystem::path& file,
                             const Progress& progress) {
    return NetworkVerifier(model, file, progress).verify();
}

} // namespace orrery::model
