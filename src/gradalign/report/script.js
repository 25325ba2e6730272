"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const chosen = document.getElementById("view");
const parts = [...document.querySelectorAll(".part")];
// Of Okabe & Ito: scores first, then what they are compared with.
const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C8C8C", "#A89400"];

function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function theme() {
  const axis = {
    gridcolor: colourOf("--grid"),
    zerolinecolor: colourOf("--line"),
    linecolor: colourOf("--line"),
  };
  const ink = colourOf("--ink");
  return {
    font: { color: ink, size: 12, family: getComputedStyle(document.body).fontFamily },
    hoverlabel: { bgcolor: colourOf("--raised"), bordercolor: colourOf("--line"), font: { color: ink } },
    xaxis: axis,
    yaxis: axis,
  };
}

function merged(layout, colours) {
  return {
    ...layout,
    ...colours,
    hoverlabel: { ...layout.hoverlabel, ...colours.hoverlabel },
    xaxis: { ...layout.xaxis, ...colours.xaxis },
    yaxis: { ...layout.yaxis, ...colours.yaxis },
  };
}

function draw(element, traces, layout) {
  const config = { displayModeBar: false, responsive: true };
  return Plotly.react(element, traces, merged(layout, theme()), config);
}

// Share of the values that are lower; equal values have the same.
function shares(values) {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const first = new Map();
  sorted.forEach((value, place) => first.has(value) || first.set(value, place));
  return values.map((value) => (value === null ? null : first.get(value) / sorted.length));
}

function drawDots(element, figure) {
  const traces = figure.data.map((trace, k) => {
    const color = colourOf(["--accent", "--contrast"][k]);
    return { ...trace, marker: { ...trace.marker, color }, error_x: { ...trace.error_x, color } };
  });
  draw(element, traces, figure.layout);
}

function drawCurves(element, figure) {
  let used = 0;
  const traces = figure.data.map((trace) => {
    const role = trace.meta;
    const plain = { oracle: "--quiet", random: "--quiet", training: "--ink" }[role];
    const color = plain ? colourOf(plain) : PALETTE[used++ % PALETTE.length];
    return { ...trace, line: { ...trace.line, color } };
  });
  draw(element, traces, figure.layout);
  element.previousElementSibling.replaceChildren(...traces.map(keyOf));
}

// An entry of the legend: a piece of the line, and its name. A legend of plotly's own would take
// the chart's height on a narrow screen.
function keyOf({ name, line }) {
  const entry = document.createElement("span");
  const dash = line.dash === "solid" ? "" : `stroke-dasharray="${line.dash}"`;
  entry.innerHTML = `<svg width="28" height="8"><path d="M0 4H28" stroke="${line.color}" stroke-width="2" ${dash}/></svg>`;
  entry.append(name);
  return entry;
}

// What the points of all charts of a view have in common, by its accuracies.
function heights(view) {
  const unit = view.percent ? " %" : "";
  return {
    y: view.accuracies.map((value) => (value === null || !view.ofErrors ? value : 100 - value)),
    axis: view.axis,
    hover: `<br>accuracy %{customdata:.5~g}${unit}`,
    said: view.accuracies,
  };
}

// Without accuracies: what share of the networks is below.
function distribution(values) {
  const said = shares(values).map((share) => (share === null ? null : 100 * share));
  const axis = { title: { text: "networks below (%)", standoff: 6 }, range: [-3, 103], nticks: 5 };
  return { y: said, axis, hover: "<br>%{customdata:.3~g} % are below", said };
}

function tauText(tau) {
  if (typeof tau !== "number") return "no tau";
  return `tau ${(Math.round(100 * tau) / 100 + 0).toFixed(2)}`; // no -0.00
}

function drawCards(cards, part, number) {
  const view = part.views[number];
  // By rank: a few very large networks would leave all others one colour.
  const color = part.colour === null ? colourOf("--accent") : shares(part.colour);
  part.scatters.forEach((scatter, k) => {
    const { data: [points], layout } = scatter.figure;
    const { y, axis, hover, said } = view.accuracies ? heights(view) : distribution(points.x);
    const trace = {
      ...points,
      y,
      customdata: said,
      text: part.networks,
      marker: { ...points.marker, color, cmin: 0, cmax: 1 },
      hovertemplate: `%{text}<br>score %{x:.5g}${hover}<extra></extra>`,
    };
    draw(cards[k].querySelector(".chart"), [trace], { ...layout, yaxis: { ...layout.yaxis, ...axis } });
    const tau = scatter.tau[number];
    cards[k].querySelector(".tau").textContent = view.accuracies ? tauText(tau) : "";
  });
}

// Charts of sections come finished but for the theme: a trace names its colour by its place in
// PALETTE, so that the same colour stands for the same thing in several charts.
function painted(trace) {
  if (trace.type === "heatmap") return { ...trace, colorscale: diverging() };
  if (typeof trace.meta !== "number") return trace;
  const color = PALETTE[trace.meta % PALETTE.length];
  const own = { ...trace, marker: { color, ...trace.marker }, line: { color, ...trace.line } };
  return trace.error_y ? { ...own, error_y: { color, ...trace.error_y } } : own;
}

// From -1 to 1, the page's own colour at 0.
function diverging() {
  const names = ["--against-full", "--against", "--raised", "--alike", "--alike-full"];
  return names.map((name, k) => [k / 4, colourOf(name)]);
}

function drawFree(element, { data: traces, layout }) {
  const line = { color: colourOf("--quiet"), width: 1 };
  const shapes = (layout.shapes ?? []).map((shape) => ({ ...shape, line: { ...line, ...shape.line } }));
  // A square is no higher than it is wide, its axes and legend aside.
  const square = layout.yaxis?.scaleanchor && element.clientWidth;
  const height = square ? Math.min(layout.height, element.clientWidth + 70) : layout.height;
  draw(element, traces.map(painted), { ...layout, height, shapes });
}

function drawSections() {
  document.querySelectorAll(".chart.free").forEach((element, k) => drawFree(element, data.charts[k]));
}

function show() {
  drawSections();
  if (!data.parts.length) return;
  const [place, number] = chosen.value.split(" ").map(Number);
  const part = data.parts[place];
  const view = part.views[number];
  parts.forEach((element, k) => { element.hidden = k !== place; });
  document.querySelectorAll("[data-view]").forEach((element) => {
    element.hidden = element.dataset.view !== chosen.value;
  });
  const elements = [...parts[place].querySelectorAll(".view")];
  elements.forEach((element, k) => { element.hidden = k !== number; });
  const heading = parts[place].querySelector("h2.scatters");
  if (heading) {
    heading.textContent = view.accuracies ? "Score against accuracy" : "How each score is distributed";
  }
  if (view.dots) drawDots(elements[number].querySelector(".dots"), view.dots);
  if (view.curves) drawCurves(elements[number].querySelector(".curves"), view.curves);
  drawCards([...parts[place].querySelectorAll(".card")], part, number);
}

function sortBy(table, column) {
  const head = table.tHead.rows[0].cells[column];
  const numeric = head.classList.contains("number");
  const before = head.getAttribute("aria-sort");
  const order = before === null ? (numeric ? "descending" : "ascending")
    : before === "descending" ? "ascending" : "descending";
  const sign = order === "ascending" ? 1 : -1;
  const key = (row) => row.cells[column].dataset.key;
  const compare = (a, b) => {
    if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
    return sign * (numeric ? key(a) - key(b) : key(a).localeCompare(key(b)));
  };
  [...table.tHead.rows[0].cells].forEach((cell) => cell.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
}

document.querySelectorAll("table.sortable").forEach((table) => {
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    cell.querySelector("button").addEventListener("click", () => sortBy(table, column));
  });
});
chosen.addEventListener("change", show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
show();
