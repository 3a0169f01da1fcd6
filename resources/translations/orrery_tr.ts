<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="tr">
    <context>
        <name>ColourMap</name>
        <message>
            <source>Blue to red</source>
            <translation>Maviden kırmızıya</translation>
        </message>
    </context>
    <context>
        <name>Figure</name>
        <message>
            <source>Intervals: %1</source>
            <translation>Aralıklar: %1</translation>
        </message>
        <message>
            <source>square-root scale</source>
            <translation>karekök ölçeği</translation>
        </message>
        <message>
            <source>logarithmic scale</source>
            <translation>logaritmik ölçek</translation>
        </message>
    </context>
    <context>
        <name>QDockWidget</name>
        <message>
            <source>Close</source>
            <translation>Kapat</translation>
        </message>
    </context>
    <context>
        <name>TokenStrip</name>
        <message>
            <source>no value</source>
            <translation>değer yok</translation>
        </message>
    </context>
    <context>
        <name>figure</name>
        <message>
            <source>key (source)</source>
            <translation>anahtar (kaynak)</translation>
        </message>
        <message>
            <source>query (destination)</source>
            <translation>sorgu (hedef)</translation>
        </message>
        <message>
            <source>attention weight</source>
            <translation>dikkat ağırlığı</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui</name>
        <message>
            <source>yes</source>
            <translation>evet</translation>
        </message>
        <message>
            <source>no</source>
            <translation>hayır</translation>
        </message>
        <message>
            <source>%1 more rows</source>
            <translation>%1 satır daha</translation>
        </message>
        <message>
            <source>Figure %1</source>
            <translation>Şekil %1</translation>
        </message>
        <message>
            <source>Note</source>
            <translation>Not</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Rapor</translation>
        </message>
        <message>
            <source>Environment</source>
            <translation>Ortam</translation>
        </message>
        <message>
            <source>All heads</source>
            <translation>Tüm başlıklar</translation>
        </message>
        <message>
            <source>Attention of</source>
            <translation>Dikkat:</translation>
        </message>
        <message>
            <source>change of attention weight</source>
            <translation>dikkat ağırlığındaki değişim</translation>
        </message>
        <message>
            <source>Change in</source>
            <translation>Değişim:</translation>
        </message>
        <message>
            <source>This input minus the other: positive where this input attends more.</source>
            <translation>Bu girdi eksi öteki: bu girdinin daha çok dikkat ettiği yerler pozitiftir.</translation>
        </message>
        <message>
            <source>Where tokens look in layer</source>
            <translation>Belirteçlerin baktığı yer, katman</translation>
        </message>
        <message>
            <source>attended from</source>
            <translation>dikkat eden:</translation>
        </message>
        <message>
            <source>attends to</source>
            <translation>dikkat ettiği:</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::AttentionLinesPainter</name>
        <message>
            <source>query %1 “%2”</source>
            <translation>sorgu %1 “%2”</translation>
        </message>
        <message>
            <source>key %1 “%2”</source>
            <translation>anahtar %1 “%2”</translation>
        </message>
        <message>
            <source>query</source>
            <translation>sorgu</translation>
        </message>
        <message>
            <source>key</source>
            <translation>anahtar</translation>
        </message>
        <message>
            <source>reading the heads …</source>
            <translation>başlıklar okunuyor …</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::AttentionLinesWidget</name>
        <message>
            <source>Show &amp;all heads</source>
            <translation>&amp;Tüm başlıkları göster</translation>
        </message>
        <message>
            <source>&amp;Heads</source>
            <translation>&amp;Başlıklar</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::AttentionPanel</name>
        <message>
            <source>&amp;mean over heads</source>
            <translation>başlıkların &amp;ortalaması</translation>
        </message>
        <message>
            <source>Map of the head</source>
            <translation>Başlığın haritası</translation>
        </message>
        <message>
            <source>Lines of the layer</source>
            <translation>Katmanın çizgileri</translation>
        </message>
        <message>
            <source>side by side</source>
            <translation>yan yana</translation>
        </message>
        <message>
            <source>difference</source>
            <translation>fark</translation>
        </message>
        <message>
            <source>How to compare</source>
            <translation>Karşılaştırma biçimi</translation>
        </message>
        <message>
            <source>&amp;Layer</source>
            <translation>&amp;Katman</translation>
        </message>
        <message>
            <source>&amp;Head</source>
            <translation>&amp;Başlık</translation>
        </message>
        <message>
            <source>&amp;Show</source>
            <translation>&amp;Göster</translation>
        </message>
        <message>
            <source>&amp;Compare with</source>
            <translation>&amp;Karşılaştır</translation>
        </message>
        <message>
            <source>Next layer</source>
            <translation>Sonraki katman</translation>
        </message>
        <message>
            <source>Previous layer</source>
            <translation>Önceki katman</translation>
        </message>
        <message>
            <source>Next head</source>
            <translation>Sonraki başlık</translation>
        </message>
        <message>
            <source>Previous head</source>
            <translation>Önceki başlık</translation>
        </message>
        <message>
            <source>Attention as map or lines</source>
            <translation>Harita ya da çizgi olarak dikkat</translation>
        </message>
        <message>
            <source>Saved %1</source>
            <translation>%1 kaydedildi</translation>
        </message>
        <message>
            <source>Open a model and type a text: the attention of every head appears here.</source>
            <translation>Bir model açıp metin yazın: her başlığın dikkati burada görünür.</translation>
        </message>
        <message>
            <source>%1 has no attention to show.</source>
            <translation>%1 için gösterilecek dikkat yok.</translation>
        </message>
        <message>
            <source>nothing</source>
            <translation>hiçbir şey</translation>
        </message>
        <message>
            <source>before the edit</source>
            <translation>değişiklikten önce</translation>
        </message>
        <message>
            <source>Attention to compare with</source>
            <translation>Karşılaştırılacak dikkat</translation>
        </message>
        <message>
            <source>Edit the text to see what changes.</source>
            <translation>Neyin değiştiğini görmek için metni düzenleyin.</translation>
        </message>
        <message>
            <source>Running the other input…</source>
            <translation>Öteki girdi çalışıyor…</translation>
        </message>
        <message>
            <source>%1 and %2 tokens: a difference needs as many on both sides.</source>
            <translation>%1 ve %2 belirteç: fark için iki yanda da eşit sayı gerekir.</translation>
        </message>
        <message>
            <source>Attention</source>
            <translation>Dikkat</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::AxisPlotWidget</name>
        <message>
            <source>Show &amp;everything</source>
            <translation>&amp;Hepsini göster</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Banner</name>
        <message>
            <source>Copy this message</source>
            <translation>Bu iletiyi kopyala</translation>
        </message>
        <message>
            <source>Close this message</source>
            <translation>Bu iletiyi kapat</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::BenchFeed</name>
        <message>
            <source>repetition</source>
            <translation>yineleme</translation>
        </message>
        <message>
            <source>time</source>
            <translation>süre</translation>
        </message>
        <message>
            <source>Samples as they come</source>
            <translation>Geldikçe ölçümler</translation>
        </message>
        <message>
            <source>Every timed run of the settings measured last. A level cloud is a steady machine.</source>
            <translation>En son ölçülen ayarların her süreli çalıştırması. Düz bir bulut, kararlı bir makine demektir.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::BenchPanel</name>
        <message>
            <source>Use the tokens of the current input</source>
            <translation>Geçerli girdinin belirteçlerini kullan</translation>
        </message>
        <message>
            <source>Start a measurement, or choose a run below.</source>
            <translation>Bir ölçüm başlatın ya da aşağıdan bir çalışma seçin.</translation>
        </message>
        <message>
            <source>Start measuring</source>
            <translation>Ölçmeye başla</translation>
        </message>
        <message>
            <source>Stop measuring</source>
            <translation>Ölçmeyi durdur</translation>
        </message>
        <message>
            <source>Go on with the chosen run</source>
            <translation>Seçilen çalışmayı sürdür</translation>
        </message>
        <message>
            <source>Compare the two chosen runs</source>
            <translation>Seçilen iki çalışmayı karşılaştır</translation>
        </message>
        <message>
            <source>Models to measure</source>
            <translation>Ölçülecek modeller</translation>
        </message>
        <message>
            <source>The current model</source>
            <translation>Geçerli model</translation>
        </message>
        <message>
            <source>All open models</source>
            <translation>Tüm açık modeller</translation>
        </message>
        <message>
            <source>Runs measured before</source>
            <translation>Önceki ölçümler</translation>
        </message>
        <message>
            <source>What is measured</source>
            <translation>Ölçülen</translation>
        </message>
        <message>
            <source>&amp;Start</source>
            <translation>&amp;Başlat</translation>
        </message>
        <message>
            <source>S&amp;top</source>
            <translation>&amp;Durdur</translation>
        </message>
        <message>
            <source>Measured before</source>
            <translation>Daha önce ölçülenler</translation>
        </message>
        <message>
            <source>Open a model to measure it.</source>
            <translation>Ölçmek için bir model açın.</translation>
        </message>
        <message numerus="yes">
            <source>%n point(s), at most %1</source>
            <translation>
                <numerusform>%n nokta, en çok %1</numerusform>
            </translation>
        </message>
        <message>
            <source>, up to %1 of working memory</source>
            <translation>, en çok %1 çalışma belleği</translation>
        </message>
        <message>
            <source>Go on with run %1</source>
            <translation>%1 numaralı çalışmayı sürdür</translation>
        </message>
        <message>
            <source>Measure</source>
            <translation>Ölç</translation>
        </message>
        <message numerus="yes">
            <source>Measured %n point(s).</source>
            <translation>
                <numerusform>%n nokta ölçüldü.</numerusform>
            </translation>
        </message>
        <message>
            <source>Bench</source>
            <translation>Ölçüm</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::CommandPalette</name>
        <message>
            <source>Command palette</source>
            <translation>Komut paleti</translation>
        </message>
        <message>
            <source>Type a command</source>
            <translation>Komut yazın</translation>
        </message>
        <message>
            <source>Command</source>
            <translation>Komut</translation>
        </message>
        <message>
            <source>Matching commands</source>
            <translation>Eşleşen komutlar</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::FigureStack</name>
        <message>
            <source>Added to the report.</source>
            <translation>Rapora eklendi.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::FigureView</name>
        <message>
            <source>&amp;Copy image</source>
            <translation>Görüntüyü &amp;kopyala</translation>
        </message>
        <message>
            <source>Copy &amp;data</source>
            <translation>&amp;Verileri kopyala</translation>
        </message>
        <message>
            <source>&amp;Save figure…</source>
            <translation>Şekli &amp;kaydet…</translation>
        </message>
        <message>
            <source>Save da&amp;ta…</source>
            <translation>Ve&amp;rileri kaydet…</translation>
        </message>
        <message>
            <source>Add to &amp;report</source>
            <translation>&amp;Rapora ekle</translation>
        </message>
        <message>
            <source>How was this &amp;made?</source>
            <translation>Bu nasıl &amp;yapıldı?</translation>
        </message>
        <message>
            <source>Save figure</source>
            <translation>Şekli kaydet</translation>
        </message>
        <message>
            <source>Drawing (*.svg);;Document (*.pdf);;Picture, 2 pixels a unit (*.png);;Picture, 4 pixels a unit (*.png)</source>
            <translation>Çizim (*.svg);;Belge (*.pdf);;Resim, birim başına 2 piksel (*.png);;Resim, birim başına 4 piksel (*.png)</translation>
        </message>
        <message>
            <source>Save data</source>
            <translation>Verileri kaydet</translation>
        </message>
        <message>
            <source>Table (*.csv);;JSON (*.json)</source>
            <translation>Tablo (*.csv);;JSON (*.json)</translation>
        </message>
        <message>
            <source>;;NumPy array (*.npy)</source>
            <translation>;;NumPy dizisi (*.npy)</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::HeadGridPainter</name>
        <message>
            <source>key-value group %1</source>
            <translation>anahtar-değer grubu %1</translation>
        </message>
        <message>
            <source>One colour scale for all heads.</source>
            <translation>Tüm başlıklar için tek renk ölçeği.</translation>
        </message>
        <message>
            <source>Each head from 0 (dark) to its own highest mean (bright).</source>
            <translation>Her başlık 0'dan (koyu) kendi en yüksek ortalamasına (açık).</translation>
        </message>
        <message>
            <source>Drawn on a %1.</source>
            <translation>%1 üzerinde çizildi.</translation>
        </message>
        <message>
            <source>Bars: %1, from %2 to %3.</source>
            <translation>Çubuklar: %1, %2 ile %3 arası.</translation>
        </message>
        <message>
            <source>mean weight</source>
            <translation>ortalama ağırlık</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::HeadGridWidget</name>
        <message>
            <source>&amp;One scale for all heads</source>
            <translation>Tüm başlıklar için &amp;tek ölçek</translation>
        </message>
        <message>
            <source>Colour &amp;scale</source>
            <translation>Renk &amp;ölçeği</translation>
        </message>
        <message>
            <source>&amp;Linear</source>
            <translation>&amp;Doğrusal</translation>
        </message>
        <message>
            <source>&amp;Square root</source>
            <translation>&amp;Karekök</translation>
        </message>
        <message>
            <source>Lo&amp;garithmic</source>
            <translation>Lo&amp;garitmik</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::HeatmapPainter</name>
        <message>
            <source>masked</source>
            <translation>maskeli</translation>
        </message>
        <message>
            <source>no value</source>
            <translation>değer yok</translation>
        </message>
        <message>
            <source>No cells</source>
            <translation>Hücre yok</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::HeatmapWidget</name>
        <message>
            <source>Show &amp;everything</source>
            <translation>&amp;Hepsini göster</translation>
        </message>
        <message>
            <source>One cell a &amp;pixel</source>
            <translation>Piksel başına bir &amp;hücre</translation>
        </message>
        <message>
            <source>Colour &amp;scale</source>
            <translation>Renk &amp;ölçeği</translation>
        </message>
        <message>
            <source>&amp;Linear</source>
            <translation>&amp;Doğrusal</translation>
        </message>
        <message>
            <source>&amp;Square root</source>
            <translation>&amp;Karekök</translation>
        </message>
        <message>
            <source>Lo&amp;garithmic</source>
            <translation>Lo&amp;garitmik</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::InputList</name>
        <message>
            <source>Add input</source>
            <translation>Girdi ekle</translation>
        </message>
        <message>
            <source>Add pair</source>
            <translation>Çift ekle</translation>
        </message>
        <message>
            <source>Add file</source>
            <translation>Dosya ekle</translation>
        </message>
        <message>
            <source>Duplicate input</source>
            <translation>Girdiyi çoğalt</translation>
        </message>
        <message>
            <source>Remove input</source>
            <translation>Girdiyi kaldır</translation>
        </message>
        <message>
            <source>Edit input</source>
            <translation>Girdiyi düzenle</translation>
        </message>
        <message>
            <source>Make a pair</source>
            <translation>Çift yap</translation>
        </message>
        <message>
            <source>Drop the second text</source>
            <translation>İkinci metni bırak</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::InputPanel</name>
        <message>
            <source>Second text (a pair)</source>
            <translation>İkinci metin (çift)</translation>
        </message>
        <message>
            <source>New input</source>
            <translation>Yeni girdi</translation>
        </message>
        <message>
            <source>New pair of texts</source>
            <translation>Yeni metin çifti</translation>
        </message>
        <message>
            <source>Input from a file</source>
            <translation>Dosyadan girdi</translation>
        </message>
        <message>
            <source>Duplicate the input</source>
            <translation>Girdiyi çoğalt</translation>
        </message>
        <message>
            <source>Remove the input</source>
            <translation>Girdiyi kaldır</translation>
        </message>
        <message>
            <source>Inputs</source>
            <translation>Girdiler</translation>
        </message>
        <message>
            <source>Type a sentence</source>
            <translation>Bir cümle yazın</translation>
        </message>
        <message>
            <source>Text of the input</source>
            <translation>Girdinin metni</translation>
        </message>
        <message>
            <source>The second text</source>
            <translation>İkinci metin</translation>
        </message>
        <message>
            <source>Second text of the input</source>
            <translation>Girdinin ikinci metni</translation>
        </message>
        <message>
            <source>(empty)</source>
            <translation>(boş)</translation>
        </message>
        <message>
            <source>Open a model to see the tokens.</source>
            <translation>Belirteçleri görmek için bir model açın.</translation>
        </message>
        <message>
            <source>Type a sentence.</source>
            <translation>Bir cümle yazın.</translation>
        </message>
        <message numerus="yes">
            <source>%n token(s) of at most %1</source>
            <translation>
                <numerusform>en çok %1 belirteçten %n</numerusform>
            </translation>
        </message>
        <message>
            <source>cut to the model's length</source>
            <translation>modelin uzunluğuna kısaltıldı</translation>
        </message>
        <message>
            <source>since the edit: +%1 −%2 ≠%3</source>
            <translation>değişiklikten beri: +%1 −%2 ≠%3</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::InspectorPanel</name>
        <message>
            <source>Copy what the inspector shows</source>
            <translation>Denetçinin gösterdiğini kopyala</translation>
        </message>
        <message>
            <source>What is selected</source>
            <translation>Seçili olan</translation>
        </message>
        <message>
            <source>Run the model on an input to see the numbers of this site.</source>
            <translation>Bu noktanın sayılarını görmek için modeli bir girdiyle çalıştırın.</translation>
        </message>
        <message>
            <source>Values at %1</source>
            <translation>%1 değerleri</translation>
        </message>
        <message>
            <source>Open a model to see what is inside.</source>
            <translation>İçini görmek için bir model açın.</translation>
        </message>
        <message>
            <source>Opening…</source>
            <translation>Açılıyor…</translation>
        </message>
        <message>
            <source>Family</source>
            <translation>Aile</translation>
        </message>
        <message>
            <source>Task</source>
            <translation>Görev</translation>
        </message>
        <message>
            <source>Parameters</source>
            <translation>Parametreler</translation>
        </message>
        <message>
            <source>Attention</source>
            <translation>Dikkat</translation>
        </message>
        <message>
            <source>causal: to earlier tokens</source>
            <translation>nedensel: önceki belirteçlere</translation>
        </message>
        <message>
            <source>to all tokens</source>
            <translation>tüm belirteçlere</translation>
        </message>
        <message>
            <source>Computes in</source>
            <translation>Hesap türü</translation>
        </message>
        <message>
            <source>Computing…</source>
            <translation>Hesaplanıyor…</translation>
        </message>
        <message>
            <source>Shape</source>
            <translation>Biçim</translation>
        </message>
        <message>
            <source>Numbers</source>
            <translation>Sayılar</translation>
        </message>
        <message>
            <source>Mean</source>
            <translation>Ortalama</translation>
        </message>
        <message>
            <source>%1 ± %2</source>
            <translation>%1 ± %2</translation>
        </message>
        <message>
            <source>Range</source>
            <translation>Aralık</translation>
        </message>
        <message>
            <source>%1 to %2</source>
            <translation>%1 – %2</translation>
        </message>
        <message>
            <source>Median</source>
            <translation>Medyan</translation>
        </message>
        <message>
            <source>Quartiles</source>
            <translation>Çeyrekler</translation>
        </message>
        <message>
            <source>1 % to 99 %</source>
            <translation>%1 – %99</translation>
        </message>
        <message>
            <source>Norm</source>
            <translation>Norm</translation>
        </message>
        <message>
            <source>Zeros</source>
            <translation>Sıfırlar</translation>
        </message>
        <message>
            <source>Not numbers</source>
            <translation>Sayı olmayan</translation>
        </message>
        <message>
            <source>%1 NaN, %2 infinite</source>
            <translation>%1 NaN, %2 sonsuz</translation>
        </message>
        <message>
            <source>Site</source>
            <translation>Nokta</translation>
        </message>
        <message>
            <source>%1 "%2"</source>
            <translation>%1 “%2”</translation>
        </message>
        <message>
            <source>Query (from)</source>
            <translation>Sorgu (kimden)</translation>
        </message>
        <message>
            <source>Key (to)</source>
            <translation>Anahtar (kime)</translation>
        </message>
        <message>
            <source>Weight</source>
            <translation>Ağırlık</translation>
        </message>
        <message>
            <source>Inspector</source>
            <translation>Denetçi</translation>
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
            <translation>%1 sn</translation>
        </message>
        <message>
            <source>%1 min %2 s</source>
            <translation>%1 dk %2 sn</translation>
        </message>
        <message>
            <source>Job</source>
            <translation>İş</translation>
        </message>
        <message>
            <source>State</source>
            <translation>Durum</translation>
        </message>
        <message>
            <source>Progress</source>
            <translation>İlerleme</translation>
        </message>
        <message>
            <source>Rate</source>
            <translation>Hız</translation>
        </message>
        <message>
            <source>Time</source>
            <translation>Süre</translation>
        </message>
        <message>
            <source>waiting</source>
            <translation>bekliyor</translation>
        </message>
        <message>
            <source>running</source>
            <translation>çalışıyor</translation>
        </message>
        <message>
            <source>done</source>
            <translation>bitti</translation>
        </message>
        <message>
            <source>cancelled</source>
            <translation>iptal edildi</translation>
        </message>
        <message>
            <source>%1/s</source>
            <translation>%1/sn</translation>
        </message>
        <message>
            <source>%1 left</source>
            <translation>%1 kaldı</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::JobQueue</name>
        <message>
            <source>There is not enough memory for this. Try a shorter input or a smaller batch, or close other models.</source>
            <translation>Bunun için yeterli bellek yok. Daha kısa bir girdi ya da küçük bir yığın deneyin veya başka modelleri kapatın.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::JobsPanel</name>
        <message>
            <source>Cancel the selected job</source>
            <translation>Seçili işi iptal et</translation>
        </message>
        <message>
            <source>Cancel all jobs</source>
            <translation>Tüm işleri iptal et</translation>
        </message>
        <message>
            <source>Clear ended jobs</source>
            <translation>Biten işleri temizle</translation>
        </message>
        <message>
            <source>Jobs</source>
            <translation>İşler</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::LensesPanel</name>
        <message>
            <source>The figures of the chosen lens appear here.</source>
            <translation>Seçilen merceğin şekilleri burada görünür.</translation>
        </message>
        <message>
            <source>Run the lens</source>
            <translation>Merceği çalıştır</translation>
        </message>
        <message>
            <source>Find a lens</source>
            <translation>Mercek bul</translation>
        </message>
        <message>
            <source>Lenses</source>
            <translation>Mercekler</translation>
        </message>
        <message>
            <source>&amp;Run</source>
            <translation>Ç&amp;alıştır</translation>
        </message>
        <message>
            <source>S&amp;top</source>
            <translation>&amp;Durdur</translation>
        </message>
        <message>
            <source>Run &amp;again when the input changes</source>
            <translation>Girdi değişince &amp;yeniden çalıştır</translation>
        </message>
        <message>
            <source>No plugin with lenses is loaded; see the plugins panel.</source>
            <translation>Mercek içeren eklenti yüklü değil; eklentiler paneline bakın.</translation>
        </message>
        <message>
            <source>Open a model and type a text to run it.</source>
            <translation>Çalıştırmak için bir model açıp metin yazın.</translation>
        </message>
        <message numerus="yes">
            <source>%n pass(es), %1 GFLOP, %2 kept</source>
            <translation>
                <numerusform>%n geçiş, %1 GFLOP, %2 saklanır</numerusform>
            </translation>
        </message>
        <message>
            <source>Running %1…</source>
            <translation>%1 çalışıyor…</translation>
        </message>
        <message>
            <source>Stopped.</source>
            <translation>Durduruldu.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::LogPanel</name>
        <message>
            <source>Copy the log</source>
            <translation>Günlüğü kopyala</translation>
        </message>
        <message>
            <source>Clear the log</source>
            <translation>Günlüğü temizle</translation>
        </message>
        <message>
            <source>Messages</source>
            <translation>İletiler</translation>
        </message>
        <message>
            <source>Details</source>
            <translation>Ayrıntılar</translation>
        </message>
        <message>
            <source>Warnings</source>
            <translation>Uyarılar</translation>
        </message>
        <message>
            <source>Errors</source>
            <translation>Hatalar</translation>
        </message>
        <message>
            <source>Least important level shown</source>
            <translation>Gösterilen en düşük düzey</translation>
        </message>
        <message>
            <source>Filter</source>
            <translation>Süz</translation>
        </message>
        <message>
            <source>Filter messages</source>
            <translation>İletileri süz</translation>
        </message>
        <message>
            <source>Log</source>
            <translation>Günlük</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Look</name>
        <message>
            <source>Attention of %1</source>
            <translation>%1 dikkati</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::MainWindow</name>
        <message>
            <source>Views</source>
            <translation>Görünümler</translation>
        </message>
        <message>
            <source>%1 is not there any more. Choose another file or folder.</source>
            <translation>%1 artık yok. Başka bir dosya ya da klasör seçin.</translation>
        </message>
        <message>
            <source>Jobs are running</source>
            <translation>İşler çalışıyor</translation>
        </message>
        <message>
            <source>%1 is still running. What is finished is kept; the rest can be resumed.</source>
            <translation>%1 hâlâ çalışıyor. Bitenler saklanır; kalanı sürdürülebilir.</translation>
        </message>
        <message>
            <source>Stop and quit</source>
            <translation>Durdur ve çık</translation>
        </message>
        <message>
            <source>Keep open</source>
            <translation>Açık bırak</translation>
        </message>
        <message>
            <source>File</source>
            <translation>Dosya</translation>
        </message>
        <message>
            <source>Edit</source>
            <translation>Düzen</translation>
        </message>
        <message>
            <source>Run</source>
            <translation>Çalıştır</translation>
        </message>
        <message>
            <source>View</source>
            <translation>Görünüm</translation>
        </message>
        <message>
            <source>Go</source>
            <translation>Git</translation>
        </message>
        <message>
            <source>Help</source>
            <translation>Yardım</translation>
        </message>
        <message>
            <source>&amp;Open a model…</source>
            <translation>Model &amp;aç…</translation>
        </message>
        <message>
            <source>Open a text as &amp;input…</source>
            <translation>Metni &amp;girdi olarak aç…</translation>
        </message>
        <message>
            <source>Open a &amp;workspace…</source>
            <translation>Çalışma &amp;alanı aç…</translation>
        </message>
        <message>
            <source>&amp;Close the model</source>
            <translation>Modeli &amp;kapat</translation>
        </message>
        <message>
            <source>Clear the list of recent files</source>
            <translation>Son dosyalar listesini temizle</translation>
        </message>
        <message>
            <source>&amp;Quit</source>
            <translation>Çı&amp;k</translation>
        </message>
        <message>
            <source>&amp;Undo</source>
            <translation>&amp;Geri al</translation>
        </message>
        <message>
            <source>&amp;Redo</source>
            <translation>&amp;Yinele</translation>
        </message>
        <message>
            <source>New &amp;text input</source>
            <translation>Yeni &amp;metin girdisi</translation>
        </message>
        <message>
            <source>New &amp;pair of texts</source>
            <translation>Yeni metin &amp;çifti</translation>
        </message>
        <message>
            <source>&amp;Settings…</source>
            <translation>&amp;Ayarlar…</translation>
        </message>
        <message>
            <source>&amp;Keyboard shortcuts…</source>
            <translation>&amp;Klavye kısayolları…</translation>
        </message>
        <message>
            <source>&amp;Run</source>
            <translation>Ç&amp;alıştır</translation>
        </message>
        <message>
            <source>&amp;Stop all jobs</source>
            <translation>Tüm işleri &amp;durdur</translation>
        </message>
        <message>
            <source>Run &amp;while typing</source>
            <translation>&amp;Yazarken çalıştır</translation>
        </message>
        <message>
            <source>Command &amp;palette…</source>
            <translation>Komut &amp;paleti…</translation>
        </message>
        <message>
            <source>&amp;Full screen</source>
            <translation>&amp;Tam ekran</translation>
        </message>
        <message>
            <source>&amp;Welcome page</source>
            <translation>&amp;Karşılama sayfası</translation>
        </message>
        <message>
            <source>Theme as the &amp;system</source>
            <translation>&amp;Sistem teması</translation>
        </message>
        <message>
            <source>&amp;Light theme</source>
            <translation>&amp;Açık tema</translation>
        </message>
        <message>
            <source>&amp;Dark theme</source>
            <translation>&amp;Koyu tema</translation>
        </message>
        <message>
            <source>Perspective: %1</source>
            <translation>Düzen: %1</translation>
        </message>
        <message>
            <source>Save this perspective…</source>
            <translation>Bu düzeni kaydet…</translation>
        </message>
        <message>
            <source>Save perspective</source>
            <translation>Düzeni kaydet</translation>
        </message>
        <message>
            <source>Name:</source>
            <translation>Ad:</translation>
        </message>
        <message>
            <source>&amp;Reset the layout</source>
            <translation>Yerleşimi &amp;sıfırla</translation>
        </message>
        <message>
            <source>Next view</source>
            <translation>Sonraki görünüm</translation>
        </message>
        <message>
            <source>Previous view</source>
            <translation>Önceki görünüm</translation>
        </message>
        <message>
            <source>Next layer</source>
            <translation>Sonraki katman</translation>
        </message>
        <message>
            <source>Previous layer</source>
            <translation>Önceki katman</translation>
        </message>
        <message>
            <source>Next head</source>
            <translation>Sonraki başlık</translation>
        </message>
        <message>
            <source>Previous head</source>
            <translation>Önceki başlık</translation>
        </message>
        <message>
            <source>Clear the chosen tokens</source>
            <translation>Seçili belirteçleri bırak</translation>
        </message>
        <message>
            <source>&amp;Manual</source>
            <translation>&amp;Kılavuz</translation>
        </message>
        <message>
            <source>&amp;About Orrery</source>
            <translation>Orrery &amp;hakkında</translation>
        </message>
        <message>
            <source>&amp;File</source>
            <translation>&amp;Dosya</translation>
        </message>
        <message>
            <source>&amp;Recent</source>
            <translation>&amp;Son kullanılanlar</translation>
        </message>
        <message>
            <source>&amp;Edit</source>
            <translation>Dü&amp;zen</translation>
        </message>
        <message>
            <source>&amp;View</source>
            <translation>&amp;Görünüm</translation>
        </message>
        <message>
            <source>&amp;Perspectives</source>
            <translation>&amp;Düzenler</translation>
        </message>
        <message>
            <source>&amp;Docks</source>
            <translation>&amp;Yan paneller</translation>
        </message>
        <message>
            <source>&amp;Theme</source>
            <translation>&amp;Tema</translation>
        </message>
        <message>
            <source>&amp;Go</source>
            <translation>G&amp;it</translation>
        </message>
        <message>
            <source>&amp;Help</source>
            <translation>&amp;Yardım</translation>
        </message>
        <message>
            <source>Main toolbar</source>
            <translation>Ana araç çubuğu</translation>
        </message>
        <message>
            <source>Open</source>
            <translation>Aç</translation>
        </message>
        <message>
            <source>Input</source>
            <translation>Girdi</translation>
        </message>
        <message>
            <source>New input: a text, a pair of texts, or a file</source>
            <translation>Yeni girdi: metin, metin çifti ya da dosya</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Durdur</translation>
        </message>
        <message>
            <source>Change between light and dark</source>
            <translation>Açık ve koyu arasında geç</translation>
        </message>
        <message>
            <source>Commands</source>
            <translation>Komutlar</translation>
        </message>
        <message>
            <source>Every command by a few of its letters (%1)</source>
            <translation>Her komut birkaç harfiyle (%1)</translation>
        </message>
        <message>
            <source>Show the jobs</source>
            <translation>İşleri göster</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Model</translation>
        </message>
        <message>
            <source>Tokens</source>
            <translation>Belirteçler</translation>
        </message>
        <message>
            <source>Precision</source>
            <translation>Duyarlık</translation>
        </message>
        <message>
            <source>Threads</source>
            <translation>İş parçacıkları</translation>
        </message>
        <message>
            <source>Time of the last run</source>
            <translation>Son çalışmanın süresi</translation>
        </message>
        <message>
            <source>no model</source>
            <translation>model yok</translation>
        </message>
        <message numerus="yes">
            <source>%n token(s)</source>
            <translation>
                <numerusform>%n belirteç</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>%n thread(s)</source>
            <translation>
                <numerusform>%n iş parçacığı</numerusform>
            </translation>
        </message>
        <message numerus="yes">
            <source>%n job(s)</source>
            <translation>
                <numerusform>%n iş</numerusform>
            </translation>
        </message>
        <message>
            <source>ready</source>
            <translation>hazır</translation>
        </message>
        <message>
            <source>%1 (missing)</source>
            <translation>%1 (yok)</translation>
        </message>
        <message>
            <source>Open a model's folder</source>
            <translation>Model klasörü aç</translation>
        </message>
        <message>
            <source>Open a text</source>
            <translation>Metin aç</translation>
        </message>
        <message>
            <source>Texts (*.txt *.md *);;All files (*)</source>
            <translation>Metinler (*.txt *.md *);;Tüm dosyalar (*)</translation>
        </message>
        <message>
            <source>Open or make a workspace</source>
            <translation>Çalışma alanı aç ya da oluştur</translation>
        </message>
        <message>
            <source>Workspaces (*.orrery)</source>
            <translation>Çalışma alanları (*.orrery)</translation>
        </message>
        <message>
            <source>About Orrery</source>
            <translation>Orrery hakkında</translation>
        </message>
        <message>
            <source>&lt;h3&gt;Orrery %1&lt;/h3&gt;&lt;p&gt;A workbench for looking inside transformer models and their relatives.&lt;/p&gt;&lt;p&gt;Free software under the GNU General Public License, version 3 or later.&lt;/p&gt;&lt;p&gt;Built with Qt %2.&lt;/p&gt;</source>
            <translation>&lt;h3&gt;Orrery %1&lt;/h3&gt;&lt;p&gt;Dönüştürücü modellerin ve akrabalarının içine bakmak için bir çalışma tezgâhı.&lt;/p&gt;&lt;p&gt;GNU Genel Kamu Lisansı sürüm 3 ya da sonrası altında özgür yazılım.&lt;/p&gt;&lt;p&gt;Qt %2 ile yapıldı.&lt;/p&gt;</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Manual</name>
        <message>
            <source>Manual</source>
            <translation>Kılavuz</translation>
        </message>
        <message>
            <source>Search the manual</source>
            <translation>Kılavuzda ara</translation>
        </message>
        <message>
            <source>Pages</source>
            <translation>Sayfalar</translation>
        </message>
        <message>
            <source>Text of the page</source>
            <translation>Sayfanın metni</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ModelList</name>
        <message>
            <source>Open %1</source>
            <translation>%1 açılıyor</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ModelsPanel</name>
        <message>
            <source>Open a model</source>
            <translation>Model aç</translation>
        </message>
        <message>
            <source>Close the model</source>
            <translation>Modeli kapat</translation>
        </message>
        <message>
            <source>Read the model again</source>
            <translation>Modeli yeniden oku</translation>
        </message>
        <message>
            <source>Copy the name</source>
            <translation>Adı kopyala</translation>
        </message>
        <message>
            <source>Find a module, parameter or site</source>
            <translation>Modül, parametre ya da nokta bul</translation>
        </message>
        <message>
            <source>Models</source>
            <translation>Modeller</translation>
        </message>
        <message>
            <source>Find</source>
            <translation>Bul</translation>
        </message>
        <message>
            <source>Part of a name, or a head: attn, query.weight, L3H5</source>
            <translation>Adın bir parçası ya da bir başlık: attn, query.weight, L3H5</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ModuleTree</name>
        <message>
            <source>Sites</source>
            <translation>Noktalar</translation>
        </message>
        <message>
            <source>Name</source>
            <translation>Ad</translation>
        </message>
        <message>
            <source>Shape</source>
            <translation>Biçim</translation>
        </message>
        <message>
            <source>Type</source>
            <translation>Tür</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>Boyut</translation>
        </message>
        <message>
            <source>%1 (opening…)</source>
            <translation>%1 (açılıyor…)</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::OptionEditor</name>
        <message>
            <source>Range: %1</source>
            <translation>Aralık: %1</translation>
        </message>
        <message>
            <source>Default: %1</source>
            <translation>Varsayılan: %1</translation>
        </message>
        <message>
            <source>%1 to %2</source>
            <translation>%1 – %2</translation>
        </message>
        <message>
            <source>at least %1</source>
            <translation>en az %1</translation>
        </message>
        <message>
            <source>at most %1</source>
            <translation>en çok %1</translation>
        </message>
        <message>
            <source>on</source>
            <translation>açık</translation>
        </message>
        <message>
            <source>one,two,three</source>
            <translation>bir,iki,üç</translation>
        </message>
        <message>
            <source>Choose a file</source>
            <translation>Dosya seç</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::OptionForm</name>
        <message>
            <source>More options</source>
            <translation>Diğer seçenekler</translation>
        </message>
        <message>
            <source>There is nothing to set.</source>
            <translation>Ayarlanacak bir şey yok.</translation>
        </message>
        <message>
            <source>Back to the default: %1</source>
            <translation>Varsayılana dön: %1</translation>
        </message>
        <message>
            <source>Reset %1</source>
            <translation>%1 sıfırla</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Perspectives</name>
        <message>
            <source>Look inside</source>
            <translation>İçine bak</translation>
        </message>
        <message>
            <source>Measure</source>
            <translation>Ölç</translation>
        </message>
        <message>
            <source>Write</source>
            <translation>Yaz</translation>
        </message>
        <message>
            <source>Picture only</source>
            <translation>Yalnız resim</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::PluginsPanel</name>
        <message>
            <source>loaded</source>
            <translation>yüklü</translation>
        </message>
        <message>
            <source>broken</source>
            <translation>bozuk</translation>
        </message>
        <message>
            <source>wrong version</source>
            <translation>yanlış sürüm</translation>
        </message>
        <message>
            <source>crashed</source>
            <translation>çöktü</translation>
        </message>
        <message>
            <source>Options</source>
            <translation>Seçenekler</translation>
        </message>
        <message>
            <source>Filter plugins and parts</source>
            <translation>Eklentileri ve parçaları süz</translation>
        </message>
        <message>
            <source>Plugin or part</source>
            <translation>Eklenti ya da parça</translation>
        </message>
        <message>
            <source>Kind</source>
            <translation>Tür</translation>
        </message>
        <message>
            <source>State</source>
            <translation>Durum</translation>
        </message>
        <message>
            <source>Plugins and parts</source>
            <translation>Eklentiler ve parçalar</translation>
        </message>
        <message>
            <source>About the plugin or part</source>
            <translation>Eklenti ya da parça hakkında</translation>
        </message>
        <message>
            <source>plugin</source>
            <translation>eklenti</translation>
        </message>
        <message>
            <source>Built in</source>
            <translation>Yerleşik</translation>
        </message>
        <message>
            <source>No plugins were found beside the program.</source>
            <translation>Programın yanında eklenti bulunamadı.</translation>
        </message>
        <message>
            <source>Id</source>
            <translation>Kimlik</translation>
        </message>
        <message>
            <source>For</source>
            <translation>Kullanım</translation>
        </message>
        <message>
            <source>Paper</source>
            <translation>Makale</translation>
        </message>
        <message>
            <source>Address</source>
            <translation>Adres</translation>
        </message>
        <message>
            <source>Plugin</source>
            <translation>Eklenti</translation>
        </message>
        <message>
            <source>Version</source>
            <translation>Sürüm</translation>
        </message>
        <message>
            <source>File</source>
            <translation>Dosya</translation>
        </message>
        <message>
            <source>Plugins</source>
            <translation>Eklentiler</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ProvenanceDialog</name>
        <message>
            <source>How “%1” was made</source>
            <translation>“%1” nasıl yapıldı</translation>
        </message>
        <message>
            <source>&amp;Command line that makes it again</source>
            <translation>Yeniden yapan &amp;komut satırı</translation>
        </message>
        <message>
            <source>Copy command &amp;line</source>
            <translation>Komut &amp;satırını kopyala</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ReportDraft</name>
        <message>
            <source>Report</source>
            <translation>Rapor</translation>
        </message>
        <message>
            <source>Change title</source>
            <translation>Başlığı değiştir</translation>
        </message>
        <message>
            <source>Change summary</source>
            <translation>Özeti değiştir</translation>
        </message>
        <message>
            <source>Add section</source>
            <translation>Bölüm ekle</translation>
        </message>
        <message>
            <source>Add text</source>
            <translation>Metin ekle</translation>
        </message>
        <message>
            <source>Add figure</source>
            <translation>Şekil ekle</translation>
        </message>
        <message>
            <source>Edit report</source>
            <translation>Raporu düzenle</translation>
        </message>
        <message>
            <source>Change level</source>
            <translation>Düzeyi değiştir</translation>
        </message>
        <message>
            <source>Move</source>
            <translation>Taşı</translation>
        </message>
        <message>
            <source>Remove from report</source>
            <translation>Rapordan kaldır</translation>
        </message>
        <message>
            <source>New report</source>
            <translation>Yeni rapor</translation>
        </message>
        <message>
            <source>Result</source>
            <translation>Sonuç</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ReportPanel</name>
        <message>
            <source>(empty text)</source>
            <translation>(boş metin)</translation>
        </message>
        <message>
            <source>Add a section</source>
            <translation>Bölüm ekle</translation>
        </message>
        <message>
            <source>Add text</source>
            <translation>Metin ekle</translation>
        </message>
        <message>
            <source>Move up</source>
            <translation>Yukarı taşı</translation>
        </message>
        <message>
            <source>Move down</source>
            <translation>Aşağı taşı</translation>
        </message>
        <message>
            <source>Remove from the report</source>
            <translation>Rapordan kaldır</translation>
        </message>
        <message>
            <source>Export the report…</source>
            <translation>Raporu dışa aktar…</translation>
        </message>
        <message>
            <source>New report</source>
            <translation>Yeni rapor</translation>
        </message>
        <message>
            <source>Pieces of the report</source>
            <translation>Raporun parçaları</translation>
        </message>
        <message>
            <source>Title of the report or section</source>
            <translation>Raporun ya da bölümün başlığı</translation>
        </message>
        <message>
            <source>Words in Markdown</source>
            <translation>Markdown metni</translation>
        </message>
        <message>
            <source>Preview</source>
            <translation>Önizleme</translation>
        </message>
        <message>
            <source>Markdown: **bold**, *emphasis*, `code`, lists, tables. Drag figures here by their title, or use "Add to report" in a figure's menu.</source>
            <translation>Markdown: **kalın**, *vurgu*, `kod`, listeler, tablolar. Şekilleri başlıklarından tutup buraya sürükleyin ya da şeklin menüsünde “Rapora ekle”yi seçin.</translation>
        </message>
        <message>
            <source>Section</source>
            <translation>Bölüm</translation>
        </message>
        <message>
            <source>Title and a summary of the result</source>
            <translation>Başlık ve sonucun özeti</translation>
        </message>
        <message>
            <source>Heading of a section</source>
            <translation>Bölüm başlığı</translation>
        </message>
        <message>
            <source>Remark on the figure "%1"</source>
            <translation>“%1” şekli üzerine not</translation>
        </message>
        <message>
            <source>Text</source>
            <translation>Metin</translation>
        </message>
        <message>
            <source>Figure %1. %2</source>
            <translation>Şekil %1. %2</translation>
        </message>
        <message>
            <source>The report is empty. Add figures from any picture's context menu, write what they show, and export it as one HTML file, PDF or Markdown.</source>
            <translation>Rapor boş. Herhangi bir resmin menüsünden şekil ekleyin, ne gösterdiklerini yazın ve tek HTML dosyası, PDF ya da Markdown olarak dışa aktarın.</translation>
        </message>
        <message>
            <source>Export the report</source>
            <translation>Raporu dışa aktar</translation>
        </message>
        <message>
            <source>One HTML file (*.html);;PDF (*.pdf);;Markdown with files (*.md)</source>
            <translation>Tek HTML dosyası (*.html);;PDF (*.pdf);;Dosyalarıyla Markdown (*.md)</translation>
        </message>
        <message>
            <source>The report is in %1.</source>
            <translation>Rapor şurada: %1.</translation>
        </message>
        <message>
            <source>Report</source>
            <translation>Rapor</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::RunTable</name>
        <message>
            <source>running</source>
            <translation>çalışıyor</translation>
        </message>
        <message>
            <source>done</source>
            <translation>bitti</translation>
        </message>
        <message>
            <source>failed</source>
            <translation>başarısız</translation>
        </message>
        <message>
            <source>cancelled</source>
            <translation>iptal edildi</translation>
        </message>
        <message>
            <source>interrupted</source>
            <translation>yarıda kaldı</translation>
        </message>
        <message>
            <source>No.</source>
            <translation>No</translation>
        </message>
        <message>
            <source>Run</source>
            <translation>Çalıştır</translation>
        </message>
        <message>
            <source>Job</source>
            <translation>İş</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Model</translation>
        </message>
        <message>
            <source>Status</source>
            <translation>Durum</translation>
        </message>
        <message>
            <source>When</source>
            <translation>Ne zaman</translation>
        </message>
        <message>
            <source>Took</source>
            <translation>Süre</translation>
        </message>
        <message>
            <source>Points</source>
            <translation>Noktalar</translation>
        </message>
        <message>
            <source>Figures</source>
            <translation>Şekiller</translation>
        </message>
        <message>
            <source>Notes</source>
            <translation>Notlar</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::SettingsDialog</name>
        <message>
            <source>Settings</source>
            <translation>Ayarlar</translation>
        </message>
        <message>
            <source>&amp;Theme:</source>
            <translation>&amp;Tema:</translation>
        </message>
        <message>
            <source>Theme</source>
            <translation>Tema</translation>
        </message>
        <message>
            <source>As the system</source>
            <translation>Sistem gibi</translation>
        </message>
        <message>
            <source>Light</source>
            <translation>Açık</translation>
        </message>
        <message>
            <source>Dark</source>
            <translation>Koyu</translation>
        </message>
        <message>
            <source>&amp;Colours of magnitudes:</source>
            <translation>Büyüklük &amp;renkleri:</translation>
        </message>
        <message>
            <source>Colours of magnitudes</source>
            <translation>Büyüklük renkleri</translation>
        </message>
        <message>
            <source>&amp;Language:</source>
            <translation>&amp;Dil:</translation>
        </message>
        <message>
            <source>Language</source>
            <translation>Dil</translation>
        </message>
        <message>
            <source>The language changes at the next start.</source>
            <translation>Dil bir sonraki açılışta değişir.</translation>
        </message>
        <message>
            <source>As many as cores (%1)</source>
            <translation>Çekirdek sayısı kadar (%1)</translation>
        </message>
        <message>
            <source>Threads</source>
            <translation>İş parçacıkları</translation>
        </message>
        <message>
            <source>Th&amp;reads:</source>
            <translation>İş &amp;parçacıkları:</translation>
        </message>
        <message>
            <source>&amp;Precision of opened models:</source>
            <translation>Açılan modellerin &amp;duyarlığı:</translation>
        </message>
        <message>
            <source>Precision of opened models</source>
            <translation>Açılan modellerin duyarlığı</translation>
        </message>
        <message>
            <source>f32: as the reference computes</source>
            <translation>f32: başvurunun hesapladığı gibi</translation>
        </message>
        <message>
            <source>bf16: faster, coarser</source>
            <translation>bf16: daha hızlı, daha kaba</translation>
        </message>
        <message>
            <source>R&amp;un while typing</source>
            <translation>Yazarken ç&amp;alıştır</translation>
        </message>
        <message>
            <source>Open the &amp;last session at start</source>
            <translation>Açılışta &amp;son oturumu aç</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::ShortcutsDialog</name>
        <message>
            <source>&amp;Assign</source>
            <translation>&amp;Ata</translation>
        </message>
        <message>
            <source>Re&amp;move</source>
            <translation>&amp;Kaldır</translation>
        </message>
        <message>
            <source>&amp;Default</source>
            <translation>&amp;Varsayılan</translation>
        </message>
        <message>
            <source>Keyboard shortcuts</source>
            <translation>Klavye kısayolları</translation>
        </message>
        <message>
            <source>Filter actions</source>
            <translation>Eylemleri süz</translation>
        </message>
        <message>
            <source>Action</source>
            <translation>Eylem</translation>
        </message>
        <message>
            <source>Shortcut</source>
            <translation>Kısayol</translation>
        </message>
        <message>
            <source>Actions</source>
            <translation>Eylemler</translation>
        </message>
        <message>
            <source>New shortcut</source>
            <translation>Yeni kısayol</translation>
        </message>
        <message>
            <source>&amp;New shortcut:</source>
            <translation>&amp;Yeni kısayol:</translation>
        </message>
        <message>
            <source>%1 already belongs to "%2". Remove it there first or choose another.</source>
            <translation>%1 zaten “%2” eylemine ait. Önce oradan kaldırın ya da başka bir kısayol seçin.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::TableWidget</name>
        <message>
            <source>Filter rows</source>
            <translation>Satırları süz</translation>
        </message>
        <message>
            <source>&amp;Original order</source>
            <translation>&amp;Özgün sıra</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::TokenFlow</name>
        <message>
            <source>Tokens of the input</source>
            <translation>Girdinin belirteçleri</translation>
        </message>
        <message>
            <source>No tokens yet</source>
            <translation>Henüz belirteç yok</translation>
        </message>
        <message>
            <source>"%1" was removed</source>
            <translation>“%1” kaldırıldı</translation>
        </message>
        <message>
            <source>Token %1: "%2"</source>
            <translation>Belirteç %1: “%2”</translation>
        </message>
        <message>
            <source>added by the last edit</source>
            <translation>son değişiklikte eklendi</translation>
        </message>
        <message>
            <source>was "%1" before the last edit</source>
            <translation>son değişiklikten önce “%1” idi</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::TokenStripWidget</name>
        <message>
            <source>Scores that colour the tokens</source>
            <translation>Belirteçleri renklendiren değerler</translation>
        </message>
        <message>
            <source>token</source>
            <translation>belirteç</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Tour</name>
        <message>
            <source>Who looks at whom</source>
            <translation>Kim kime bakıyor</translation>
        </message>
        <message>
            <source>Some heads of **%1** follow one fixed rule.</source>
            <translation>**%1** modelinin bazı başlıkları tek bir kurala uyar.</translation>
        </message>
        <message>
            <source>The next token</source>
            <translation>Sonraki belirteç</translation>
        </message>
        <message>
            <source>Head *L1H2* looks at the token after each one; its rows are almost *one-hot*.</source>
            <translation>*L1H2* başlığı her belirtecin ardından gelene bakar; satırları neredeyse *tek-sıcak*tır.</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::Welcome</name>
        <message>
            <source>Welcome</source>
            <translation>Hoş geldiniz</translation>
        </message>
        <message>
            <source>Orrery</source>
            <translation>Orrery</translation>
        </message>
        <message>
            <source>See how a transformer computes. Drop a model's folder anywhere on this window, or begin with a small one that came along.</source>
            <translation>Bir dönüştürücünün nasıl hesapladığını görün. Bir model klasörünü bu pencereye bırakın ya da birlikte gelen küçük bir modelle başlayın.</translation>
        </message>
        <message>
            <source>Models that came along</source>
            <translation>Birlikte gelen modeller</translation>
        </message>
        <message>
            <source>Open a model's folder…</source>
            <translation>Model klasörü aç…</translation>
        </message>
        <message>
            <source>Opened before</source>
            <translation>Daha önce açılanlar</translation>
        </message>
        <message>
            <source>Three things to try</source>
            <translation>Denenecek üç şey</translation>
        </message>
        <message>
            <source>See who looks at whom</source>
            <translation>Kimin kime baktığını görün</translation>
        </message>
        <message>
            <source>Opens docs-bert with a sentence: every head in one picture, any of them in full.</source>
            <translation>docs-bert modelini bir cümleyle açar: tüm başlıklar tek resimde, her biri tam boyda.</translation>
        </message>
        <message>
            <source>Watch a prediction grow</source>
            <translation>Bir tahminin oluşumunu izleyin</translation>
        </message>
        <message>
            <source>Opens docs-gpt and reads the next word out of every layer with the logit lens.</source>
            <translation>docs-gpt modelini açar ve logit merceğiyle her katmandan sonraki sözcüğü okur.</translation>
        </message>
        <message>
            <source>Measure this machine</source>
            <translation>Bu makineyi ölçün</translation>
        </message>
        <message>
            <source>Times docs-bert over lengths and batches, with intervals, and keeps the runs for comparison.</source>
            <translation>docs-bert modelini uzunluk ve yığınlara göre aralıklarla ölçer, çalışmaları karşılaştırma için saklar.</translation>
        </message>
        <message>
            <source>None was found beside the program.</source>
            <translation>Programın yanında bulunamadı.</translation>
        </message>
        <message>
            <source>%1 (missing)</source>
            <translation>%1 (yok)</translation>
        </message>
    </context>
    <context>
        <name>orrery::ui::WorkspacePanel</name>
        <message>
            <source>Choose a run to see its figures.</source>
            <translation>Şekillerini görmek için bir çalışma seçin.</translation>
        </message>
        <message>
            <source>Delete the chosen runs</source>
            <translation>Seçili çalışmaları sil</translation>
        </message>
        <message>
            <source>Export the chosen runs</source>
            <translation>Seçili çalışmaları dışa aktar</translation>
        </message>
        <message>
            <source>Tag the chosen runs</source>
            <translation>Seçili çalışmaları etiketle</translation>
        </message>
        <message>
            <source>Read the workspace again</source>
            <translation>Çalışma alanını yeniden oku</translation>
        </message>
        <message>
            <source>Filter runs</source>
            <translation>Çalışmaları süz</translation>
        </message>
        <message>
            <source>Runs</source>
            <translation>Çalışmalar</translation>
        </message>
        <message>
            <source>Record of the run</source>
            <translation>Çalışmanın kaydı</translation>
        </message>
        <message>
            <source>Notes in Markdown; they are kept as you type.</source>
            <translation>Markdown notları; yazdıkça saklanır.</translation>
        </message>
        <message>
            <source>Notes</source>
            <translation>Notlar</translation>
        </message>
        <message>
            <source>Figures</source>
            <translation>Şekiller</translation>
        </message>
        <message>
            <source>Record</source>
            <translation>Kayıt</translation>
        </message>
        <message>
            <source>This run has no figures.</source>
            <translation>Bu çalışmanın şekli yok.</translation>
        </message>
        <message>
            <source>Several runs are chosen; the figures show in what they differ.</source>
            <translation>Birden çok çalışma seçili; şekiller nerede ayrıldıklarını gösterir.</translation>
        </message>
        <message>
            <source>Job</source>
            <translation>İş</translation>
        </message>
        <message>
            <source>Model</source>
            <translation>Model</translation>
        </message>
        <message>
            <source>When</source>
            <translation>Ne zaman</translation>
        </message>
        <message>
            <source>Took</source>
            <translation>Süre</translation>
        </message>
        <message>
            <source>Message</source>
            <translation>İleti</translation>
        </message>
        <message>
            <source>Command</source>
            <translation>Komut</translation>
        </message>
        <message>
            <source>Tags</source>
            <translation>Etiketler</translation>
        </message>
        <message>
            <source>Options</source>
            <translation>Seçenekler</translation>
        </message>
        <message>
            <source>Environment</source>
            <translation>Ortam</translation>
        </message>
        <message>
            <source>Delete runs</source>
            <translation>Çalışmaları sil</translation>
        </message>
        <message numerus="yes">
            <source>Delete %n run(s) with samples, figures and notes? This cannot be undone.</source>
            <translation>
                <numerusform>%n çalışma; ölçümleri, şekilleri ve notlarıyla silinsin mi? Bu geri alınamaz.</numerusform>
            </translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>Sil</translation>
        </message>
        <message>
            <source>Statistics (*.csv)</source>
            <translation>İstatistik (*.csv)</translation>
        </message>
        <message>
            <source>Every sample (*.samples.csv)</source>
            <translation>Her ölçüm (*.samples.csv)</translation>
        </message>
        <message>
            <source>Everything (*.json)</source>
            <translation>Her şey (*.json)</translation>
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
            <translation>Çalışmaları dışa aktar</translation>
        </message>
        <message>
            <source>Exported to %1.</source>
            <translation>%1 dosyasına aktarıldı.</translation>
        </message>
        <message>
            <source>Tag runs</source>
            <translation>Çalışmaları etiketle</translation>
        </message>
        <message>
            <source>Tag:</source>
            <translation>Etiket:</translation>
        </message>
        <message>
            <source>Workspace</source>
            <translation>Çalışma alanı</translation>
        </message>
    </context>
    <context>
        <name>std</name>
        <message>
            <source>mean over heads</source>
            <translation>başlıkların ortalaması</translation>
        </message>
    </context>
</TS>
