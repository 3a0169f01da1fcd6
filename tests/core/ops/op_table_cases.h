// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The table itself, for op_table.h.

#include "op_table.h"

namespace orrery::testing {

inline void addElementwise(std::vector<OpCase>& table) {
    table.push_back(binaryCase("add", ops::add));
    table.push_back(binaryCase("sub", ops::sub));
    table.push_back(binaryCase("mul", ops::mul));
    table.push_back(binaryCase("div", ops::div, false, true));
    table.push_back(binaryCase("maximum", ops::maximum, true));
    table.push_back(binaryCase("minimum", ops::minimum, true));
    table.push_back({"where",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         const auto [left, right] = broadcastPair(d);
                         return Tensors{integers({d.b, d.c}, generator, 2), normals(left, generator),
                                        normals(right, generator)};
                     },
                     [](Inputs in, const Draw&) { return Tensors{ops::where(in[0], in[1], in[2])}; }});
    table.push_back(unaryCase("neg", ops::neg));
    table.push_back(unaryCase("square", ops::square));
    table.push_back(unaryCase("reciprocal", ops::reciprocal, false, 0.5, 3));
    table.push_back(unaryCase("exp", ops::exp));
    table.push_back(unaryCase("log", ops::log, false, 0.2, 3));
    table.push_back(unaryCase("sqrt", ops::sqrt, false, 0.2, 3));
    table.push_back(unaryCase("rsqrt", ops::rsqrt, false, 0.2, 3));
    table.push_back(unaryCase("sin", ops::sin));
    table.push_back(unaryCase("cos", ops::cos));
    table.push_back(unaryCase("abs", ops::abs, true));
    table.push_back(unaryCase("tanh", ops::tanh));
    table.push_back(unaryCase("sigmoid", ops::sigmoid));
    table.push_back(unaryCase("relu", ops::relu, true));
    table.push_back(unaryCase("gelu", ops::gelu));
    table.push_back(unaryCase("geluTanh", ops::geluTanh));
    table.push_back(unaryCase("quickGelu", ops::quickGelu));
    table.push_back(unaryCase("silu", ops::silu));
    table.push_back(unaryCase("softplus", ops::softplus));
    const auto plain =
        [&table](std::string name, const std::function<Tensor(const Tensor&, const Draw&)>& run,
                 bool apart = false) { table.push_back(plainCase(std::move(name), run, false, apart)); };
    plain("scale", [](const Tensor& x, const Draw&) { return ops::scale(x, -1.5); });
    plain("addScalar", [](const Tensor& x, const Draw&) { return ops::addScalar(x, 0.75); });
    plain("pow", [](const Tensor& x, const Draw& d) { return ops::pow(x, d.variant % 4); });
    plain(
        "clamp", [](const Tensor& x, const Draw&) { return ops::clamp(x, -0.5, 0.75); }, true);
    plain(
        "elu", [](const Tensor& x, const Draw&) { return ops::elu(x, 0.5); }, true);
    plain(
        "leakyRelu", [](const Tensor& x, const Draw&) { return ops::leakyRelu(x, 0.125); }, true);
    plain("scaleGradient of one", [](const Tensor& x, const Draw&) { return ops::scaleGradient(x, 1); });
    plain("straightThrough of itself", [](const Tensor& x, const Draw&) {
        return ops::add(ops::straightThrough(x.detached(), x), ops::sub(x, ops::stopGradient(x)));
    });
    table.back().differentiable = false; // by design not what differences say; see control tests
    plain("cast", [](const Tensor& x, const Draw&) { return ops::cast(x, DType::F64); });
    plain("dropout", [](const Tensor& x, const Draw& d) {
        Generator generator(d.seed);
        return ops::dropout(x, 0.25, generator);
    });
    plain("cumulativeSum", [](const Tensor& x, const Draw& d) {
        return ops::cumulativeSum(x, d.variant % 3, d.bit(0), d.bit(2));
    });
}

inline void addReductions(std::vector<OpCase>& table) {
    const std::vector<std::vector<int>> choices{{}, {0}, {1}, {2}, {0, 1}, {-1, 0}, {1, 2}, {0, 1, 2}};
    const auto dims = [choices](const Draw& d) { return choices[static_cast<std::size_t>(d.variant)]; };
    const auto plain = [&table](std::string name,
                                const std::function<Tensor(const Tensor&, const Draw&)>& run,
                                bool filled = false, bool apart = false) {
        table.push_back(plainCase(std::move(name), run, filled, apart));
    };
    plain("sum", [dims](const Tensor& x, const Draw& d) { return ops::sum(x, dims(d), d.bit(1)); });
    plain(
        "mean", [dims](const Tensor& x, const Draw& d) { return ops::mean(x, dims(d), d.bit(1)); }, true);
    plain(
        "variance", [dims](const Tensor& x, const Draw& d) { return ops::variance(x, dims(d), false, true); },
        true);
    plain(
        "unbiased variance",
        [](const Tensor& x, const Draw&) {
            return ops::variance(ops::concat({x, ops::scale(x, 2)}, 0), {0}, true);
        },
        true);
    plain(
        "norm", [dims](const Tensor& x, const Draw& d) { return ops::norm(x, dims(d), d.bit(1)); }, true);
    plain(
        "logSumExp",
        [](const Tensor& x, const Draw& d) { return ops::logSumExp(x, d.variant % 3, d.bit(2)); }, true);
    plain(
        "max", [](const Tensor& x, const Draw& d) { return ops::max(x, d.variant % 3, d.bit(2)).values; },
        true, true);
    plain(
        "min", [](const Tensor& x, const Draw& d) { return ops::min(x, d.variant % 3, d.bit(2)).values; },
        true, true);
    plain("sumToShape", [](const Tensor& x, const Draw& d) {
        return ops::sumToShape(x, d.bit(0) ? Shape{1, x.size(2)} : Shape{x.size(0), 1, 1});
    });
    plain("softmax", [](const Tensor& x, const Draw& d) { return ops::softmax(x, d.variant % 3); });
    plain("logSoftmax", [](const Tensor& x, const Draw& d) { return ops::logSoftmax(x, d.variant % 3); });
    table.push_back(
        {"masked softmax",
         [](const Draw& d) {
             Generator generator(d.seed);
             return Tensors{normals({d.a, d.b, d.c}, generator), d.bit(0)
                                                                     ? integers({d.b, d.c}, generator, 2)
                                                                     : normals({d.a, 1, d.c}, generator)};
         },
         [](Inputs in, const Draw& d) { return Tensors{ops::softmax(in[0], d.bit(1) ? 1 : -1, in[1])}; }});
}

inline void addShaping(std::vector<OpCase>& table) {
    const auto plain = [&table](std::string name,
                                const std::function<Tensor(const Tensor&, const Draw&)>& run,
                                bool filled = false) {
        // Squared, so that the gradient differs from element to element.
        table.push_back(plainCase(
            std::move(name), [run](const Tensor& x, const Draw& d) { return ops::square(run(x, d)); },
            filled));
    };
    plain("reshape",
          [](const Tensor& x, const Draw&) { return ops::reshape(ops::transpose(x, 0, 1), {x.elements()}); });
    plain("flatten", [](const Tensor& x, const Draw& d) {
        return ops::flatten(x, d.bit(0) ? 0 : 1, d.bit(1) ? 1 : -1);
    });
    plain("unsqueeze", [](const Tensor& x, const Draw& d) { return ops::unsqueeze(x, d.variant % 4); });
    plain(
        "squeeze", [](const Tensor& x, const Draw&) { return ops::squeeze(ops::slice(x, 1, 0, 1), 1); },
        true);
    plain("transpose", [](const Tensor& x, const Draw& d) { return ops::transpose(x, d.variant % 3, -1); });
    plain("permute", [](const Tensor& x, const Draw&) { return ops::permute(x, {2, 0, -2}); });
    plain(
        "slice",
        [](const Tensor& x, const Draw& d) {
            return ops::slice(x, 2, x.size(2) / 2, x.size(2) - d.variant % 2);
        },
        true);
    plain(
        "select", [](const Tensor& x, const Draw& d) { return ops::select(x, d.variant % 3, 0); }, true);
    plain(
        "expand",
        [](const Tensor& x, const Draw& d) {
            return ops::expand(ops::slice(x, 1, 0, 1), Shape{2, x.size(0), 1 + d.variant % 3, x.size(2)});
        },
        true);
    plain("contiguous",
          [](const Tensor& x, const Draw&) { return ops::contiguous(ops::transpose(x, 0, 2)); });
    plain("concat", [](const Tensor& x, const Draw& d) {
        return ops::concat({x, ops::scale(x, 2), ops::slice(x, d.variant % 3, 0, 0)}, d.variant % 3);
    });
    plain("stack", [](const Tensor& x, const Draw& d) {
        return ops::stack({x, ops::scale(x, 2)}, d.variant % 4);
    });
    plain(
        "split",
        [](const Tensor& x, const Draw&) {
            const Tensors parts = ops::split(x, {1, 0, x.size(1) - 1}, 1);
            return ops::concat({parts[2], parts[1], parts[0]}, 1);
        },
        true);
    plain("pad",
          [](const Tensor& x, const Draw& d) { return ops::pad(x, d.variant % 3, 1, d.variant % 2, 0.5); });
    plain("flip", [](const Tensor& x, const Draw& d) { return ops::flip(x, d.variant % 3); });
    plain("repeatInterleave",
          [](const Tensor& x, const Draw& d) { return ops::repeatInterleave(x, d.variant % 3, 2); });
}

inline void addProducts(std::vector<OpCase>& table) {
    table.push_back(
        {"matmul",
         [](const Draw& d) {
             Generator generator(d.seed);
             Shape left = d.bit(0) ? Shape{d.c, d.b} : Shape{d.b, d.c};
             Shape right = d.bit(1) ? Shape{d.a, d.c} : Shape{d.c, d.a};
             if (d.bit(2)) {
                 left = Shape{2, 1, left[0], left[1]};
                 right = Shape{3, right[0], right[1]};
             } else if (d.seed % 2 == 0) {
                 left = Shape{3, left[0], left[1]};
             }
             return Tensors{normals(left, generator), normals(right, generator)};
         },
         [](Inputs in, const Draw& d) { return Tensors{ops::matmul(in[0], in[1], d.bit(0), d.bit(1))}; }});
    table.push_back({"linear",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         return Tensors{normals(d.bit(2) ? Shape{d.c} : Shape{d.a, 2, d.c}, generator),
                                        normals(d.bit(0) ? Shape{d.c, d.b} : Shape{d.b, d.c}, generator),
                                        d.bit(1) ? normals({d.b}, generator) : Tensor()};
                     },
                     [](Inputs in, const Draw& d) {
                         return Tensors{
                             ops::linear(in[0], in[1], in[2],
                                         d.bit(0) ? ops::WeightLayout::InOut : ops::WeightLayout::OutIn)};
                     }});
    table.push_back(
        {"layerNorm",
         [](const Draw& d) {
             Generator generator(d.seed);
             const Shape width{d.c + 1};
             return Tensors{normals({d.a, d.b, d.c + 1}, generator, 2),
                            d.bit(0) ? normals(width, generator) : Tensor(),
                            d.bit(1) ? normals(width, generator) : Tensor()};
         },
         [](Inputs in, const Draw&) { return Tensors{ops::layerNorm(in[0], in[1], in[2], 0.1)}; }});
    table.push_back({"rmsNorm",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         return Tensors{normals({d.a, d.b, d.c + 1}, generator, 2),
                                        d.bit(0) ? normals({d.c + 1}, generator) : Tensor()};
                     },
                     [](Inputs in, const Draw&) { return Tensors{ops::rmsNorm(in[0], in[1], 0.1)}; }});
    table.push_back({"attention",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         const std::int64_t kvHeads = d.bit(0) ? 1 : 2;
                         const std::int64_t keys = d.bit(1) ? d.b : d.b + 2;
                         return Tensors{normals({d.a, d.b, 2, d.c + 1}, generator),
                                        normals({d.a, kvHeads, keys, d.c + 1}, generator),
                                        normals({d.a, kvHeads, keys, 2}, generator),
                                        d.bit(2) ? integers({d.a, keys}, generator, 2) : Tensor(),
                                        d.bit(1)   ? normals({2, d.b, 1}, generator)
                                        : d.bit(2) ? normals({d.a, 1, 1, keys}, generator)
                                                   : Tensor()};
                     },
                     [](Inputs in, const Draw& d) {
                         ops::AttentionMask mask;
                         mask.causal = d.bit(1);
                         mask.queryOffset = d.bit(0) ? 1 : 0;
                         if (d.seed % 3 == 0)
                             mask.window = 2;
                         mask.keys = in[3];
                         mask.bias = in[4];
                         return Tensors{ops::attention(ops::transpose(in[0], 1, 2), in[1], in[2], mask,
                                                       d.bit(2) ? 0.7 : 0.0)
                                            .output};
                     }});
    table.push_back({"convolution1d",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         const std::int64_t groups = d.bit(0) ? 2 : 1;
                         return Tensors{normals({d.a, 4, d.b + 3}, generator),
                                        normals({2, 4 / groups, 1 + d.variant % 3}, generator),
                                        d.bit(1) ? normals({2}, generator) : Tensor()};
                     },
                     [](Inputs in, const Draw& d) {
                         ops::Convolution1dOptions options;
                         options.groups = d.bit(0) ? 2 : 1;
                         options.stride = 1 + static_cast<std::int64_t>(d.seed % 3);
                         options.padBefore = d.c;
                         options.padAfter = d.bit(2) ? 1 : 0;
                         options.dilation = d.bit(1) ? 2 : 1;
                         if (options.dilation * (in[1].size(2) - 1) + 1 > in[0].size(2))
                             options.dilation = 1;
                         return Tensors{ops::convolution1d(in[0], in[1], in[2], options)};
                     }});
    table.push_back({"convolution2d",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         const std::int64_t groups = d.bit(0) ? 2 : 1;
                         return Tensors{
                             normals({d.a, 4, d.b + 3, d.c + 3}, generator),
                             normals({2, 4 / groups, 1 + d.variant % 3, 1 + d.variant % 2}, generator),
                             d.bit(1) ? normals({2}, generator) : Tensor()};
                     },
                     [](Inputs in, const Draw& d) {
                         kernels::Window2d window;
                         window.stride = {1 + static_cast<std::int64_t>(d.seed % 3), 1 + (d.bit(2) ? 1 : 0)};
                         window.before = {d.c, d.bit(1) ? 1 : 0};
                         window.after = {d.bit(2) ? 1 : 0, d.b};
                         window.dilation = {d.bit(1) && in[1].size(2) < 3 ? 2 : 1, 1};
                         return Tensors{ops::convolution2d(in[0], in[1], in[2], window, d.bit(0) ? 2 : 1)};
                     }});
}

inline void addIndexing(std::vector<OpCase>& table) {
    table.push_back(
        {"embedding",
         [](const Draw& d) {
             Generator generator(d.seed);
             return Tensors{normals({d.a + 1, d.b}, generator), integers({2, d.c}, generator, d.a + 1)};
         },
         [](Inputs in, const Draw&) { return Tensors{ops::square(ops::embedding(in[0], in[1]))}; }});
    table.push_back(
        {"gather",
         [](const Draw& d) {
             Generator generator(d.seed);
             return Tensors{normals({d.a, d.b + 1, d.c}, generator),
                            integers({d.a, 4, d.c}, generator, d.b + 1)};
         },
         [](Inputs in, const Draw&) { return Tensors{ops::square(ops::gather(in[0], 1, in[1]))}; }});
    table.push_back({"scatterAdd",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         return Tensors{normals({d.a, d.b + 1, d.c}, generator),
                                        integers({d.a, 4, d.c}, generator, d.b + 1),
                                        normals({d.a, 4, d.c}, generator)};
                     },
                     [](Inputs in, const Draw&) {
                         return Tensors{ops::square(ops::scatterAdd(in[0], 1, in[1], in[2]))};
                     }});
    table.push_back(
        {"indexSelect",
         [](const Draw& d) {
             Generator generator(d.seed);
             return Tensors{normals({d.a, d.b + 1, d.c}, generator), integers({4}, generator, d.b + 1)};
         },
         [](Inputs in, const Draw&) { return Tensors{ops::square(ops::indexSelect(in[0], 1, in[1]))}; }});
    table.push_back(plainCase(
        "topK",
        [](const Tensor& x, const Draw& d) {
            return ops::square(ops::topK(x, (x.size(d.variant % 3) + 1) / 2, d.variant % 3, d.bit(2)).values);
        },
        false, true));
    table.push_back(plainCase(
        "sort",
        [](const Tensor& x, const Draw& d) {
            return ops::square(ops::sort(x, d.variant % 3, d.bit(2)).values);
        },
        false, true));
    table.push_back(
        {"oneHot",
         [](const Draw& d) {
             Generator generator(d.seed);
             return Tensors{integers({d.a, d.b}, generator, d.c + 1)};
         },
         [](Inputs in, const Draw& d) { return Tensors{ops::oneHot(in[0], d.c + 1, DType::F64)}; }});
}

inline void addLosses(std::vector<OpCase>& table) {
    const auto reduction = [](const Draw& d) {
        return d.bit(0) ? ops::Reduction::None : d.bit(1) ? ops::Reduction::Sum : ops::Reduction::Mean;
    };
    table.push_back({"crossEntropy",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         return Tensors{normals({d.a, d.b, d.c + 1}, generator),
                                        integers({d.a, d.b}, generator, d.c + 1)};
                     },
                     [reduction](Inputs in, const Draw& d) {
                         return Tensors{ops::crossEntropy(in[0], in[1],
                                                          {.ignoreIndex = d.bit(1) ? 0 : -100,
                                                           .labelSmoothing = d.bit(2) ? 0.1 : 0.0,
                                                           .reduction = reduction(d)})};
                     }});
    table.push_back({"meanSquaredError",
                     [](const Draw& d) {
                         Generator generator(d.seed);
                         return Tensors{normals({d.a, d.b}, generator), normals({d.a, d.b}, generator)};
                     },
                     [reduction](Inputs in, const Draw& d) {
                         return Tensors{ops::meanSquaredError(in[0], in[1], reduction(d))};
                     }});
    table.push_back(
        {"binaryCrossEntropyWithLogits",
         [](const Draw& d) {
             Generator generator(d.seed);
             return Tensors{normals({d.a, d.b}, generator, 3), uniforms({d.a, d.b}, generator, 0, 1)};
         },
         [reduction](Inputs in, const Draw& d) {
             return Tensors{ops::binaryCrossEntropyWithLogits(in[0], in[1], reduction(d))};
         }});
    table.push_back(
        {"klDivergence",
         [](const Draw& d) {
             Generator generator(d.seed);
             return Tensors{normals({d.a, d.b, d.c}, generator), normals({d.a, d.b, d.c}, generator)};
         },
         [reduction](Inputs in, const Draw& d) {
             return Tensors{ops::klDivergence(ops::logSoftmax(in[0]), ops::logSoftmax(in[1]), reduction(d))};
         }});
}

inline std::vector<OpCase> opTable() {
    std::vector<OpCase> table;
    addElementwise(table);
    addReductions(table);
    addShaping(table);
    addProducts(table);
    addIndexing(table);
    addLosses(table);
    return table;
}

} // namespace orrery::testing
