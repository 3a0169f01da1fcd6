<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en">
    <context>
        <name>orrery::ui::BenchPanel</name>
        <message numerus="yes">
            <source>%n point(s), at most %1</source>
            <translation>
                <numerusform>%n point, at most %1</numerusform>
                <numerusform>%n points, at most %1</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>Measured %n point(s).</source>
            <translation>
                <numerusform>Measured %n point.</numerusform>
                <numerusform>Measured %n points.</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::InputPanel</name>
        <message numerus="yes">
            <source>%n token(s) of at most %1</source>
            <translation>
                <numerusform>%n token of at most %1</numerusform>
                <numerusform>%n tokens of at most %1</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::LensesPanel</name>
        <message numerus="yes">
            <source>%n pass(es), %1 GFLOP, %2 kept</source>
            <translation>
                <numerusform>%n pass, %1 GFLOP, %2 kept</numerusform>
                <numerusform>%n passes, %1 GFLOP, %2 kept</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::MainWindow</name>
        <message numerus="yes">
            <source>%n token(s)</source>
            <translation>
                <numerusform>%n token</numerusform>
                <numerusform>%n tokens</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>%n thread(s)</source>
            <translation>
                <numerusform>%n thread</numerusform>
                <numerusform>%n threads</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>%n job(s)</source>
            <translation>
                <numerusform>%n job</numerusform>
                <numerusform>%n jobs</numerusform>
            </translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::WorkspacePanel</name>
        <message numerus="yes">
            <source>Delete %n run(s) with samples, figures and notes? This cannot be undone.</source>
            <translation>
                <numerusform>Delete %n run with samples, figures and notes? This cannot be undone.</numerusform>
                <numerusform>Delete %n runs with samples, figures and notes? This cannot be undone.</numerusform>
            </translation>
        </message>
    </context>
</TS>
