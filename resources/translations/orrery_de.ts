<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de">
    <context>
        <name>ColourMap</name>
        <message>
            <source>Blue to red</source>
            <translation>Blau nach Rot</translation>
        </message>
    </context>
    <context>
        <name>Figure</name>
        <message>
            <source>Intervals: %1</source>
            <translation>Intervalle: %1</translation>
        </message>
        <message>
            <source>square-root scale</source>
            <translation>Wurzelskala</translation>
        </message>
        <message>
            <source>logarithmic scale</source>
            <translation>logarithmische Skala</translation>
        </message>
    </context>
    <context>
        <name>QDockWidget</name>
        <message>
            <source>Close</source>
            <translation>Schließen</translation>
        </message>
    </context>
    <context>
        <name>TokenStrip</name>
        <message>
            <source>no value</source>
            <translation>kein Wert</translation>
        </message>
    </context>
    <context>
        <name>figure</name>
        <message>
            <source>key (source)</source>
            <translation>Schlüssel (Quelle)</translation>
        </message>
        <message>
            <source>query (destination)</source>
            <translation>Anfrage (Ziel)</translation>
        </message>
        <message>
            <source>attention weight</source>
            <translation>Aufmerksamkeitsgewicht</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui</name>
        <message>
            <source>yes</source>
            <translation>ja</translation>
        </message>
        <message>
            <source>no</source>
            <translation>nein</translation>
        </message>
        <message>
            <source>%1 more rows</source>
            <translation>%1 weitere Zeilen</translation>
        </message>
        <message>
            <source>Figure %1</source>
            <translation>Abbildung %1</translation>
        </message>
        <message>
            <source>Note</source>
            <translation>Anmerkung</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Bericht</translation>
        </message>
        <message>
            <source>Environment</source>
            <translation>Umgebung</translation>
        </message>
        <message>
            <source>All heads</source>
            <translation>Alle Köpfe</translation>
        </message>
        <message>
            <source>Attention of</source>
            <translation>Aufmerksamkeit von</translation>
        </message>
        <message>
            <source>change of attention weight</source>
            <translation>Änderung des Aufmerksamkeitsgewichts</translation>
        </message>
        <message>
            <source>Change in</source>
            <translation>Änderung in</translation>
        </message>
        <message>
            <source>This input minus the other: positive where this input attends more.</source>
            <translation>Diese Eingabe minus die andere: positiv, wo diese mehr beachtet.</translation>
        </message>
        <message>
            <source>Where tokens look in layer</source>
            <translation>Wohin Token schauen in Schicht</translation>
        </message>
        <message>
            <source>attended from</source>
            <translation>beachtet von</translation>
        </message>
        <message>
            <source>attends to</source>
            <translation>beachtet</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::AttentionLinesPainter</name>
        <message>
            <source>query %1 “%2”</source>
            <translation>Anfrage %1 „%2“</translation>
        </message>
        <message>
            <source>key %1 “%2”</source>
            <translation>Schlüssel %1 „%2“</translation>
        </message>
        <message>
            <source>query</source>
            <translation>Anfrage</translation>
        </message>
        <message>
            <source>key</source>
            <translation>Schlüssel</translation>
        </message>
        <message>
            <source>reading the heads …</source>
            <translation>Köpfe werden gelesen …</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::AttentionLinesWidget</name>
        <message>
            <source>Show &amp;all heads</source>
            <translation>&amp;Alle Köpfe zeigen</translation>
        </message>
        <message>
            <source>&amp;Heads</source>
            <translation>&amp;Köpfe</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::AttentionPanel</name>
        <message>
            <source>&amp;mean over heads</source>
            <translation>&amp;Mittel über Köpfe</translation>
        </message>
        <message>
            <source>Map of the head</source>
            <translation>Karte des Kopfes</translation>
        </message>
        <message>
            <source>Lines of the layer</source>
            <translation>Linien der Schicht</translation>
        </message>
        <message>
            <source>side by side</source>
            <translation>nebeneinander</translation>
        </message>
        <message>
            <source>difference</source>
            <translation>Differenz</translation>
        </message>
        <message>
            <source>How to compare</source>
            <translation>Art des Vergleichs</translation>
        </message>
        <message>
            <source>&amp;Layer</source>
            <translation>&amp;Schicht</translation>
        </message>
        <message>
            <source>&amp;Head</source>
            <translation>&amp;Kopf</translation>
        </message>
        <message>
            <source>&amp;Show</source>
            <translation>&amp;Zeigen</translation>
        </message>
        <message>
            <source>&amp;Compare with</source>
            <translation>&amp;Vergleichen mit</translation>
        </message>
        <message>
            <source>Next layer</source>
            <translation>Nächste Schicht</translation>
        </message>
        <message>
            <source>Previous layer</source>
            <translation>Vorige Schicht</translation>
        </message>
        <message>
            <source>Next head</source>
            <translation>Nächster Kopf</translation>
        </message>
        <message>
            <source>Previous head</source>
            <translation>Voriger Kopf</translation>
        </message>
        <message>
            <source>Attention as map or lines</source>
            <translation>Aufmerksamkeit als Karte oder Linien</translation>
        </message>
        <message>
            <source>Saved %1</source>
            <translation>%1 gespeichert</translation>
        </message>
        <message>
            <source>Open a model and type a text: the attention of every head appears here.</source>
            <translation>Öffnen Sie ein Modell und schreiben Sie einen Text: hier erscheint die Aufmerksamkeit aller Köpfe.</translation>
        </message>
        <message>
            <source>%1 has no attention to show.</source>
            <translation>%1 hat keine Aufmerksamkeit zu zeigen.</translation>
        </message>
        <message>
            <source>nothing</source>
            <translation>nichts</translation>
        </message>
        <message>
            <source>before the edit</source>
            <translation>vor der Änderung</translation>
        </message>
        <message>
            <source>Attention to compare with</source>
            <translation>Aufmerksamkeit zum Vergleich</translation>
        </message>
        <message>
            <source>Edit the text to see what changes.</source>
            <translation>Ändern Sie den Text, um zu sehen, was sich ändert.</translation>
        </message>
        <message>
            <source>Running the other input…</source>
            <translation>Die andere Eingabe läuft …</translation>
        </message>
        <message>
            <source>%1 and %2 tokens: a difference needs as many on both sides.</source>
            <translation>%1 und %2 Token: eine Differenz braucht auf beiden Seiten gleich viele.</translation>
        </message>
        <message>
            <source>Attention</source>
            <translation>Aufmerksamkeit</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::AxisPlotWidget</name>
        <message>
            <source>Show &amp;everything</source>
            <translation>&amp;Alles zeigen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Banner</name>
        <message>
            <source>Copy this message</source>
            <translation>Diese Meldung kopieren</translation>
        </message>
        <message>
            <source>Close this message</source>
            <translation>Diese Meldung schließen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::BenchFeed</name>
        <message>
            <source>repetition</source>
            <translation>Wiederholung</translation>
        </message>
        <message>
            <source>time</source>
            <translation>Zeit</translation>
        </message>
        <message>
            <source>Samples as they come</source>
            <translation>Messwerte, wie sie kommen</translation>
        </message>
        <message>
            <source>Every timed run of the settings measured last. A level cloud is a steady machine.</source>
            <translation>Jeder gemessene Lauf der zuletzt gemessenen Einstellungen. Eine ebene Wolke ist eine ruhige Maschine.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::BenchPanel</name>
        <message>
            <source>Use the tokens of the current input</source>
            <translation>Token der aktuellen Eingabe verwenden</translation>
        </message>
        <message>
            <source>Start a measurement, or choose a run below.</source>
            <translation>Starten Sie eine Messung oder wählen Sie unten einen Lauf.</translation>
        </message>
        <message>
            <source>Start measuring</source>
            <translation>Messung starten</translation>
        </message>
        <message>
            <source>Stop measuring</source>
            <translation>Messung anhalten</translation>
        </message>
        <message>
            <source>Go on with the chosen run</source>
            <translation>Gewählten Lauf fortsetzen</translation>
        </message>
        <message>
            <source>Compare the two chosen runs</source>
            <translation>Die zwei gewählten Läufe vergleichen</translation>
        </message>
        <message>
            <source>Models to measure</source>
            <translation>Zu messende Modelle</translation>
        </message>
        <message>
            <source>The current model</source>
            <translation>Das aktuelle Modell</translation>
        </message>
        <message>
            <source>All open models</source>
            <translation>Alle offenen Modelle</translation>
        </message>
        <message>
            <source>Runs measured before</source>
            <translation>Frühere Messungen</translation>
        </message>
        <message>
            <source>What is measured</source>
            <translation>Was gemessen wird</translation>
        </message>
        <message>
            <source>&amp;Start</source>
            <translation>&amp;Starten</translation>
        </message>
        <message>
            <source>S&amp;top</source>
            <translation>An&amp;halten</translation>
        </message>
        <message>
            <source>Measured before</source>
            <translation>Früher gemessen</translation>
        </message>
        <message>
            <source>Open a model to measure it.</source>
            <translation>Öffnen Sie ein Modell, um es zu messen.</translation>
        </message>
        <message numerus="yes">
            <source>%n point(s), at most %1</source>
            <translation>
                <numerusform>%n Punkt, höchstens %1</numerusform>
                <numerusform>%n Punkte, höchstens %1</numerusform>
            </translation>
        </message>
        <message>
            <source>, up to %1 of working memory</source>
            <translation>, bis zu %1 Arbeitsspeicher</translation>
        </message>
        <message>
            <source>Go on with run %1</source>
            <translation>Lauf %1 fortsetzen</translation>
        </message>
        <message>
            <source>Measure</source>
            <translation>Messen</translation>
        </message>
        <message numerus="yes">
            <source>Measured %n point(s).</source>
            <translation>
                <numerusform>%n Punkt gemessen.</numerusform>
                <numerusform>%n Punkte gemessen.</numerusform>
            </translation>
        </message>
        <message>
            <source>Bench</source>
            <translation>Messung</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::CommandPalette</name>
        <message>
            <source>Command palette</source>
            <translation>Befehlspalette</translation>
        </message>
        <message>
            <source>Type a command</source>
            <translation>Befehl eingeben</translation>
        </message>
        <message>
            <source>Command</source>
            <translation>Befehl</translation>
        </message>
        <message>
            <source>Matching commands</source>
            <translation>Passende Befehle</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::FigureStack</name>
        <message>
            <source>Added to the report.</source>
            <translation>Zum Bericht hinzugefügt.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::FigureView</name>
        <message>
            <source>&amp;Copy image</source>
            <translation>Bild &amp;kopieren</translation>
        </message>
        <message>
            <source>Copy &amp;data</source>
            <translation>&amp;Daten kopieren</translation>
        </message>
        <message>
            <source>&amp;Save figure…</source>
            <translation>Abbildung &amp;speichern …</translation>
        </message>
        <message>
            <source>Save da&amp;ta…</source>
            <translation>Da&amp;ten speichern …</translation>
        </message>
        <message>
            <source>Add to &amp;report</source>
            <translation>Zum &amp;Bericht hinzufügen</translation>
        </message>
        <message>
            <source>How was this &amp;made?</source>
            <translation>Wie ist das &amp;entstanden?</translation>
        </message>
        <message>
            <source>Save figure</source>
            <translation>Abbildung speichern</translation>
        </message>
        <message>
            <source>Drawing (*.svg);;Document (*.pdf);;Picture, 2 pixels a unit (*.png);;Picture, 4 pixels a unit (*.png)</source>
            <translation>Zeichnung (*.svg);;Dokument (*.pdf);;Bild, 2 Pixel je Einheit (*.png);;Bild, 4 Pixel je Einheit (*.png)</translation>
        </message>
        <message>
            <source>Save data</source>
            <translation>Daten speichern</translation>
        </message>
        <message>
            <source>Table (*.csv);;JSON (*.json)</source>
            <translation>Tabelle (*.csv);;JSON (*.json)</translation>
        </message>
        <message>
            <source>;;NumPy array (*.npy)</source>
            <translation>;;NumPy-Array (*.npy)</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::HeadGridPainter</name>
        <message>
            <source>key-value group %1</source>
            <translation>Schlüssel-Wert-Gruppe %1</translation>
        </message>
        <message>
            <source>One colour scale for all heads.</source>
            <translation>Eine Farbskala für alle Köpfe.</translation>
        </message>
        <message>
            <source>Each head from 0 (dark) to its own highest mean (bright).</source>
            <translation>Jeder Kopf von 0 (dunkel) bis zu seinem höchsten Mittel (hell).</translation>
        </message>
        <message>
            <source>Drawn on a %1.</source>
            <translation>Gezeichnet auf einer %1.</translation>
        </message>
        <message>
            <source>Bars: %1, from %2 to %3.</source>
            <translation>Balken: %1, von %2 bis %3.</translation>
        </message>
        <message>
            <source>mean weight</source>
            <translation>mittleres Gewicht</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::HeadGridWidget</name>
        <message>
            <source>&amp;One scale for all heads</source>
            <translation>&amp;Eine Skala für alle Köpfe</translation>
        </message>
        <message>
            <source>Colour &amp;scale</source>
            <translation>Farb&amp;skala</translation>
        </message>
        <message>
            <source>&amp;Linear</source>
            <translation>&amp;Linear</translation>
        </message>
        <message>
            <source>&amp;Square root</source>
            <translation>&amp;Wurzel</translation>
        </message>
        <message>
            <source>Lo&amp;garithmic</source>
            <translation>Lo&amp;garithmisch</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::HeatmapPainter</name>
        <message>
            <source>masked</source>
            <translation>maskiert</translation>
        </message>
        <message>
            <source>no value</source>
            <translation>kein Wert</translation>
        </message>
        <message>
            <source>No cells</source>
            <translation>Keine Zellen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::HeatmapWidget</name>
        <message>
            <source>Show &amp;everything</source>
            <translation>&amp;Alles zeigen</translation>
        </message>
        <message>
            <source>One cell a &amp;pixel</source>
            <translation>Eine Zelle je &amp;Pixel</translation>
        </message>
        <message>
            <source>Colour &amp;scale</source>
            <translation>Farb&amp;skala</translation>
        </message>
        <message>
            <source>&amp;Linear</source>
            <translation>&amp;Linear</translation>
        </message>
        <message>
            <source>&amp;Square root</source>
            <translation>&amp;Wurzel</translation>
        </message>
        <message>
            <source>Lo&amp;garithmic</source>
            <translation>Lo&amp;garithmisch</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::InputList</name>
        <message>
            <source>Add input</source>
            <translation>Eingabe hinzufügen</translation>
        </message>
        <message>
            <source>Add pair</source>
            <translation>Paar hinzufügen</translation>
        </message>
        <message>
            <source>Add file</source>
            <translation>Datei hinzufügen</translation>
        </message>
        <message>
            <source>Duplicate input</source>
            <translation>Eingabe verdoppeln</translation>
        </message>
        <message>
            <source>Remove input</source>
            <translation>Eingabe entfernen</translation>
        </message>
        <message>
            <source>Edit input</source>
            <translation>Eingabe ändern</translation>
        </message>
        <message>
            <source>Make a pair</source>
            <translation>Paar bilden</translation>
        </message>
        <message>
            <source>Drop the second text</source>
            <translation>Zweiten Text weglassen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::InputPanel</name>
        <message>
            <source>Second text (a pair)</source>
            <translation>Zweiter Text (ein Paar)</translation>
        </message>
        <message>
            <source>New input</source>
            <translation>Neue Eingabe</translation>
        </message>
        <message>
            <source>New pair of texts</source>
            <translation>Neues Textpaar</translation>
        </message>
        <message>
            <source>Input from a file</source>
            <translation>Eingabe aus einer Datei</translation>
        </message>
        <message>
            <source>Duplicate the input</source>
            <translation>Eingabe verdoppeln</translation>
        </message>
        <message>
            <source>Remove the input</source>
            <translation>Eingabe entfernen</translation>
        </message>
        <message>
            <source>Inputs</source>
            <translation>Eingaben</translation>
        </message>
        <message>
            <source>Type a sentence</source>
            <translation>Satz eingeben</translation>
        </message>
        <message>
            <source>Text of the input</source>
            <translation>Text der Eingabe</translation>
        </message>
        <message>
            <source>The second text</source>
            <translation>Der zweite Text</translation>
        </message>
        <message>
            <source>Second text of the input</source>
            <translation>Zweiter Text der Eingabe</translation>
        </message>
        <message>
            <source>(empty)</source>
            <translation>(leer)</translation>
        </message>
        <message>
            <source>Open a model to see the tokens.</source>
            <translation>Öffnen Sie ein Modell, um die Token zu sehen.</translation>
        </message>
        <message>
            <source>Type a sentence.</source>
            <translation>Schreiben Sie einen Satz.</translation>
        </message>
        <message numerus="yes">
            <source>%n token(s) of at most %1</source>
            <translation>
                <numerusform>%n Token von höchstens %1</numerusform>
                <numerusform>%n Token von höchstens %1</numerusform>
            </translation>
        </message>
        <message>
            <source>cut to the model's length</source>
            <translation>auf die Länge des Modells gekürzt</translation>
        </message>
        <message>
            <source>since the edit: +%1 −%2 ≠%3</source>
            <translation>seit der Änderung: +%1 −%2 ≠%3</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::InspectorPanel</name>
        <message>
            <source>Copy what the inspector shows</source>
            <translation>Inhalt des Inspektors kopieren</translation>
        </message>
        <message>
            <source>What is selected</source>
            <translation>Was ausgewählt ist</translation>
        </message>
        <message>
            <source>Run the model on an input to see the numbers of this site.</source>
            <translation>Lassen Sie das Modell auf einer Eingabe laufen, um die Zahlen dieser Stelle zu sehen.</translation>
        </message>
        <message>
            <source>Values at %1</source>
            <translation>Werte bei %1</translation>
        </message>
        <message>
            <source>Open a model to see what is inside.</source>
            <translation>Öffnen Sie ein Modell, um hineinzusehen.</translation>
        </message>
        <message>
            <source>Opening…</source>
            <translation>Wird geöffnet …</translation>
        </message>
        <message>
            <source>Family</source>
            <translation>Familie</translation>
        </message>
        <message>
            <source>Task</source>
            <translation>Aufgabe</translation>
        </message>
        <message>
            <source>Parameters</source>
            <translation>Parameter</translation>
        </message>
        <message>
            <source>Attention</source>
            <translation>Aufmerksamkeit</translation>
        </message>
        <message>
            <source>causal: to earlier tokens</source>
            <translation>kausal: auf frühere Token</translation>
        </message>
        <message>
            <source>to all tokens</source>
            <translation>auf alle Token</translation>
        </message>
        <message>
            <source>Computes in</source>
            <translation>Rechnet in</translation>
        </message>
        <message>
            <source>Computing…</source>
            <translation>Wird berechnet …</translation>
        </message>
        <message>
            <source>Shape</source>
            <translation>Form</translation>
        </message>
        <message>
            <source>Numbers</source>
            <translation>Zahlen</translation>
        </message>
        <message>
            <source>Mean</source>
            <translation>Mittel</translation>
        </message>
        <message>
            <source>%1 ± %2</source>
            <translation>%1 ± %2</translation>
        </message>
        <message>
            <source>Range</source>
            <translation>Bereich</translation>
        </message>
        <message>
            <source>%1 to %2</source>
            <translation>%1 bis %2</translation>
        </message>
        <message>
            <source>Median</source>
            <translation>Median</translation>
        </message>
        <message>
            <source>Quartiles</source>
            <translation>Quartile</translation>
        </message>
        <message>
            <source>1 % to 99 %</source>
            <translation>1 % bis 99 %</translation>
        </message>
        <message>
            <source>Norm</source>
            <translation>Norm</translation>
        </message>
        <message>
            <source>Zeros</source>
            <translation>Nullen</translation>
        </message>
        <message>
            <source>Not numbers</source>
            <translation>Keine Zahlen</translation>
        </message>
        <message>
            <source>%1 NaN, %2 infinite</source>
            <translation>%1 NaN, %2 unendlich</translation>
        </message>
        <message>
            <source>Site</source>
            <translation>Stelle</translation>
        </message>
        <message>
            <source>%1 "%2"</source>
            <translation>%1 „%2“</translation>
        </message>
        <message>
            <source>Query (from)</source>
            <translation>Anfrage (von)</translation>
        </message>
        <message>
            <source>Key (to)</source>
            <translation>Schlüssel (zu)</translation>
        </message>
        <message>
            <source>Weight</source>
            <translation>Gewicht</translation>
        </message>
        <message>
            <source>Inspector</source>
            <translation>Inspektor</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::JobModel</name>
        <message>
            <source>%1 ms</source>
            <translation>%1 ms</translation>
        </message>
        <message>
            <source>%1 s</source>
            <translation>%1 s</translation>
        </message>
        <message>
            <source>%1 min %2 s</source>
            <translation>%1 min %2 s</translation>
        </message>
        <message>
            <source>Job</source>
            <translation>Auftrag</translation>
        </message>
        <message>
            <source>State</source>
            <translation>Zustand</translation>
        </message>
        <message>
            <source>Progress</source>
            <translation>Fortschritt</translation>
        </message>
        <message>
            <source>Rate</source>
            <translation>Rate</translation>
        </message>
        <message>
            <source>Time</source>
            <translation>Zeit</translation>
        </message>
        <message>
            <source>waiting</source>
            <translation>wartet</translation>
        </message>
        <message>
            <source>running</source>
            <translation>läuft</translation>
        </message>
        <message>
            <source>done</source>
            <translation>fertig</translation>
        </message>
        <message>
            <source>cancelled</source>
            <translation>abgebrochen</translation>
        </message>
        <message>
            <source>%1/s</source>
            <translation>%1/s</translation>
        </message>
        <message>
            <source>%1 left</source>
            <translation>noch %1</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::JobQueue</name>
        <message>
            <source>There is not enough memory for this. Try a shorter input or a smaller batch, or close other models.</source>
            <translation>Dafür reicht der Speicher nicht. Versuchen Sie eine kürzere Eingabe oder einen kleineren Stapel, oder schließen Sie andere Modelle.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::JobsPanel</name>
        <message>
            <source>Cancel the selected job</source>
            <translation>Gewählten Auftrag abbrechen</translation>
        </message>
        <message>
            <source>Cancel all jobs</source>
            <translation>Alle Aufträge abbrechen</translation>
        </message>
        <message>
            <source>Clear ended jobs</source>
            <translation>Beendete Aufträge entfernen</translation>
        </message>
        <message>
            <source>Jobs</source>
            <translation>Aufträge</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::LensesPanel</name>
        <message>
            <source>The figures of the chosen lens appear here.</source>
            <translation>Hier erscheinen die Abbildungen der gewählten Linse.</translation>
        </message>
        <message>
            <source>Run the lens</source>
            <translation>Linse ausführen</translation>
        </message>
        <message>
            <source>Find a lens</source>
            <translation>Linse suchen</translation>
        </message>
        <message>
            <source>Lenses</source>
            <translation>Linsen</translation>
        </message>
        <message>
            <source>&amp;Run</source>
            <translation>A&amp;usführen</translation>
        </message>
        <message>
            <source>S&amp;top</source>
            <translation>An&amp;halten</translation>
        </message>
        <message>
            <source>Run &amp;again when the input changes</source>
            <translation>&amp;Erneut ausführen, wenn sich die Eingabe ändert</translation>
        </message>
        <message>
            <source>No plugin with lenses is loaded; see the plugins panel.</source>
            <translation>Kein Plugin mit Linsen ist geladen; siehe die Plugins-Ansicht.</translation>
        </message>
        <message>
            <source>Open a model and type a text to run it.</source>
            <translation>Öffnen Sie ein Modell und schreiben Sie einen Text, um sie auszuführen.</translation>
        </message>
        <message numerus="yes">
            <source>%n pass(es), %1 GFLOP, %2 kept</source>
            <translation>
                <numerusform>%n Durchlauf, %1 GFLOP, %2 behalten</numerusform>
                <numerusform>%n Durchläufe, %1 GFLOP, %2 behalten</numerusform>
            </translation>
        </message>
        <message>
            <source>Running %1…</source>
            <translation>%1 läuft …</translation>
        </message>
        <message>
            <source>Stopped.</source>
            <translation>Angehalten.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::LogPanel</name>
        <message>
            <source>Copy the log</source>
            <translation>Protokoll kopieren</translation>
        </message>
        <message>
            <source>Clear the log</source>
            <translation>Protokoll leeren</translation>
        </message>
        <message>
            <source>Messages</source>
            <translation>Meldungen</translation>
        </message>
        <message>
            <source>Details</source>
            <translation>Einzelheiten</translation>
        </message>
        <message>
            <source>Warnings</source>
            <translation>Warnungen</translation>
        </message>
        <message>
            <source>Errors</source>
            <translation>Fehler</translation>
        </message>
        <message>
            <source>Least important level shown</source>
            <translation>Niedrigste gezeigte Stufe</translation>
        </message>
        <message>
            <source>Filter</source>
            <translation>Filtern</translation>
        </message>
        <message>
            <source>Filter messages</source>
            <translation>Meldungen filtern</translation>
        </message>
        <message>
            <source>Log</source>
            <translation>Protokoll</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Look</name>
        <message>
            <source>Attention of %1</source>
            <translation>Aufmerksamkeit von %1</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::MainWindow</name>
        <message>
            <source>Views</source>
            <translation>Ansichten</translation>
        </message>
        <message>
            <source>%1 is not there any more. Choose another file or folder.</source>
            <translation>%1 ist nicht mehr da. Wählen Sie eine andere Datei oder einen anderen Ordner.</translation>
        </message>
        <message>
            <source>Jobs are running</source>
            <translation>Aufträge laufen</translation>
        </message>
        <message>
            <source>%1 is still running. What is finished is kept; the rest can be resumed.</source>
            <translation>%1 läuft noch. Was fertig ist, bleibt erhalten; der Rest kann fortgesetzt werden.</translation>
        </message>
        <message>
            <source>Stop and quit</source>
            <translation>Anhalten und beenden</translation>
        </message>
        <message>
            <source>Keep open</source>
            <translation>Offen lassen</translation>
        </message>
        <message>
            <source>File</source>
            <translation>Datei</translation>
        </message>
        <message>
            <source>Edit</source>
            <translation>Bearbeiten</translation>
        </message>
        <message>
            <source>Run</source>
            <translation>Ausführen</translation>
        </message>
        <message>
            <source>View</source>
            <translation>Ansicht</translation>
        </message>
        <message>
            <source>Go</source>
            <translation>Gehe zu</translation>
        </message>
        <message>
            <source>Help</source>
            <translation>Hilfe</translation>
        </message>
        <message>
            <source>&amp;Open a model…</source>
            <translation>Modell &amp;öffnen …</translation>
        </message>
        <message>
            <source>Open a text as &amp;input…</source>
            <translation>Text als &amp;Eingabe öffnen …</translation>
        </message>
        <message>
            <source>Open a &amp;workspace…</source>
            <translation>&amp;Arbeitsbereich öffnen …</translation>
        </message>
        <message>
            <source>&amp;Close the model</source>
            <translation>Modell s&amp;chließen</translation>
        </message>
        <message>
            <source>Clear the list of recent files</source>
            <translation>Liste der letzten Dateien leeren</translation>
        </message>
        <message>
            <source>&amp;Quit</source>
            <translation>&amp;Beenden</translation>
        </message>
        <message>
            <source>&amp;Undo</source>
            <translation>&amp;Rückgängig</translation>
        </message>
        <message>
            <source>&amp;Redo</source>
            <translation>&amp;Wiederholen</translation>
        </message>
        <message>
            <source>New &amp;text input</source>
            <translation>Neue &amp;Texteingabe</translation>
        </message>
        <message>
            <source>New &amp;pair of texts</source>
            <translation>Neues Text&amp;paar</translation>
        </message>
        <message>
            <source>&amp;Settings…</source>
            <translation>&amp;Einstellungen …</translation>
        </message>
        <message>
            <source>&amp;Keyboard shortcuts…</source>
            <translation>&amp;Tastenkürzel …</translation>
        </message>
        <message>
            <source>&amp;Run</source>
            <translation>A&amp;usführen</translation>
        </message>
        <message>
            <source>&amp;Stop all jobs</source>
            <translation>Alle Aufträge an&amp;halten</translation>
        </message>
        <message>
            <source>Run &amp;while typing</source>
            <translation>Beim &amp;Tippen ausführen</translation>
        </message>
        <message>
            <source>Command &amp;palette…</source>
            <translation>Befehls&amp;palette …</translation>
        </message>
        <message>
            <source>&amp;Full screen</source>
            <translation>&amp;Vollbild</translation>
        </message>
        <message>
            <source>&amp;Welcome page</source>
            <translation>&amp;Willkommensseite</translation>
        </message>
        <message>
            <source>Theme as the &amp;system</source>
            <translation>Design wie das &amp;System</translation>
        </message>
        <message>
            <source>&amp;Light theme</source>
            <translation>&amp;Helles Design</translation>
        </message>
        <message>
            <source>&amp;Dark theme</source>
            <translation>&amp;Dunkles Design</translation>
        </message>
        <message>
            <source>Perspective: %1</source>
            <translation>Perspektive: %1</translation>
        </message>
        <message>
            <source>Save this perspective…</source>
            <translation>Diese Perspektive speichern …</translation>
        </message>
        <message>
            <source>Save perspective</source>
            <translation>Perspektive speichern</translation>
        </message>
        <message>
            <source>Name:</source>
            <translation>Name:</translation>
        </message>
        <message>
            <source>&amp;Reset the layout</source>
            <translation>Anordnung &amp;zurücksetzen</translation>
        </message>
        <message>
            <source>Next view</source>
            <translation>Nächste Ansicht</translation>
        </message>
        <message>
            <source>Previous view</source>
            <translation>Vorige Ansicht</translation>
        </message>
        <message>
            <source>Next layer</source>
            <translation>Nächste Schicht</translation>
        </message>
        <message>
            <source>Previous layer</source>
            <translation>Vorige Schicht</translation>
        </message>
        <message>
            <source>Next head</source>
            <translation>Nächster Kopf</translation>
        </message>
        <message>
            <source>Previous head</source>
            <translation>Voriger Kopf</translation>
        </message>
        <message>
            <source>Clear the chosen tokens</source>
            <translation>Tokenauswahl aufheben</translation>
        </message>
        <message>
            <source>&amp;Manual</source>
            <translation>&amp;Handbuch</translation>
        </message>
        <message>
            <source>&amp;About Orrery</source>
            <translation>Ü&amp;ber Orrery</translation>
        </message>
        <message>
            <source>&amp;File</source>
            <translation>&amp;Datei</translation>
        </message>
        <message>
            <source>&amp;Recent</source>
            <translation>&amp;Zuletzt geöffnet</translation>
        </message>
        <message>
            <source>&amp;Edit</source>
            <translation>&amp;Bearbeiten</translation>
        </message>
        <message>
            <source>&amp;View</source>
            <translation>&amp;Ansicht</translation>
        </message>
        <message>
            <source>&amp;Perspectives</source>
            <translation>&amp;Perspektiven</translation>
        </message>
        <message>
            <source>&amp;Docks</source>
            <translation>&amp;Seitenleisten</translation>
        </message>
        <message>
            <source>&amp;Theme</source>
            <translation>&amp;Design</translation>
        </message>
        <message>
            <source>&amp;Go</source>
            <translation>&amp;Gehe zu</translation>
        </message>
        <message>
            <source>&amp;Help</source>
            <translation>&amp;Hilfe</translation>
        </message>
        <message>
            <source>Main toolbar</source>
            <translation>Hauptleiste</translation>
        </message>
        <message>
            <source>Open</source>
            <translation>Öffnen</translation>
        </message>
        <message>
            <source>Input</source>
            <translation>Eingabe</translation>
        </message>
        <message>
            <source>New input: a text, a pair of texts, or a file</source>
            <translation>Neue Eingabe: ein Text, ein Textpaar oder eine Datei</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Anhalten</translation>
        </message>
        <message>
            <source>Change between light and dark</source>
            <translation>Zwischen hell und dunkel wechseln</translation>
        </message>
        <message>
            <source>Commands</source>
            <translation>Befehle</translation>
        </message>
        <message>
            <source>Every command by a few of its letters (%1)</source>
            <translation>Jeder Befehl über einige seiner Buchstaben (%1)</translation>
        </message>
        <message>
            <source>Show the jobs</source>
            <translation>Aufträge zeigen</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Modell</translation>
        </message>
        <message>
            <source>Tokens</source>
            <translation>Token</translation>
        </message>
        <message>
            <source>Precision</source>
            <translation>Genauigkeit</translation>
        </message>
        <message>
            <source>Threads</source>
            <translation>Threads</translation>
        </message>
        <message>
            <source>Time of the last run</source>
            <translation>Dauer des letzten Laufs</translation>
        </message>
        <message>
            <source>no model</source>
            <translation>kein Modell</translation>
        </message>
        <message numerus="yes">
            <source>%n token(s)</source>
            <translation>
                <numerusform>%n Token</numerusform>
                <numerusform>%n Token</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>%n thread(s)</source>
            <translation>
                <numerusform>%n Thread</numerusform>
                <numerusform>%n Threads</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>%n job(s)</source>
            <translation>
                <numerusform>%n Auftrag</numerusform>
                <numerusform>%n Aufträge</numerusform>
            </translation>
        </message>
        <message>
            <source>ready</source>
            <translation>bereit</translation>
        </message>
        <message>
            <source>%1 (missing)</source>
            <translation>%1 (fehlt)</translation>
        </message>
        <message>
            <source>Open a model's folder</source>
            <translation>Ordner eines Modells öffnen</translation>
        </message>
        <message>
            <source>Open a text</source>
            <translation>Text öffnen</translation>
        </message>
        <message>
            <source>Texts (*.txt *.md *);;All files (*)</source>
            <translation>Texte (*.txt *.md *);;Alle Dateien (*)</translation>
        </message>
        <message>
            <source>Open or make a workspace</source>
            <translation>Arbeitsbereich öffnen oder anlegen</translation>
        </message>
        <message>
            <source>Workspaces (*.orrery)</source>
            <translation>Arbeitsbereiche (*.orrery)</translation>
        </message>
        <message>
            <source>About Orrery</source>
            <translation>Über Orrery</translation>
        </message>
        <message>
            <source>&lt;h3&gt;Orrery %1&lt;/h3&gt;&lt;p&gt;A workbench for looking inside transformer models and their relatives.&lt;/p&gt;&lt;p&gt;Free software under the GNU General Public License, version 3 or later.&lt;/p&gt;&lt;p&gt;Built with Qt %2.&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Orrery %1&lt;/h3&gt;&lt;p&gt;Eine Werkbank, um in Transformer-Modelle und ihre Verwandten hineinzusehen.&lt;/p&gt;&lt;p&gt;Freie Software unter der GNU General Public License, Version 3 oder neuer.&lt;/p&gt;&lt;p&gt;Gebaut mit Qt %2.&lt;/p&gt;</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Manual</name>
        <message>
            <source>Manual</source>
            <translation>Handbuch</translation>
        </message>
        <message>
            <source>Search the manual</source>
            <translation>Handbuch durchsuchen</translation>
        </message>
        <message>
            <source>Pages</source>
            <translation>Seiten</translation>
        </message>
        <message>
            <source>Text of the page</source>
            <translation>Text der Seite</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ModelList</name>
        <message>
            <source>Open %1</source>
            <translation>%1 öffnen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ModelsPanel</name>
        <message>
            <source>Open a model</source>
            <translation>Modell öffnen</translation>
        </message>
        <message>
            <source>Close the model</source>
            <translation>Modell schließen</translation>
        </message>
        <message>
            <source>Read the model again</source>
            <translation>Modell erneut lesen</translation>
        </message>
        <message>
            <source>Copy the name</source>
            <translation>Namen kopieren</translation>
        </message>
        <message>
            <source>Find a module, parameter or site</source>
            <translation>Modul, Parameter oder Stelle suchen</translation>
        </message>
        <message>
            <source>Models</source>
            <translation>Modelle</translation>
        </message>
        <message>
            <source>Find</source>
            <translation>Suchen</translation>
        </message>
        <message>
            <source>Part of a name, or a head: attn, query.weight, L3H5</source>
            <translation>Teil eines Namens oder ein Kopf: attn, query.weight, L3H5</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ModuleTree</name>
        <message>
            <source>Sites</source>
            <translation>Stellen</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>Name</translation>
        </message>
        <message>
            <source>Shape</source>
            <translation>Form</translation>
        </message>
        <message>
            <source>Type</source>
            <translation>Typ</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>Größe</translation>
        </message>
        <message>
            <source>%1 (opening…)</source>
            <translation>%1 (wird geöffnet …)</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::OptionEditor</name>
        <message>
            <source>Range: %1</source>
            <translation>Bereich: %1</translation>
        </message>
        <message>
            <source>Default: %1</source>
            <translation>Vorgabe: %1</translation>
        </message>
        <message>
            <source>%1 to %2</source>
            <translation>%1 bis %2</translation>
        </message>
        <message>
            <source>at least %1</source>
            <translation>mindestens %1</translation>
        </message>
        <message>
            <source>at most %1</source>
            <translation>höchstens %1</translation>
        </message>
        <message>
            <source>on</source>
            <translation>an</translation>
        </message>
        <message>
            <source>one,two,three</source>
            <translation>eins,zwei,drei</translation>
        </message>
        <message>
            <source>Choose a file</source>
            <translation>Datei wählen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::OptionForm</name>
        <message>
            <source>More options</source>
            <translation>Weitere Optionen</translation>
        </message>
        <message>
            <source>There is nothing to set.</source>
            <translation>Es gibt nichts einzustellen.</translation>
        </message>
        <message>
            <source>Back to the default: %1</source>
            <translation>Zurück zur Vorgabe: %1</translation>
        </message>
        <message>
            <source>Reset %1</source>
            <translation>%1 zurücksetzen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Perspectives</name>
        <message>
            <source>Look inside</source>
            <translation>Hineinsehen</translation>
        </message>
        <message>
            <source>Measure</source>
            <translation>Messen</translation>
        </message>
        <message>
            <source>Write</source>
            <translation>Schreiben</translation>
        </message>
        <message>
            <source>Picture only</source>
            <translation>Nur das Bild</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::PluginsPanel</name>
        <message>
            <source>loaded</source>
            <translation>geladen</translation>
        </message>
        <message>
            <source>broken</source>
            <translation>beschädigt</translation>
        </message>
        <message>
            <source>wrong version</source>
            <translation>falsche Version</translation>
        </message>
        <message>
            <source>crashed</source>
            <translation>abgestürzt</translation>
        </message>
        <message>
            <source>Options</source>
            <translation>Optionen</translation>
        </message>
        <message>
            <source>Filter plugins and parts</source>
            <translation>Plugins und Teile filtern</translation>
        </message>
        <message>
            <source>Plugin or part</source>
            <translation>Plugin oder Teil</translation>
        </message>
        <message>
            <source>Kind</source>
            <translation>Art</translation>
        </message>
        <message>
            <source>State</source>
            <translation>Zustand</translation>
        </message>
        <message>
            <source>Plugins and parts</source>
            <translation>Plugins und Teile</translation>
        </message>
        <message>
            <source>About the plugin or part</source>
            <translation>Über das Plugin oder Teil</translation>
        </message>
        <message>
            <source>plugin</source>
            <translation>Plugin</translation>
        </message>
        <message>
            <source>Built in</source>
            <translation>Eingebaut</translation>
        </message>
        <message>
            <source>No plugins were found beside the program.</source>
            <translation>Neben dem Programm wurden keine Plugins gefunden.</translation>
        </message>
        <message>
            <source>Id</source>
            <translation>Kennung</translation>
        </message>
        <message>
            <source>For</source>
            <translation>Für</translation>
        </message>
        <message>
            <source>Paper</source>
            <translation>Arbeit</translation>
        </message>
        <message>
            <source>Address</source>
            <translation>Adresse</translation>
        </message>
        <message>
            <source>Plugin</source>
            <translation>Plugin</translation>
        </message>
        <message>
            <source>Version</source>
            <translation>Version</translation>
        </message>
        <message>
            <source>File</source>
            <translation>Datei</translation>
        </message>
        <message>
            <source>Plugins</source>
            <translation>Plugins</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ProvenanceDialog</name>
        <message>
            <source>How “%1” was made</source>
            <translation>Wie „%1“ entstanden ist</translation>
        </message>
        <message>
            <source>&amp;Command line that makes it again</source>
            <translation>&amp;Befehlszeile, die es wieder erzeugt</translation>
        </message>
        <message>
            <source>Copy command &amp;line</source>
            <translation>Befehls&amp;zeile kopieren</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ReportDraft</name>
        <message>
            <source>Report</source>
            <translation>Bericht</translation>
        </message>
        <message>
            <source>Change title</source>
            <translation>Titel ändern</translation>
        </message>
        <message>
            <source>Change summary</source>
            <translation>Zusammenfassung ändern</translation>
        </message>
        <message>
            <source>Add section</source>
            <translation>Abschnitt hinzufügen</translation>
        </message>
        <message>
            <source>Add text</source>
            <translation>Text hinzufügen</translation>
        </message>
        <message>
            <source>Add figure</source>
            <translation>Abbildung hinzufügen</translation>
        </message>
        <message>
            <source>Edit report</source>
            <translation>Bericht ändern</translation>
        </message>
        <message>
            <source>Change level</source>
            <translation>Ebene ändern</translation>
        </message>
        <message>
            <source>Move</source>
            <translation>Verschieben</translation>
        </message>
        <message>
            <source>Remove from report</source>
            <translation>Aus dem Bericht entfernen</translation>
        </message>
        <message>
            <source>New report</source>
            <translation>Neuer Bericht</translation>
        </message>
        <message>
            <source>Result</source>
            <translation>Ergebnis</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ReportPanel</name>
        <message>
            <source>(empty text)</source>
            <translation>(leerer Text)</translation>
        </message>
        <message>
            <source>Add a section</source>
            <translation>Abschnitt hinzufügen</translation>
        </message>
        <message>
            <source>Add text</source>
            <translation>Text hinzufügen</translation>
        </message>
        <message>
            <source>Move up</source>
            <translation>Nach oben</translation>
        </message>
        <message>
            <source>Move down</source>
            <translation>Nach unten</translation>
        </message>
        <message>
            <source>Remove from the report</source>
            <translation>Aus dem Bericht entfernen</translation>
        </message>
        <message>
            <source>Export the report…</source>
            <translation>Bericht exportieren …</translation>
        </message>
        <message>
            <source>New report</source>
            <translation>Neuer Bericht</translation>
        </message>
        <message>
            <source>Pieces of the report</source>
            <translation>Teile des Berichts</translation>
        </message>
        <message>
            <source>Title of the report or section</source>
            <translation>Titel des Berichts oder Abschnitts</translation>
        </message>
        <message>
            <source>Words in Markdown</source>
            <translation>Worte in Markdown</translation>
        </message>
        <message>
            <source>Preview</source>
            <translation>Vorschau</translation>
        </message>
        <message>
            <source>Markdown: **bold**, *emphasis*, `code`, lists, tables. Drag figures here by their title, or use "Add to report" in a figure's menu.</source>
            <translation>Markdown: **fett**, *betont*, `Code`, Listen, Tabellen. Ziehen Sie Abbildungen an ihrem Titel hierher, oder wählen Sie „Zum Bericht hinzufügen“ im Menü einer Abbildung.</translation>
        </message>
        <message>
            <source>Section</source>
            <translation>Abschnitt</translation>
        </message>
        <message>
            <source>Title and a summary of the result</source>
            <translation>Titel und Zusammenfassung des Ergebnisses</translation>
        </message>
        <message>
            <source>Heading of a section</source>
            <translation>Überschrift eines Abschnitts</translation>
        </message>
        <message>
            <source>Remark on the figure "%1"</source>
            <translation>Anmerkung zur Abbildung „%1“</translation>
        </message>
        <message>
            <source>Text</source>
            <translation>Text</translation>
        </message>
        <message>
            <source>Figure %1. %2</source>
            <translation>Abbildung %1. %2</translation>
        </message>
        <message>
            <source>The report is empty. Add figures from any picture's context menu, write what they show, and export it as one HTML file, PDF or Markdown.</source>
            <translation>Der Bericht ist leer. Fügen Sie Abbildungen aus dem Kontextmenü jedes Bildes hinzu, schreiben Sie, was sie zeigen, und exportieren Sie ihn als eine HTML-Datei, PDF oder Markdown.</translation>
        </message>
        <message>
            <source>Export the report</source>
            <translation>Bericht exportieren</translation>
        </message>
        <message>
            <source>One HTML file (*.html);;PDF (*.pdf);;Markdown with files (*.md)</source>
            <translation>Eine HTML-Datei (*.html);;PDF (*.pdf);;Markdown mit Dateien (*.md)</translation>
        </message>
        <message>
            <source>The report is in %1.</source>
            <translation>Der Bericht ist in %1.</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Bericht</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::RunTable</name>
        <message>
            <source>running</source>
            <translation>läuft</translation>
        </message>
        <message>
            <source>done</source>
            <translation>fertig</translation>
        </message>
        <message>
            <source>failed</source>
            <translation>fehlgeschlagen</translation>
        </message>
        <message>
            <source>cancelled</source>
            <translation>abgebrochen</translation>
        </message>
        <message>
            <source>interrupted</source>
            <translation>unterbrochen</translation>
        </message>
        <message>
            <source>No.</source>
            <translation>Nr.</translation>
        </message>
        <message>
            <source>Run</source>
            <translation>Ausführen</translation>
        </message>
        <message>
            <source>Job</source>
            <translation>Auftrag</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Modell</translation>
        </message>
        <message>
            <source>Status</source>
            <translation>Status</translation>
        </message>
        <message>
            <source>When</source>
            <translation>Wann</translation>
        </message>
        <message>
            <source>Took</source>
            <translation>Dauer</translation>
        </message>
        <message>
            <source>Points</source>
            <translation>Punkte</translation>
        </message>
        <message>
            <source>Figures</source>
            <translation>Abbildungen</translation>
        </message>
        <message>
            <source>Notes</source>
            <translation>Notizen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::SettingsDialog</name>
        <message>
            <source>Settings</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>&amp;Theme:</source>
            <translation>&amp;Design:</translation>
        </message>
        <message>
            <source>Theme</source>
            <translation>Design</translation>
        </message>
        <message>
            <source>As the system</source>
            <translation>Wie das System</translation>
        </message>
        <message>
            <source>Light</source>
            <translation>Hell</translation>
        </message>
        <message>
            <source>Dark</source>
            <translation>Dunkel</translation>
        </message>
        <message>
            <source>&amp;Colours of magnitudes:</source>
            <translation>&amp;Farben für Größen:</translation>
        </message>
        <message>
            <source>Colours of magnitudes</source>
            <translation>Farben für Größen</translation>
        </message>
        <message>
            <source>&amp;Language:</source>
            <translation>&amp;Sprache:</translation>
        </message>
        <message>
            <source>Language</source>
            <translation>Sprache</translation>
        </message>
        <message>
            <source>The language changes at the next start.</source>
            <translation>Die Sprache wechselt beim nächsten Start.</translation>
        </message>
        <message>
            <source>As many as cores (%1)</source>
            <translation>So viele wie Kerne (%1)</translation>
        </message>
        <message>
            <source>Threads</source>
            <translation>Threads</translation>
        </message>
        <message>
            <source>Th&amp;reads:</source>
            <translation>Th&amp;reads:</translation>
        </message>
        <message>
            <source>&amp;Precision of opened models:</source>
            <translation>&amp;Genauigkeit geöffneter Modelle:</translation>
        </message>
        <message>
            <source>Precision of opened models</source>
            <translation>Genauigkeit geöffneter Modelle</translation>
        </message>
        <message>
            <source>f32: as the reference computes</source>
            <translation>f32: wie die Referenz rechnet</translation>
        </message>
        <message>
            <source>bf16: faster, coarser</source>
            <translation>bf16: schneller, gröber</translation>
        </message>
        <message>
            <source>R&amp;un while typing</source>
            <translation>Beim Tippen a&amp;usführen</translation>
        </message>
        <message>
            <source>Open the &amp;last session at start</source>
            <translation>Beim Start die &amp;letzte Sitzung öffnen</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ShortcutsDialog</name>
        <message>
            <source>&amp;Assign</source>
            <translation>&amp;Zuweisen</translation>
        </message>
        <message>
            <source>Re&amp;move</source>
            <translation>&amp;Entfernen</translation>
        </message>
        <message>
            <source>&amp;Default</source>
            <translation>&amp;Vorgabe</translation>
        </message>
        <message>
            <source>Keyboard shortcuts</source>
            <translation>Tastenkürzel</translation>
        </message>
        <message>
            <source>Filter actions</source>
            <translation>Befehle filtern</translation>
        </message>
        <message>
            <source>Action</source>
            <translation>Befehl</translation>
        </message>
        <message>
            <source>Shortcut</source>
            <translation>Kürzel</translation>
        </message>
        <message>
            <source>Actions</source>
            <translation>Befehle</translation>
        </message>
        <message>
            <source>New shortcut</source>
            <translation>Neues Kürzel</translation>
        </message>
        <message>
            <source>&amp;New shortcut:</source>
            <translation>&amp;Neues Kürzel:</translation>
        </message>
        <message>
            <source>%1 already belongs to "%2". Remove it there first or choose another.</source>
            <translation>%1 gehört schon zu „%2“. Entfernen Sie es dort zuerst oder wählen Sie ein anderes.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::TableWidget</name>
        <message>
            <source>Filter rows</source>
            <translation>Zeilen filtern</translation>
        </message>
        <message>
            <source>&amp;Original order</source>
            <translation>&amp;Ursprüngliche Reihenfolge</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::TokenFlow</name>
        <message>
            <source>Tokens of the input</source>
            <translation>Token der Eingabe</translation>
        </message>
        <message>
            <source>No tokens yet</source>
            <translation>Noch keine Token</translation>
        </message>
        <message>
            <source>"%1" was removed</source>
            <translation>„%1“ wurde entfernt</translation>
        </message>
        <message>
            <source>Token %1: "%2"</source>
            <translation>Token %1: „%2“</translation>
        </message>
        <message>
            <source>added by the last edit</source>
            <translation>bei der letzten Änderung hinzugekommen</translation>
        </message>
        <message>
            <source>was "%1" before the last edit</source>
            <translation>war „%1“ vor der letzten Änderung</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::TokenStripWidget</name>
        <message>
            <source>Scores that colour the tokens</source>
            <translation>Werte, die die Token färben</translation>
        </message>
        <message>
            <source>token</source>
            <translation>Token</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Tour</name>
        <message>
            <source>Who looks at whom</source>
            <translation>Wer auf wen schaut</translation>
        </message>
        <message>
            <source>Some heads of **%1** follow one fixed rule.</source>
            <translation>Einige Köpfe von **%1** folgen einer festen Regel.</translation>
        </message>
        <message>
            <source>The next token</source>
            <translation>Das nächste Token</translation>
        </message>
        <message>
            <source>Head *L1H2* looks at the token after each one; its rows are almost *one-hot*.</source>
            <translation>Der Kopf *L1H2* schaut auf das jeweils nächste Token; seine Zeilen sind fast *one-hot*.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Welcome</name>
        <message>
            <source>Welcome</source>
            <translation>Willkommen</translation>
        </message>
        <message>
            <source>Orrery</source>
            <translation>Orrery</translation>
        </message>
        <message>
            <source>See how a transformer computes. Drop a model's folder anywhere on this window, or begin with a small one that came along.</source>
            <translation>Sehen Sie, wie ein Transformer rechnet. Ziehen Sie den Ordner eines Modells irgendwo auf dieses Fenster, oder beginnen Sie mit einem kleinen, das dabei ist.</translation>
        </message>
        <message>
            <source>Models that came along</source>
            <translation>Mitgelieferte Modelle</translation>
        </message>
        <message>
            <source>Open a model's folder…</source>
            <translation>Ordner eines Modells öffnen …</translation>
        </message>
        <message>
            <source>Opened before</source>
            <translation>Früher geöffnet</translation>
        </message>
        <message>
            <source>Three things to try</source>
            <translation>Drei Dinge zum Ausprobieren</translation>
        </message>
        <message>
            <source>See who looks at whom</source>
            <translation>Sehen, wer auf wen schaut</translation>
        </message>
        <message>
            <source>Opens docs-bert with a sentence: every head in one picture, any of them in full.</source>
            <translation>Öffnet docs-bert mit einem Satz: jeder Kopf in einem Bild, jeder davon in voller Größe.</translation>
        </message>
        <message>
            <source>Watch a prediction grow</source>
            <translation>Einer Vorhersage beim Wachsen zusehen</translation>
        </message>
        <message>
            <source>Opens docs-gpt and reads the next word out of every layer with the logit lens.</source>
            <translation>Öffnet docs-gpt und liest mit der Logit-Linse aus jeder Schicht das nächste Wort.</translation>
        </message>
        <message>
            <source>Measure this machine</source>
            <translation>Diese Maschine messen</translation>
        </message>
        <message>
            <source>Times docs-bert over lengths and batches, with intervals, and keeps the runs for comparison.</source>
            <translation>Misst docs-bert über Längen und Stapel, mit Intervallen, und bewahrt die Läufe zum Vergleich auf.</translation>
        </message>
        <message>
            <source>None was found beside the program.</source>
            <translation>Neben dem Programm wurde keines gefunden.</translation>
        </message>
        <message>
            <source>%1 (missing)</source>
            <translation>%1 (fehlt)</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::WorkspacePanel</name>
        <message>
            <source>Choose a run to see its figures.</source>
            <translation>Wählen Sie einen Lauf, um seine Abbildungen zu sehen.</translation>
        </message>
        <message>
            <source>Delete the chosen runs</source>
            <translation>Gewählte Läufe löschen</translation>
        </message>
        <message>
            <source>Export the chosen runs</source>
            <translation>Gewählte Läufe exportieren</translation>
        </message>
        <message>
            <source>Tag the chosen runs</source>
            <translation>Gewählte Läufe markieren</translation>
        </message>
        <message>
            <source>Read the workspace again</source>
            <translation>Arbeitsbereich erneut lesen</translation>
        </message>
        <message>
            <source>Filter runs</source>
            <translation>Läufe filtern</translation>
        </message>
        <message>
            <source>Runs</source>
            <translation>Läufe</translation>
        </message>
        <message>
            <source>Record of the run</source>
            <translation>Aufzeichnung des Laufs</translation>
        </message>
        <message>
            <source>Notes in Markdown; they are kept as you type.</source>
            <translation>Notizen in Markdown; sie werden beim Tippen gespeichert.</translation>
        </message>
        <message>
            <source>Notes</source>
            <translation>Notizen</translation>
        </message>
        <message>
            <source>Figures</source>
            <translation>Abbildungen</translation>
        </message>
        <message>
            <source>Record</source>
            <translation>Aufzeichnung</translation>
        </message>
        <message>
            <source>This run has no figures.</source>
            <translation>Dieser Lauf hat keine Abbildungen.</translation>
        </message>
        <message>
            <source>Several runs are chosen; the figures show in what they differ.</source>
            <translation>Mehrere Läufe sind gewählt; die Abbildungen zeigen, worin sie sich unterscheiden.</translation>
        </message>
        <message>
            <source>Job</source>
            <translation>Auftrag</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Modell</translation>
        </message>
        <message>
            <source>When</source>
            <translation>Wann</translation>
        </message>
        <message>
            <source>Took</source>
            <translation>Dauer</translation>
        </message>
        <message>
            <source>Message</source>
            <translation>Meldung</translation>
        </message>
        <message>
            <source>Command</source>
            <translation>Befehl</translation>
        </message>
        <message>
            <source>Tags</source>
            <translation>Marken</translation>
        </message>
        <message>
            <source>Options</source>
            <translation>Optionen</translation>
        </message>
        <message>
            <source>Environment</source>
            <translation>Umgebung</translation>
        </message>
        <message>
            <source>Delete runs</source>
            <translation>Läufe löschen</translation>
        </message>
        <message numerus="yes">
            <source>Delete %n run(s) with samples, figures and notes? This cannot be undone.</source>
            <translation>
                <numerusform>%n Lauf mit Messwerten, Abbildungen und Notizen löschen? Das lässt sich nicht rückgängig machen.</numerusform>
                <numerusform>%n Läufe mit Messwerten, Abbildungen und Notizen löschen? Das lässt sich nicht rückgängig machen.</numerusform>
            </translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>Löschen</translation>
        </message>
        <message>
            <source>Statistics (*.csv)</source>
            <translation>Statistik (*.csv)</translation>
        </message>
        <message>
            <source>Every sample (*.samples.csv)</source>
            <translation>Jeder Messwert (*.samples.csv)</translation>
        </message>
        <message>
            <source>Everything (*.json)</source>
            <translation>Alles (*.json)</translation>
        </message>
        <message>
            <source>hyperfine (*.hyperfine.json)</source>
            <translation>hyperfine (*.hyperfine.json)</translation>
        </message>
        <message>
            <source>llama-bench (*.llama.csv)</source>
            <translation>llama-bench (*.llama.csv)</translation>
        </message>
        <message>
            <source>Export runs</source>
            <translation>Läufe exportieren</translation>
        </message>
        <message>
            <source>Exported to %1.</source>
            <translation>Nach %1 exportiert.</translation>
        </message>
        <message>
            <source>Tag runs</source>
            <translation>Läufe markieren</translation>
        </message>
        <message>
            <source>Tag:</source>
            <translation>Marke:</translation>
        </message>
        <message>
            <source>Workspace</source>
            <translation>Arbeitsbereich</translation>
        </message>
    </context>
    <context>
        <name>std</name>
        <message>
            <source>mean over heads</source>
            <translation>Mittel über Köpfe</translation>
        </message>
    </context>
</TS>
