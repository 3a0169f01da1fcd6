// SPDX-License-Identifier: GPL-3.0-or-later
#include "panels/plugins/plugins_panel.h"

#include "forms/option_form.h"
#include "shell/icons.h"
#include "shell/panel_bar.h"
#include "shell/theme.h"
#include "shell/workbench.h"

#include <QBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QScrollArea>
#include <QSplitter>
#include <QTextBrowser>
#include <QTreeWidget>

#include <memory>

namespace orrery::ui {

namespace {

constexpr int pluginRole = Qt::UserRole + 1; ///< index in Workbench::plugins, -1 for none
constexpr int kindRole = Qt::UserRole + 2;
constexpr int partRole = Qt::UserRole + 3;

QString toText(const std::string& text) {
    return QString::fromStdString(text);
}

QString stateText(plugin::PluginStatus status) {
    switch (status) {
    case plugin::PluginStatus::Loaded:
        return PluginsPanel::tr("loaded");
    case plugin::PluginStatus::Broken:
        return PluginsPanel::tr("broken");
    case plugin::PluginStatus::WrongVersion:
        return PluginsPanel::tr("wrong version");
    case plugin::PluginStatus::Crashed:
        return PluginsPanel::tr("crashed");
    }
    return {};
}

QString line(const QString& name, const QString& value) {
    return value.isEmpty()
               ? QString()
               : QStringLiteral("<tr><td style=\"color:%1; padding-right:12px\">%2</td><td>%3</td></tr>")
                     .arg(Theme::colours().muted.name(), name.toHtmlEscaped(), value.toHtmlEscaped());
}

} // namespace

PluginsPanel::PluginsPanel(Workbench& workbench, QWidget* parent)
    : Panel(QStringLiteral("plugins"), parent), m_workbench(workbench), m_words(new QLineEdit(this)),
      m_tree(new QTreeWidget(this)), m_text(new QTextBrowser(this)),
      m_optionsTitle(new QLabel(tr("Options"), this)), m_form(new OptionForm(this)) {
    m_words->setPlaceholderText(tr("Filter plugins and parts"));
    m_words->setAccessibleName(tr("Filter plugins and parts"));
    m_words->setClearButtonEnabled(true);
    m_tree->setHeaderLabels({tr("Plugin or part"), tr("Kind"), tr("State")});
    m_tree->setAccessibleName(tr("Plugins and parts"));
    m_tree->setAlternatingRowColors(true);
    m_tree->header()->setStretchLastSection(false);
    m_tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_tree->setColumnWidth(1, 120);
    m_tree->setColumnWidth(2, 110);
    m_text->setAccessibleName(tr("About the plugin or part"));
    m_text->setOpenLinks(false); // addresses are shown, never fetched
    m_text->document()->setDocumentMargin(12);
    m_optionsTitle->setProperty("role", QStringLiteral("section"));
    auto* formBox = new QWidget(this);
    auto* formLayout = new QVBoxLayout(formBox);
    formLayout->setContentsMargins(12, 8, 12, 8);
    formLayout->addWidget(m_optionsTitle);
    formLayout->addWidget(m_form);
    formLayout->addStretch(1);
    auto* scroll = new QScrollArea(this);
    scroll->setWidget(formBox);
    scroll->setWidgetResizable(true);
    auto* left = new QWidget(this);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(0, 0, 0, 0);
    leftLayout->setSpacing(0);
    auto* bar = panelBar({}, left);
    bar->layout()->addWidget(m_words);
    leftLayout->addWidget(bar);
    leftLayout->addWidget(m_tree, 1);
    auto* right = new QSplitter(Qt::Vertical, this);
    right->addWidget(m_text);
    right->addWidget(scroll);
    right->setSizes({260, 300});
    right->setChildrenCollapsible(false);
    auto* splitter = new QSplitter(this);
    splitter->addWidget(left);
    splitter->addWidget(right);
    splitter->setSizes({460, 420});
    splitter->setChildrenCollapsible(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(splitter);
    connect(m_words, &QLineEdit::textChanged, this, &PluginsPanel::filter);
    connect(m_tree, &QTreeWidget::currentItemChanged, this, &PluginsPanel::show);
    fill();
}

void PluginsPanel::fill() {
    const auto entries = plugin::registry().entries();
    const auto& plugins = m_workbench.plugins();
    const auto addParts = [&entries](QTreeWidgetItem* above, const std::string& id) {
        for (const auto& entry : entries) {
            if (entry.plugin != id)
                continue;
            const PartInfo info = entry.part->info();
            auto* item = new QTreeWidgetItem(above, {toText(info.title), toText(entry.kind), QString()});
            item->setIcon(0, icon(QStringLiteral("module")));
            item->setData(0, pluginRole, -1);
            item->setData(0, kindRole, toText(entry.kind));
            item->setData(0, partRole, toText(info.id));
            item->setToolTip(0, toText(info.summary));
        }
    };
    for (std::size_t i = 0; i < plugins.size(); ++i) {
        const auto& state = plugins[i];
        const bool loaded = state.status == plugin::PluginStatus::Loaded;
        const QString title =
            state.title.empty() ? toText(state.file.filename().string()) : toText(state.title);
        auto* item = new QTreeWidgetItem(m_tree, {title, tr("plugin"), stateText(state.status)});
        item->setIcon(0, icon(loaded ? QStringLiteral("plugins") : QStringLiteral("error")));
        item->setData(0, pluginRole, static_cast<int>(i));
        item->setForeground(2, loaded ? Theme::colours().good : Theme::colours().bad);
        item->setToolTip(2, toText(state.reason));
        addParts(item, state.id);
        item->setExpanded(true);
    }
    auto built = std::make_unique<QTreeWidgetItem>(QStringList{tr("Built in"), QString(), QString()});
    addParts(built.get(), "orrery");
    if (built->childCount() > 0) {
        built->setData(0, pluginRole, -1);
        built->setIcon(0, icon(QStringLiteral("welcome")));
        m_tree->addTopLevelItem(built.get());
        built.release()->setExpanded(true); // the tree's now
    }
    if (m_tree->topLevelItemCount() > 0)
        m_tree->setCurrentItem(m_tree->topLevelItem(0)->childCount() > 0 ? m_tree->topLevelItem(0)->child(0)
                                                                         : m_tree->topLevelItem(0));
    else
        show(nullptr);
}

void PluginsPanel::filter(const QString& text) {
    const auto matches = [&text](const QTreeWidgetItem* item) {
        return item->text(0).contains(text, Qt::CaseInsensitive) ||
               item->text(1).contains(text, Qt::CaseInsensitive);
    };
    for (int i = 0; i < m_tree->topLevelItemCount(); ++i) {
        QTreeWidgetItem* plugin = m_tree->topLevelItem(i);
        const bool whole = matches(plugin);
        bool any = whole;
        for (int j = 0; j < plugin->childCount(); ++j) {
            const bool visible = whole || matches(plugin->child(j));
            plugin->child(j)->setHidden(!visible);
            any = any || visible;
        }
        plugin->setHidden(!any);
    }
}

void PluginsPanel::show(const QTreeWidgetItem* item) {
    QString html;
    OptionSchema options;
    bool isPart = false;
    if (item == nullptr) {
        html =
            QStringLiteral("<p>%1</p>").arg(tr("No plugins were found beside the program.").toHtmlEscaped());
    } else if (const QString id = item->data(0, partRole).toString(); !id.isEmpty()) {
        isPart = true;
        const auto entry = plugin::registry().requirePart(item->data(0, kindRole).toString().toStdString(),
                                                          id.toStdString());
        const PartInfo info = entry.part->info();
        options = entry.part->options();
        html = QStringLiteral("<h3>%1</h3><p>%2</p><table>")
                   .arg(toText(info.title).toHtmlEscaped(), toText(info.summary).toHtmlEscaped());
        html += line(tr("Id"), toText(info.id));
        html += line(tr("Kind"), toText(entry.kind));
        html += line(tr("For"), toText(info.usableIn));
        html += line(tr("Paper"), toText(info.paper));
        html += line(tr("Address"), toText(info.url));
        html += line(tr("Plugin"), toText(entry.plugin)) + QStringLiteral("</table>");
    } else if (const int index = item->data(0, pluginRole).toInt(); index >= 0) {
        const auto& state = m_workbench.plugins()[static_cast<std::size_t>(index)];
        html = QStringLiteral("<h3>%1</h3>").arg(item->text(0).toHtmlEscaped());
        if (!state.reason.empty())
            html += QStringLiteral("<p style=\"color:%1\">%2</p>")
                        .arg(Theme::colours().bad.name(), toText(state.reason).toHtmlEscaped());
        html += QStringLiteral("<table>") + line(tr("Id"), toText(state.id)) +
                line(tr("Version"), toText(state.version)) + line(tr("State"), stateText(state.status)) +
                line(tr("Paper"), toText(state.paper)) + line(tr("File"), toText(state.file.string())) +
                QStringLiteral("</table>");
    } else {
        html = QStringLiteral("<h3>%1</h3>").arg(item->text(0).toHtmlEscaped());
    }
    m_text->setHtml(html);
    m_form->setSchema(options);
    m_form->setVisible(isPart);
    m_optionsTitle->setVisible(isPart);
}

void PluginsPanel::themeChanged() {
    m_tree->clear();
    fill();
}

void PluginsPanel::takeFocus() {
    m_tree->setFocus(Qt::OtherFocusReason);
}

} // namespace orrery::ui
