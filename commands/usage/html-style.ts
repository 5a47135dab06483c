/** The page's style: works from phone width up, in light and dark mode, and on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --card: #fff; --ink: #1f2328; --quiet: #5c646d; --line: #e4e1db; --track: #eceae5;
  --open: #17694a; --close: #8a5300; --spent: #a3211b; --warning-ground: #fdf0d8;
  --a0: #2f6fb3; --a1: #d9822b; --a2: #2f8f6b; --a3: #8457b8; --a4: #c2477f; --a5: #7a8b22; --a6: #2b9bb0; --rest: #8d949b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181b; --card: #1e2125; --ink: #e8e6e3; --quiet: #9ba3ab; --line: #33373c; --track: #2c3035;
    --open: #79d3ab; --close: #f0bf6c; --spent: #ff9b94; --warning-ground: #3d2f14;
    --a0: #6ea8e6; --a1: #f0a65c; --a2: #6cc9a3; --a3: #b695e3; --a4: #ea86b3; --a5: #b7c95c; --a6: #6fcadb; --rest: #858c93;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1140px; margin: 0 auto; padding: 40px 16px 64px; }
h1 { font-size: clamp(1.7rem, 5vw, 2.5rem); line-height: 1.15; margin: 0 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 40px 0 8px; }
.eyebrow { margin: 0 0 8px; color: var(--quiet); font-size: .85rem; letter-spacing: .05em; text-transform: uppercase; }
.lead { font-size: 1.05rem; max-width: 46em; margin: 0; }
.quiet { color: var(--quiet); margin: 8px 0; font-size: .9rem; }
.warning { background: var(--warning-ground); color: var(--close); border-radius: 12px; padding: 10px 16px; font-weight: 600; }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin: 24px 0 0; }
.figure, figure, .wide, .budgets li { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.figure { padding: 12px 16px; }
.figure b { display: block; font-size: clamp(1.3rem, 4.6vw, 1.9rem); line-height: 1.2; font-variant-numeric: tabular-nums; }
.figure span { color: var(--quiet); font-size: .92rem; }
figure { margin: 0; padding: 16px; }
figure svg { display: block; width: 100%; height: auto; }
figure text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.at-narrow { display: none; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 20px; padding: 0; margin: 14px 0 0; font-size: .92rem; }
.legend li { overflow-wrap: anywhere; }
.legend svg { display: inline-block; width: 12px; height: 12px; margin-right: 8px; }
.legend span { color: var(--quiet); font-variant-numeric: tabular-nums; }
.a0 { fill: var(--a0); } .a1 { fill: var(--a1); } .a2 { fill: var(--a2); } .a3 { fill: var(--a3); } .a4 { fill: var(--a4); } .a5 { fill: var(--a5); } .a6 { fill: var(--a6); } .rest { fill: var(--rest); }
.budgets { list-style: none; padding: 0; margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 12px; }
.budgets li { padding: 12px 16px; }
.budgets div { display: flex; justify-content: space-between; gap: 12px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.budgets span { color: var(--quiet); }
.budgets svg { display: block; width: 100%; height: 8px; margin: 8px 0; border-radius: 4px; }
.ground { fill: var(--track); }
.open .fill { fill: var(--open); } .close .fill { fill: var(--close); } .spent .fill { fill: var(--spent); }
.close div:last-child b { color: var(--close); } .spent div:last-child b { color: var(--spent); }
.wide { overflow-x: auto; margin-top: 10px; }
.wide:focus-visible { outline: 2px solid var(--a0); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 9px; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--quiet); font-weight: 600; }
tbody th { font-weight: 400; }
th.text, td.text { text-align: left; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card); }
@media (max-width: 700px) {
  main { padding-top: 24px; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  .at-wide { display: none; } .at-narrow { display: initial; }
  figure { padding: 12px; }
}
@media print { body { background: #fff; } .wide { overflow: visible; } }
`;
