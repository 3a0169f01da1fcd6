// SPDX-License-Identifier: GPL-3.0-or-later
#include "shell/settings_dialog.h"

#include "shell/settings.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QSpinBox>
#include <QThread>
#include <QVBoxLayout>

#include <functional>
#include <utility>

namespace orrery::ui {

namespace {

QComboBox* choice(QWidget* parent, const QString& name, const QList<std::pair<QString, QString>>& values,
                  const QString& current, const std::function<void(const QString&)>& chosen) {
    auto* box = new QComboBox(parent);
    box->setAccessibleName(name);
    for (const auto& [value, text] : values)
        box->addItem(text, value);
    box->setCurrentIndex(box->findData(current));
    QObject::connect(box, &QComboBox::activated, box,
                     [box, chosen](int index) { chosen(box->itemData(index).toString()); });
    return box;
}

} // namespace

SettingsDialog::SettingsDialog(Settings& settings, QWidget* parent) : QDialog(parent) {
    setWindowTitle(tr("Settings"));
    auto* form = new QFormLayout;
    form->setFieldGrowthPolicy(QFormLayout::ExpandingFieldsGrow);
    form->setLabelAlignment(Qt::AlignRight);
    form->addRow(tr("&Theme:"),
                 choice(this, tr("Theme"),
                        {{QStringLiteral("system"), tr("As the system")},
                         {QStringLiteral("light"), tr("Light")},
                         {QStringLiteral("dark"), tr("Dark")}},
                        settings.theme(), [&settings](const QString& value) { settings.setTheme(value); }));
    form->addRow(tr("&Colours of magnitudes:"),
                 choice(this, tr("Colours of magnitudes"),
                        {{QStringLiteral("viridis"), QStringLiteral("Viridis")},
                         {QStringLiteral("cividis"), QStringLiteral("Cividis")},
                         {QStringLiteral("magma"), QStringLiteral("Magma")}},
                        settings.colourMap(),
                        [&settings](const QString& value) { settings.setColourMap(value); }));
    form->addRow(tr("&Language:"), choice(this, tr("Language"),
                                          {{QStringLiteral("system"), tr("As the system")},
                                           {QStringLiteral("en"), QStringLiteral("English")},
                                           {QStringLiteral("de"), QStringLiteral("Deutsch")},
                                           {QStringLiteral("tr"), QStringLiteral("Türkçe")}},
                                          settings.language(), [&settings](const QString& value) {
                                              settings.setLanguage(value);
                                          }));
    auto* later = new QLabel(tr("The language changes at the next start."), this);
    later->setProperty("role", QStringLiteral("muted"));
    form->addRow({}, later);
    auto* threads = new QSpinBox(this);
    threads->setRange(0, 4 * QThread::idealThreadCount());
    threads->setSpecialValueText(tr("As many as cores (%1)").arg(QThread::idealThreadCount()));
    threads->setValue(settings.threads());
    threads->setAccessibleName(tr("Threads"));
    connect(threads, &QSpinBox::valueChanged, this, [&settings](int value) { settings.setThreads(value); });
    form->addRow(tr("Th&reads:"), threads);
    form->addRow(tr("&Precision of opened models:"),
                 choice(this, tr("Precision of opened models"),
                        {{QStringLiteral("f32"), tr("f32: as the reference computes")},
                         {QStringLiteral("bf16"), tr("bf16: faster, coarser")}},
                        settings.dtype(), [&settings](const QString& value) { settings.setDtype(value); }));
    auto* typing = new QCheckBox(tr("R&un while typing"), this);
    typing->setChecked(settings.runWhileTyping());
    connect(typing, &QCheckBox::toggled, this, [&settings](bool on) { settings.setRunWhileTyping(on); });
    form->addRow({}, typing);
    auto* restore = new QCheckBox(tr("Open the &last session at start"), this);
    restore->setChecked(settings.restoresSession());
    connect(restore, &QCheckBox::toggled, this, [&settings](bool on) { settings.setRestoresSession(on); });
    form->addRow({}, restore);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    layout->addLayout(form);
    layout->addSpacing(8);
    layout->addWidget(buttons);
}

} // namespace orrery::ui
