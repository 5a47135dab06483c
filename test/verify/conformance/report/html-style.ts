/** The page's style: works from phone width up, in light and dark mode, and on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --card: #fff; --ink: #1f2328; --quiet: #626a73; --line: #e4e1db; --link: #1c5d99;
  --pass: #17694a; --pass-ground: #e4f3ec; --loss: #8a5300; --loss-ground: #fdf0d8;
  --fail: #a3211b; --fail-ground: #fde5e3; --none: #626a73; --none-ground: #efedea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181b; --card: #1e2125; --ink: #e8e6e3; --quiet: #9ba3ab; --line: #33373c; --link: #8ebff0;
    --pass: #79d3ab; --pass-ground: #17352a; --loss: #f0bf6c; --loss-ground: #3d2f14;
    --fail: #ff9b94; --fail-ground: #471f1c; --none: #9ba3ab; --none-ground: #2a2d31;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 48px 24px 64px; }
h1 { font-size: clamp(1.8rem, 5vw, 2.7rem); line-height: 1.12; letter-spacing: -.022em; margin: 0 0 16px; text-wrap: balance; }
h2 { font-size: 1.5rem; letter-spacing: -.012em; margin: 56px 0 8px; }
h3 { font-size: 1.05rem; margin: 28px 0 6px; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
.eyebrow { margin: 0 0 10px; color: var(--quiet); font-size: .85rem; letter-spacing: .06em; text-transform: uppercase; }
.lead { font-size: 1.1rem; max-width: 46em; }
section > p { max-width: 46em; }
.answer { border-radius: 16px; padding: 18px 24px; margin: 20px 0 24px; font-size: 1.1rem; } .answer p { margin: 0 0 6px; max-width: none; } .answer b { display: block; font-size: clamp(1.6rem, 4vw, 2.2rem); line-height: 1.2; }
.answer.pass { background: var(--pass-ground); } .answer.pass b { color: var(--pass); }
.answer.known-loss { background: var(--loss-ground); } .answer.known-loss b { color: var(--loss); }
.answer.fail { background: var(--fail-ground); } .answer.fail b { color: var(--fail); }
.answer a { font-size: .95rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9em, 1fr)); gap: 12px; margin: 28px 0 16px; }
.figure { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 18px; }
.figure b { display: block; font-size: 2rem; line-height: 1.15; font-variant-numeric: tabular-nums; }
.figure span { color: var(--quiet); }
.figure.pass b { color: var(--pass); } .figure.known-loss b { color: var(--loss); } .figure.fail b { color: var(--fail); }
.verdict { border-radius: 12px; padding: 12px 18px; margin: 0; font-weight: 600; }
.verdict.pass { color: var(--pass); background: var(--pass-ground); }
.verdict.known-loss { color: var(--loss); background: var(--loss-ground); }
.verdict.fail { color: var(--fail); background: var(--fail-ground); }
table { width: 100%; border-collapse: separate; border-spacing: 0; background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; margin: 16px 0; }
th, td { text-align: left; vertical-align: top; padding: 10px 14px; border-top: 1px solid var(--line); }
thead th, thead td { border-top: 0; }
th { font-weight: 600; } th small { display: block; font-weight: 400; color: var(--quiet); line-height: 1.35; }
.glance td, .glance thead th { width: 14.5%; }
.share { display: inline-block; border-radius: 8px; padding: 2px 9px; font-size: .9rem; white-space: nowrap; }
.chip { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: .8rem; font-weight: 600; white-space: nowrap; }
.share.pass, .chip.pass { color: var(--pass); background: var(--pass-ground); }
.share.known-loss, .chip.known-loss { color: var(--loss); background: var(--loss-ground); }
.share.by-design, .chip.by-design { color: var(--link); background: var(--none-ground); }
.share.fail, .chip.fail { color: var(--fail); background: var(--fail-ground); }
.share.not-applicable, .chip.not-applicable, .share.skipped, .chip.skipped { color: var(--none); background: var(--none-ground); }
.paths { list-style: none; padding: 0; margin: 0 0 16px; display: grid; gap: 2px; } .paths b { display: inline-block; min-width: 8em; } .paths span { color: var(--quiet); }
.legend { display: flex; flex-wrap: wrap; gap: 8px; } section > .legend { max-width: none; }
details { background: var(--card); border: 1px solid var(--line); border-top-width: 0; }
h3 + details { border-top-width: 1px; border-radius: 12px 12px 0 0; }
details:last-of-type, details:has(+ h3) { border-radius: 0 0 12px 12px; }
h3 + details:has(+ h3) { border-radius: 12px; }
summary { display: flex; gap: 16px; align-items: center; justify-content: space-between; padding: 9px 16px; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover .what { color: var(--link); }
summary:focus-visible { outline: 2px solid var(--link); outline-offset: -2px; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; justify-content: flex-end; flex: none; max-width: 55%; }
details[open] > summary { border-bottom: 1px solid var(--line); }
.why { margin: 12px 16px; color: var(--quiet); max-width: 48em; }
dl { margin: 0 16px; } .seen { padding: 8px 0; border-top: 1px dashed var(--line); }
dt { font-weight: 600; } dd { margin: 4px 0 0; font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
dd p { font: .95rem/1.5 system-ui, sans-serif; margin: 6px 0 0; } .reason { color: var(--loss); } .unexpected { color: var(--fail); font-weight: 600; }
.id { margin: 8px 16px 12px; color: var(--quiet); font-size: .8rem; }
.decision td { font-size: .93rem; } .decision td b { display: block; }
.recommendation { background: var(--card); border: 2px solid var(--pass); border-radius: 16px; padding: 24px 28px; margin-top: 56px; }
.recommendation h2 { margin: 0 0 4px; } .because { font-size: 1.1rem; margin: 0 0 12px; }
footer { color: var(--quiet); font-size: .92rem; } footer h2 { color: var(--ink); font-size: 1.1rem; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .88em; overflow-wrap: anywhere; }
ul, ol { padding-left: 1.3em; } li { margin: 4px 0; }
@media (max-width: 760px) {
  main { padding: 28px 16px 48px; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  .glance thead, .decision thead { display: none; }
  .glance tr, .decision tr { display: block; border-top: 1px solid var(--line); padding: 10px 14px; }
  .glance tr:first-child, .decision tr:first-child { border-top: 0; }
  .glance tbody th, .decision tbody th { display: block; border: 0; padding: 0 0 6px; }
  .glance td, .decision td { display: flex; justify-content: space-between; gap: 12px; width: auto; border: 0; padding: 3px 0; }
  .glance td::before { content: attr(data-path); color: var(--quiet); }
  .decision td { display: block; padding: 5px 0; } .decision td::before { content: attr(data-label); display: block; color: var(--quiet); font-size: .82rem; }
  summary { align-items: flex-start; flex-direction: column; gap: 6px; }
  .chips { max-width: 100%; justify-content: flex-start; } .chip { white-space: normal; }
  .recommendation { padding: 18px; } .paths b { display: block; } .paths li { margin: 4px 0 8px; }
}
@media print { details { break-inside: avoid; } body { background: #fff; } }
`;
