// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace orrery::report {

/// The look of HTML reports: light, dark and print.
inline constexpr std::string_view styleSheet = R"(:root {
  --text: #1b1f24; --muted: #5a636e; --back: #ffffff; --soft: #f2f4f7; --line: #d5dae0; --link: #0060a8;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e7eaee; --muted: #a3acb8; --back: #1b1e23; --soft: #272b32; --line: #3d444d; --link: #6db8f2; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", Verdana, sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.35rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3 { font-size: 1.12rem; margin: 1.6rem 0 .4rem; }
h4, h5, h6 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
a { color: var(--link); }
.date, .caption { color: var(--muted); }
.summary { font-size: 1.06rem; border-left: 4px solid var(--link); padding-left: 1rem; margin: 1.2rem 0; }
nav { background: var(--soft); border-radius: 6px; padding: .8rem 1.2rem; margin: 1.4rem 0; }
nav h2 { border: 0; margin: 0 0 .3rem; font-size: 1rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav .level2 { padding-left: 1.4rem; }
nav .level3 { padding-left: 2.8rem; }
nav a { text-decoration: none; }
nav a:hover, nav a:focus { text-decoration: underline; }
figure { margin: 1.6rem 0; }
.drawing { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
.drawing svg { display: block; width: 100%; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { margin-top: .5rem; font-size: .95rem; }
details { margin-top: .3rem; font-size: .88rem; color: var(--muted); }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: .7rem .9rem; border-radius: 6px; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; }
code { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; font-size: .92em; }
:not(pre) > code { background: var(--soft); padding: .1em .3em; border-radius: 4px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .92rem; }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { background: var(--soft); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.centre, th.centre { text-align: center; }
aside { background: var(--soft); border-left: 4px solid var(--muted); padding: .6rem 1rem; margin: 1rem 0; }
aside p:first-of-type { margin-top: .2rem; }
blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--muted); }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.6rem 0; }
@media print {
  :root { --text: #000; --muted: #444; --back: #fff; --soft: #f4f4f4; --line: #bbb; --link: #000; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h2, h3, h4 { break-after: avoid; }
  figure, table, aside { break-inside: avoid; }
  .drawing { border: 0; }
  nav { background: none; padding: 0; }
  a { text-decoration: none; }
}
)";

} // namespace orrery::report
