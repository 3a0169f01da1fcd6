// SPDX-License-Identifier: GPL-3.0-or-later
// Greedy decoding that guesses tokens ahead and lets the model read all guesses at once: what it agrees with
// is kept. The tokens are those of greedy decoding (up to ties within rounding: one product of n rows adds up
// in another order than n products of one). Leviathan, Kalman, Matias, Fast Inference from Transformers via
// Speculative Decoding, 2023.
#include "base/error.h"
#include "generate/causal_step_model.h"
#include "generate/decoding_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::generate {
namespace {

class Drafter {
public:
    virtual ~Drafter() = default;
    /// At most count tokens that may come next.
    virtual TokenIds draft(std::span<const std::int64_t> said, std::int64_t count) = 0;
};

/// What followed the last time that the same n tokens were said.
class LookupDrafter final : public Drafter {
public:
    explicit LookupDrafter(std::int64_t longest) : m_longest(longest) {}
    TokenIds draft(std::span<const std::int64_t> said, std::int64_t count) override {
        const auto length = static_cast<std::int64_t>(said.size());
        for (std::int64_t size = std::min(m_longest, length - 1); size > 0; --size) {
            const auto tail = said.last(static_cast<std::size_t>(size));
            for (std::int64_t begin = length - size - 1; begin >= 0; --begin)
                if (std::equal(tail.begin(), tail.end(), said.begin() + begin)) {
                    const auto first = said.begin() + begin + size;
                    return {first, first + std::min(count, length - begin - size)};
                }
        }
        return {};
    }

private:
    std::int64_t m_longest;
};

/// What a smaller model would say.
class ModelDrafter final : public Drafter {
public:
    ModelDrafter(std::shared_ptr<const model::Model> model, const Progress& progress)
        : m_model(std::move(model)), m_steps(*m_model, contextWith(progress)) {}
    TokenIds draft(std::span<const std::int64_t> said, std::int64_t count) override {
        TokenIds tokens;
        const TokenIds prompt(said.begin(), said.end());
        while (static_cast<std::int64_t>(tokens.size()) < count &&
               static_cast<std::int64_t>(prompt.size() + tokens.size()) < m_steps.maxPositions()) {
            const Tensor logits = tokens.empty() ? m_steps.prefill(std::span(&prompt, 1))
                                                 : m_steps.step(std::span(&tokens.back(), 1));
            const auto row = logits.select(0, 0).data<float>();
            tokens.push_back(std::max_element(row.begin(), row.end()) - row.begin());
        }
        return tokens;
    }

private:
    static Context contextWith(const Progress& progress) {
        Context context;
        context.progress = progress;
        return context;
    }
    std::shared_ptr<const model::Model> m_model;
    CausalStepModel m_steps; ///< keeps what its last prompt and the next have in common
};

class Verifier {
public:
    Verifier(DecodingRun& run, Drafter& drafter, std::int64_t ahead)
        : m_run(run), m_drafter(drafter), m_ahead(ahead) {
        if (run.prompts().size() != 1)
            throw UsageError("Guessing ahead continues one prompt at a time; give one prompt.");
        if (!run.model().canGoBack())
            throw UsageError(
                "This model cannot take back what it has read, so nothing can be guessed ahead; choose "
                "another decoding strategy.");
    }

    void decode() {
        m_sequence = m_run.begin(0);
        Tensor logits = m_run.prefill();
        choose(logits, 0);
        while (!m_run.ended(m_sequence)) {
            const std::int64_t room = m_run.model().maxPositions() - m_run.model().length();
            if (room > 0) {
                round(room);
                continue;
            }
            const auto shifted = m_run.shiftContext(std::span(&m_sequence, 1));
            if (!shifted)
                return m_run.end(m_sequence, StopReason::Context);
            choose(*shifted, 0);
        }
    }

private:
    std::int64_t choose(const Tensor& logits, std::int64_t row) {
        const auto given = logits.select(0, row).data<float>();
        m_scores.assign(given.begin(), given.end());
        m_run.process(0, m_run.said(m_sequence), m_scores);
        Generator unused(0);
        const Choice choice = m_chooser->next(m_scores, unused);
        m_run.accept(m_sequence, m_run.record(choice, given));
        ++m_made;
        return choice.id;
    }

    /// Reads the last token and guesses after it; keeps the guesses that the model would have said.
    void round(std::int64_t room) {
        const auto said = m_run.said(m_sequence);
        const std::int64_t most = std::min({m_ahead, m_run.maxNewTokens() - m_made - 1, room - 1});
        TokenIds tokens{said.back()};
        if (most > 0) {
            const TokenIds guesses = m_drafter.draft(said, most);
            tokens.insert(tokens.end(), guesses.begin(), guesses.end());
        }
        const auto count = static_cast<std::int64_t>(tokens.size());
        const std::int64_t before = m_run.model().length();
        const Tensor logits = count == 1 ? m_run.step(tokens) : m_run.extend(tokens);
        Speculation& counts = m_run.speculation();
        ++counts.modelCalls;
        counts.drafted += count - 1;
        std::int64_t kept = 1;
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t id = choose(logits, i);
            if (i + 1 < count && id == tokens[static_cast<std::size_t>(i) + 1])
                ++counts.accepted;
            if (m_run.ended(m_sequence) || i + 1 == count || id != tokens[static_cast<std::size_t>(i) + 1])
                break;
            ++kept;
        }
        if (kept < count)
            m_run.model().goBack(before + kept);
    }

    DecodingRun& m_run;
    Drafter& m_drafter;
    std::int64_t m_ahead;
    std::size_t m_sequence = 0;
    std::int64_t m_made = 0;
    std::unique_ptr<TokenChooser> m_chooser = greedy().start({});
    std::vector<float> m_scores;
};

class PromptLookup final : public DecodingStrategy {
public:
    [[nodiscard]] PartInfo info() const override {
        return {
            .id = "prompt_lookup",
            .title = "Prompt lookup",
            .summary =
                "Greedy decoding that guesses ahead what followed the same words before; the same tokens in "
                "fewer steps where a text repeats itself.",
            .paper =
                "Leviathan, Kalman, Matias, Fast Inference from Transformers via Speculative Decoding, 2023 "
                "(the test of guesses)",
            .url = "https://arxiv.org/abs/2211.17192",
            .usableIn = "models that can go back, one prompt at a time"};
    }
    [[nodiscard]] OptionSchema options() const override {
        OptionSchema schema;
        schema.integer("prompt_lookup_num_tokens", 10, "Tokens that are guessed at once.").range(1, 1024);
        schema.integer("max_matching_ngram_size", 2, "Tokens at most that must be the same before a guess.")
            .range(1, 1024);
        return schema;
    }
    [[nodiscard]] bool takesBatches() const override { return false; }
    void decode(DecodingRun& run, const OptionValues& options) const override {
        LookupDrafter drafter(options.integer("max_matching_ngram_size"));
        Verifier(run, drafter, options.integer("prompt_lookup_num_tokens")).decode();
    }
};

class Speculative final : public DecodingStrategy {
public:
    [[nodiscard]] PartInfo info() const override {
        return {
            .id = "speculative",
            .title = "Speculative decoding",
            .summary =
                "Greedy decoding in which a small model guesses ahead and the model tests all guesses at "
                "once; the same tokens in fewer steps.",
            .paper =
                "Leviathan, Kalman, Matias, Fast Inference from Transformers via Speculative Decoding, 2023",
            .url = "https://arxiv.org/abs/2211.17192",
            .usableIn = "models that can go back, one prompt at a time"};
    }
    [[nodiscard]] OptionSchema options() const override {
        OptionSchema schema;
        schema.path("assistant", "", "Folder of the small model; it must have the same vocabulary.");
        schema.integer("num_assistant_tokens", 5, "Tokens that are guessed at once.").range(1, 1024);
        schema.choice("assistant_dtype", "f32", "Type of the small model's computation.")
            .choice("f32", "single precision")
            .choice("bf16", "brain floats");
        return schema;
    }
    [[nodiscard]] bool takesBatches() const override { return false; }
    void decode(DecodingRun& run, const OptionValues& options) const override {
        const std::string& folder = options.text("assistant");
        if (folder.empty())
            throw UsageError("Speculative decoding needs a small model: set assistant=FOLDER.");
        const auto assistant = model::Model::open(
            folder, {.dtype = dtypeFromName(options.text("assistant_dtype")).value_or(DType::F32)});
        if (assistant->vocabulary() != run.model().vocabulary())
            throw UsageError(
                fmt::format("The assistant {} has a vocabulary of {} tokens, the model one of {}; they "
                            "must be the same.",
                            folder, assistant->vocabulary(), run.model().vocabulary()));
        ModelDrafter drafter(assistant, run.progress());
        Verifier(run, drafter, options.integer("num_assistant_tokens")).decode();
    }
};

} // namespace

const DecodingStrategy& promptLookup() {
    static const PromptLookup strategy;
    return strategy;
}

const DecodingStrategy& speculative() {
    static const Speculative strategy;
    return strategy;
}

} // namespace orrery::generate
