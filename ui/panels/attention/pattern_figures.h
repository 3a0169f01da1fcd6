// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "figure/figure.h"
#include "shell/pass.h"

#include <memory>
#include <optional>

namespace orrery::ui {

using FigurePointer = std::shared_ptr<const figure::Figure>;

/// Layers x heads of a pass; null when it traced no pattern at all.
FigurePointer headGridFigure(const Pass& pass);

/// The pattern of one head, or of the mean over heads when head is -1; null when the layer has none. Beside
/// another pass it is titled by its input and both are coloured up to the highest weight of the two.
FigurePointer patternFigure(const Pass& pass, int layer, int head, const Pass* beside = nullptr);

/// Pass minus other; null when the layer has no pattern or the inputs differ in length.
FigurePointer differenceFigure(const Pass& pass, const Pass& other, int layer, int head);

/// Lines of all heads of a layer; null when it has no pattern.
FigurePointer linesFigure(const Pass& pass, int layer);

/// The tokens, coloured by what the query looks at and by who looks at the key (-1: that one is left out).
FigurePointer stripFigure(const Pass& pass, int layer, int head, int query, int key);

/// The matrix behind a figure: of a head, or the mean over heads when head is -1; null when there is none.
std::shared_ptr<const figure::MatrixSource> patternMatrix(const Pass& pass, int layer, int head);

} // namespace orrery::ui
