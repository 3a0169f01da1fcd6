// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/verify.h"

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "model/comparison.h"
#include "model/model.h"
#include "model/sentence.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace orrery::model {
namespace {

constexpr std::string_view bf16Prefix = "native_bf16.";
constexpr std::string_view generatedName = "generated_ids";

/// What a stack of layers gives beside its sites; of a network everything is a site.
bool isStackOutput(std::string_view name) {
    constexpr std::array outputs{"logits", "start_logits", "end_logits", "last_hidden_state",
                                 "pooler_output"};
    return std::find(outputs.begin(), outputs.end(), name) != outputs.end();
}

/// Outputs that are made from others or by other runs.
bool isDerived(std::string_view name) {
    return name == "embedding" || name.starts_with(bf16Prefix) || name.starts_with(generatedName) ||
           name.starts_with("logits_at.") || name.starts_with("logits_top10.");
}

/// The site of a recorded state: XLNet calls its hidden states memories, positions first.
std::string siteOf(const std::string& output) {
    return output.starts_with("mems.") ? "hidden_states." + output.substr(5) : output;
}

/// Recorded outputs of one set, compared one after the other.
class SetVerifier {
public:
    SetVerifier(const Model& model, const std::filesystem::path& file, const Progress& progress,
                const Continuation& continuation)
        : m_model(model), m_continuation(continuation), m_expected(checkpoint::Checkpoint::open(file)),
          m_compared(m_expected->path().filename().string()) {
        m_context.progress = progress;
    }

    VerifiedSet verify() {
        std::vector<std::string> names;
        std::vector<std::string> sites;
        for (const std::string& name : m_expected->names()) {
            if (name.starts_with("input."))
                m_inputs[name.substr(6)] = input(name);
            else if (name.starts_with("output.rng.")) // recorded random draws
                m_inputs[name.substr(7)] = m_expected->tensor(name);
            else if (name.starts_with("output."))
                names.push_back(name.substr(7));
        }
        for (const std::string& name : names)
            if (!isDerived(name) && (m_model.isNetwork() || !isStackOutput(name)))
                sites.push_back(siteOf(name));
        probe::Trace trace(sites);
        Context context = m_context;
        context.trace = &trace;
        m_outputs = m_model.run(m_inputs, context);
        for (const std::string& name : names)
            compare(name, trace);
        return m_compared.take();
    }

private:
    [[nodiscard]] Tensor input(const std::string& name) const {
        const Tensor tensor = m_expected->tensor(name);
        return isFloating(tensor.dtype()) ? tensor.to(DType::F32) : tensor.to(DType::I64);
    }

    [[nodiscard]] Tensor recorded(std::string_view output) const {
        return m_expected->tensor(fmt::format("output.{}", output));
    }

    [[nodiscard]] InputError missing(std::string_view name) const {
        return InputError(fmt::format("{} expects \"{}\", which {} does not give.", m_compared.file(), name,
                                      m_model.config().architecture));
    }

    [[nodiscard]] const Tensor& output(const NamedTensors& outputs, const std::string& name) const {
        const auto found = outputs.find(name);
        if (found == outputs.end() || !found->second.defined())
            throw missing(name);
        return found->second;
    }

    [[nodiscard]] Tensor given(std::string_view name) const {
        const auto found = m_inputs.find(name);
        return found == m_inputs.end() ? Tensor{} : found->second;
    }

    /// Whether the case has an encoder and a decoder.
    [[nodiscard]] bool hasTwoSides() const { return m_inputs.contains("decoder_input_ids"); }

    /// The mask of the positions of an output, [B, L] i64, or nothing.
    [[nodiscard]] Tensor maskOf(const std::string& name) const {
        if (name.starts_with("vision_model_output."))
            return {};
        if (name.starts_with("decoder_") || name.starts_with("cross_") ||
            (hasTwoSides() && !name.starts_with("encoder_")))
            return given("decoder_attention_mask");
        return given("attention_mask");
    }

    /// Which dimension of an output are positions, or -1.
    [[nodiscard]] int positionAxis(const std::string& name, const Tensor& tensor) const {
        if (name.find("attentions.") != std::string::npos)
            return 2;
        const bool byToken = name == "start_logits" || name == "end_logits" ||
                             (name == "logits" && m_model.config().head == HeadKind::ReplacedTokens);
        return tensor.rank() == 3 || byToken ? 1 : -1;
    }

    void compare(const std::string& name, const probe::Trace& trace) {
        Tensor expected = recorded(name);
        if (name.starts_with(generatedName))
            return compareGenerated(name, expected);
        if (name == "embedding")
            return m_compared.tensors(name, embedding(), expected);
        if (name == "logits_at.values")
            return m_compared.chosenRows(name, output(m_outputs, "logits"), recorded("logits_at.positions"),
                                         expected);
        if (name == "logits_top10.values")
            return m_compared.chosenIds(name, output(m_outputs, "logits"), recorded("logits_top10.ids"),
                                        expected, maskOf("logits"));
        if (name == "logits_at.positions" || name == "logits_top10.ids")
            return; // read with the values
        if (name.starts_with(bf16Prefix)) {
            const std::string narrow = name.substr(bf16Prefix.size());
            const NamedTensors outputs =
                Model::open(m_model.folder(), {.dtype = DType::BF16})->run(m_inputs, m_context);
            return compareAs(narrow, name, output(outputs, narrow), expected, bf16Tolerance);
        }
        if (isDerived(name))
            throw InputError(fmt::format("{} holds the output \"{}\", which cannot be compared.",
                                         m_compared.file(), name));
        if (name.starts_with("mems.") && expected.rank() == 3)
            expected = expected.transpose(0, 1).contiguous();
        if (!m_model.isNetwork() && isStackOutput(name))
            return compareAs(name, name, output(m_outputs, name), expected, {});
        compareAs(siteOf(name), name, trace.tensor(siteOf(name)), expected, {});
    }

    void compareAs(const std::string& meaning, const std::string& shown, const Tensor& got,
                   const Tensor& expected, const Tolerance& tolerance) {
        m_compared.tensors(shown, got, expected, maskOf(meaning), positionAxis(meaning, got), tolerance);
    }

    /// Vectors of the texts, by the modules of the folder.
    [[nodiscard]] Tensor embedding() const {
        if (!checkpoint::SentenceConfig::existsIn(m_model.folder()) || !m_inputs.contains("input_ids"))
            throw missing("embedding");
        ModelInput texts;
        texts.inputIds = given("input_ids");
        texts.attentionMask = given("attention_mask");
        texts.typeIds = given("token_type_ids");
        return SentenceEncoder::open(m_model.folder()).embed(texts, m_context);
    }

    /// The arguments with which ids were generated, from case.json; empty when it does not tell: greedily,
    /// without ends.
    [[nodiscard]] Json argumentsOf(const std::string& name) const {
        const std::filesystem::path file = m_model.folder() / "case.json";
        std::error_code failed;
        if (!std::filesystem::is_regular_file(file, failed))
            return Json::object();
        const Json record = readJsonFile(file, {.maxBytes = 16U << 20U});
        if (!record.is_object() || !record.contains("generate") || !record["generate"].is_object())
            return Json::object();
        const Json arguments = record["generate"].value(name, Json::object());
        return arguments.is_object() ? arguments : Json::object();
    }

    void compareGenerated(const std::string& name, const Tensor& expected) {
        if (!m_continuation)
            return;
        // A decoder's prompt is what the recorded ids begin with; its recorded inputs are another text.
        const Tensor ids = given(hasTwoSides() ? "decoder_input_ids" : "input_ids");
        if (!m_model.canUnembed() || !ids.defined() || ids.rank() != 2)
            throw InputError(fmt::format("{} expects generated ids, but {} does not write texts.",
                                         m_compared.file(), m_model.config().architecture));
        const std::int64_t begin = hasTwoSides() ? 1 : ids.size(1);
        if (expected.rank() != 2 || expected.size(0) != ids.size(0) || expected.size(1) <= begin)
            throw InputError(
                fmt::format("{}: {} has shape {}.", m_compared.file(), name, expected.shape().toText()));
        const Tensor prompt = expected.slice(1, 0, begin).to(DType::I64).contiguous();
        if (!hasTwoSides() && prompt.toIntegers() != ids.toIntegers())
            return compareOtherPrompt(name, expected);
        NamedTensors prompts = m_inputs;
        prompts.erase("decoder_attention_mask");
        prompts[hasTwoSides() ? "decoder_input_ids" : "input_ids"] = prompt;
        m_compared.continuations(
            name,
            m_continuation(m_model, prompts, argumentsOf(name), expected.size(1) - begin, m_context.progress),
            expected, begin);
    }

    /// Ids that continue a prompt of their own, of unrecorded length: at least their second half must be what
    /// the model finds likeliest after what is before.
    void compareOtherPrompt(const std::string& name, const Tensor& expected) {
        const Tensor ids = expected.to(DType::I64);
        const NamedTensors outputs = m_model.run(NamedTensors{{"input_ids", ids}}, m_context);
        m_compared.likeliest(name, output(outputs, "logits"), ids, ids.size(1) / 2);
    }

    const Model& m_model;
    const Continuation& m_continuation;
    std::shared_ptr<const checkpoint::Checkpoint> m_expected;
    Comparison m_compared;
    Context m_context;
    NamedTensors m_inputs;
    NamedTensors m_outputs;
};

std::vector<std::filesystem::path> expectedFiles(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("expected") && name.ends_with(".safetensors"))
            files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace

const VerifiedTensor* VerifiedSet::worst() const {
    const VerifiedTensor* result = nullptr;
    double highest = -1;
    for (const VerifiedTensor& tensor : tensors) {
        const double share = std::isnan(tensor.worst) ? std::numeric_limits<double>::infinity()
                                                      : tensor.worst / std::max(tensor.tolerance, 1e-300);
        if (share > highest) {
            highest = share;
            result = &tensor;
        }
    }
    return result;
}

bool isModelCase(const std::filesystem::path& folder) {
    std::error_code failed;
    return std::filesystem::is_regular_file(folder / "config.json", failed) && !expectedFiles(folder).empty();
}

VerifiedCase verifyModelCase(const std::filesystem::path& folder, const Progress& progress,
                             const Continuation& continuation) {
    VerifiedCase result;
    result.name =
        folder.has_filename() ? folder.filename().string() : folder.parent_path().filename().string();
    try {
        const std::shared_ptr<const Model> model = Model::open(folder, {.progress = progress});
        for (const std::filesystem::path& file : expectedFiles(folder)) {
            progress.check();
            try {
                result.sets.push_back(SetVerifier(*model, file, progress, continuation).verify());
            } catch (const Cancelled&) {
                throw;
            } catch (const std::exception& error) {
                VerifiedSet& set = result.sets.emplace_back();
                set.file = file.filename().string();
                set.problem = error.what();
            }
        }
    } catch (const Cancelled&) {
        throw;
    } catch (const std::exception& error) {
        result.problem = error.what();
        return result;
    }
    if (result.sets.empty())
        result.problem = fmt::format("{} holds no expected*.safetensors.", folder.string());
    result.ok = !result.sets.empty() && std::all_of(result.sets.begin(), result.sets.end(),
                                                    [](const VerifiedSet& set) { return set.ok; });
    return result;
}

} // namespace orrery::model
