/// How a report looks, and its one bit of behaviour: the readout under the pointer.
enum ReportStyle {
  static let css = """
    :root {
      color-scheme: light dark;
      --paper: #faf9f6; --card: #ffffff; --ink: #1d1c1a; --soft: #69655e; --line: #e6e2da;
      --train: #2f5fd0; --validation: #cf4f1f; --other: #16756b; --shadow: 0 1px 2px #0000000d;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #121315; --card: #1a1c1f; --ink: #ecebe7; --soft: #a09c94; --line: #2c2f33;
        --train: #82a6ff; --validation: #ff9a70; --other: #5fcdbf; --shadow: none;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0 auto; padding: clamp(1.25rem, 4vw, 3rem) clamp(1rem, 4vw, 2.5rem) 4rem;
      max-width: 68rem; background: var(--paper); color: var(--ink);
      font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    }
    h1, h2, h3, p, ul, dl, dd, figure, pre { margin: 0; padding: 0; }
    h1 {
      font: 600 clamp(1.9rem, 6vw, 2.9rem)/1.1 Charter, "Bitstream Charter", "Source Serif 4",
        Georgia, "Noto Serif", "DejaVu Serif", serif;
      letter-spacing: -.015em; overflow-wrap: anywhere;
    }
    h2 {
      margin: 3rem 0 1rem; font-size: .8rem; font-weight: 650; letter-spacing: .09em;
      text-transform: uppercase; color: var(--soft);
    }
    .brand { display: flex; justify-content: space-between; gap: 1rem; margin-bottom: 1.25rem;
      color: var(--soft); font-size: .875rem; }
    .state { display: inline-flex; align-items: center; gap: .45em; }
    .state::before { content: ""; width: .55em; height: .55em; border-radius: 50%;
      background: var(--validation); }
    .state.finished::before { background: var(--other); }
    .lead { margin-top: .75rem; color: var(--soft); font-size: 1.0625rem; max-width: 44rem; }
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
      gap: .75rem; margin-top: 2rem; }
    .figures > div, .chart, .sample, .table { background: var(--card);
      border: 1px solid var(--line); border-radius: .75rem; box-shadow: var(--shadow); }
    .figures > div { padding: .9rem 1rem .85rem; display: flex; flex-direction: column-reverse;
      justify-content: flex-end; }
    .figures dt { color: var(--soft); font-size: .8125rem; }
    .figures dd { font-size: 1.55rem; font-weight: 600; line-height: 1.25;
      letter-spacing: -.02em; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .figures dd small { font-size: .55em; font-weight: 500; color: var(--soft);
      letter-spacing: 0; }
    .figures .main dd { color: var(--validation); }
    .charts { display: grid; grid-template-columns: repeat(3, 1fr); gap: .75rem; }
    .chart { padding: 1rem 1.1rem .8rem; min-width: 0; }
    .chart:first-child { grid-column: 1 / -1; }
    figcaption { display: flex; flex-wrap: wrap; justify-content: space-between;
      gap: .25rem 1rem; margin-bottom: .9rem; }
    h3 { font-size: .95rem; font-weight: 600; }
    h3 small { font-weight: 400; color: var(--soft); margin-left: .25em; }
    .legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none;
      font-size: .8125rem; color: var(--soft); }
    .legend li::before { content: ""; display: inline-block; width: 1.1em; height: 0;
      margin-right: .45em; vertical-align: .28em; border-top: 2px solid var(--c);
      border-radius: 1px; }
    .legend li.raw::before { opacity: .35; }
    .legend li.points::before { width: .55em; height: .55em; border: 0; border-radius: 50%;
      background: var(--c); vertical-align: .02em; }
    .train { --c: var(--train); } .validation { --c: var(--validation); }
    .other { --c: var(--other); }
    .plot { position: relative; height: 9rem; margin: 0 .4rem 1.6rem 2.9rem; touch-action: pan-y; }
    .chart:first-child .plot { height: clamp(14rem, 40vw, 22rem); }
    .plot svg { display: block; width: 100%; height: 100%; overflow: visible; }
    .plot path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round;
      stroke-linecap: round; }
    .plot .grid { stroke: var(--line); stroke-width: 1; }
    .plot .curve { stroke: var(--c); stroke-width: 2; }
    .plot .raw { stroke: var(--c); stroke-width: 1; opacity: .28; }
    .plot .points { stroke: var(--c); stroke-width: 7; }
    .vertical span, .horizontal span { position: absolute; color: var(--soft);
      font-size: .75rem; line-height: 1; font-variant-numeric: tabular-nums;
      white-space: nowrap; }
    .vertical span { right: calc(100% + .5rem); transform: translateY(-50%); }
    .horizontal span { top: calc(100% + .55rem); transform: translateX(-50%); }
    .horizontal .first { transform: none; }
    .horizontal .last { transform: translateX(-100%); }
    .cross { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--soft);
      opacity: .5; pointer-events: none; }
    .readout { position: absolute; top: .3rem; padding: .4rem .6rem; border-radius: .45rem;
      background: var(--ink); color: var(--paper); font-size: .75rem; line-height: 1.45;
      white-space: nowrap; pointer-events: none; font-variant-numeric: tabular-nums; z-index: 1; }
    .samples { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem; }
    .sample summary { padding: .7rem 1.1rem; cursor: pointer; display: flex; gap: .8rem;
      align-items: baseline; list-style: none; }
    .sample summary::-webkit-details-marker { display: none; }
    .sample summary::after { content: "+"; margin-left: auto; color: var(--soft);
      font-weight: 500; }
    .sample[open] summary::after { content: "–"; }
    .sample summary b { font-weight: 600; font-size: .9375rem; white-space: nowrap; }
    .sample summary span { color: var(--soft); font-size: .8125rem; overflow: hidden;
      text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
    .sample summary:focus-visible { outline: 2px solid var(--train); border-radius: .75rem; }
    .sample pre { padding: .2rem 1.1rem 1.1rem; white-space: pre-wrap; overflow-wrap: anywhere;
      font: .9rem/1.6 ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas,
        "DejaVu Sans Mono", monospace; }
    .sample pre mark { background: none; color: var(--soft); }
    .tables { display: grid; grid-template-columns: repeat(2, 1fr); gap: .75rem;
      align-items: start; }
    .table { padding: .9rem 1.1rem; }
    .table.wide { grid-column: 1 / -1; }
    .table.wide dl { columns: 3 15rem; column-gap: 2.5rem; }
    .table h3 { margin-bottom: .5rem; }
    .table dl > div { display: flex; justify-content: space-between; gap: 1rem;
      padding: .3rem 0; border-top: 1px solid var(--line); font-size: .875rem;
      break-inside: avoid; }
    .table dt { color: var(--soft); }
    .table dd { text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
    .table code, .table.wide dl { font-family: ui-monospace, "SF Mono", Menlo, Consolas,
      "DejaVu Sans Mono", monospace; }
    .table.wide dl > div { font-size: .8125rem; }
    footer { margin-top: 3rem; color: var(--soft); font-size: .8125rem; }
    @media (max-width: 44rem) {
      .charts, .tables { grid-template-columns: minmax(0, 1fr); }
      .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
      .figures dd { font-size: 1.35rem; }
    }
    @media print { body { max-width: none; padding: 0; } .chart, .sample { break-inside: avoid; } }
    """

  static let script = """
    for (const plot of document.querySelectorAll(".plot")) {
      const series = JSON.parse(plot.querySelector("script").textContent);
      const last = Number(plot.dataset.last), cross = document.createElement("div");
      const readout = document.createElement("div");
      cross.className = "cross"; readout.className = "readout";
      cross.hidden = readout.hidden = true;
      plot.append(cross, readout);
      plot.addEventListener("pointermove", event => {
        const box = plot.getBoundingClientRect();
        const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        const step = share * last;
        const near = points => points.reduce((a, b) =>
          Math.abs(b[0] - step) < Math.abs(a[0] - step) ? b : a);
        const rows = series.filter(s => s.points.length).map(s => [s.name, near(s.points)]);
        if (!rows.length) return;
        readout.replaceChildren(...["step " + rows[0][1][0].toLocaleString("en"),
          ...rows.map(([name, point]) => name + " " + point[1])].map(text => {
            const line = document.createElement("div"); line.textContent = text; return line; }));
        cross.hidden = readout.hidden = false;
        cross.style.left = share * 100 + "%";
        readout.style.left = share < .5 ? "calc(" + share * 100 + "% + .6rem)" : "auto";
        readout.style.right = share < .5 ? "auto" : "calc(" + (1 - share) * 100 + "% + .6rem)";
      });
      plot.addEventListener("pointerleave", () => { cross.hidden = readout.hidden = true; });
    }
    """
}
