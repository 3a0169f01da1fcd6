// SPDX-License-Identifier: GPL-3.0-or-later
#include "figures/provenance_dialog.h"

#include "report/report.h"

#include <QApplication>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QFontDatabase>
#include <QFormLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QVBoxLayout>

namespace orrery::ui {

ProvenanceDialog::ProvenanceDialog(const figure::Figure& figure, QWidget* parent) : QDialog(parent) {
    setWindowTitle(tr("How “%1” was made").arg(QString::fromStdString(figure.title)));
    auto* column = new QVBoxLayout(this);
    auto* form = new QFormLayout;
    for (const auto& [name, value] : report::provenanceLines(figure.provenance)) {
        auto* text = new QLabel(QString::fromStdString(value), this);
        text->setTextFormat(Qt::PlainText);
        text->setWordWrap(true);
        text->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
        form->addRow(QString::fromStdString(name), text);
    }
    column->addLayout(form);
    const QString command = QString::fromStdString(figure.provenance.commandLine);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    if (!command.isEmpty()) {
        auto* label = new QLabel(tr("&Command line that makes it again"), this);
        auto* edit = new QPlainTextEdit(command, this);
        edit->setReadOnly(true);
        edit->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
        edit->setTabChangesFocus(true);
        edit->setMaximumHeight(fontMetrics().height() * 5);
        label->setBuddy(edit);
        column->addWidget(label);
        column->addWidget(edit);
        QPushButton* copy = buttons->addButton(tr("Copy command &line"), QDialogButtonBox::ActionRole);
        connect(copy, &QPushButton::clicked, this,
                [command] { QApplication::clipboard()->setText(command); });
    }
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    column->addWidget(buttons);
    resize(560, sizeHint().height());
}

} // namespace orrery::ui
