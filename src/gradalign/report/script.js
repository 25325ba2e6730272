"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const chosen = document.getElementById("accuracy");
const cards = [...document.querySelectorAll(".card")];

function theme() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: of("--grid"), zerolinecolor: of("--line"), linecolor: of("--line") };
  return {
    font: { color: of("--ink"), size: 12, family: getComputedStyle(document.body).fontFamily },
    hoverlabel: { bgcolor: of("--raised"), bordercolor: of("--line"), font: { color: of("--ink") } },
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

// By rank: a few very large networks would leave all others one colour.
function ranks(values) {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  return values.map((value) => (value === null ? null : sorted.indexOf(value) / sorted.length));
}

const colours = ranks(data.colour);

function drawScatters() {
  const name = chosen.value;
  const accuracies = data.accuracies[name];
  data.scatters.forEach((scatter, k) => {
    const { data: traces, layout } = scatter.figure;
    const marker = { ...traces[0].marker, color: colours, cmin: 0, cmax: 1 };
    const y = accuracies.map((value) => (value === null ? null : 100 - value));
    const trace = { ...traces[0], y, customdata: accuracies, text: data.networks, marker };
    draw(cards[k].querySelector(".chart"), [trace], layout);
    const tau = scatter.tau[name];
    cards[k].querySelector(".tau").textContent = tau === null ? "no tau" : `tau ${tau.toFixed(2)}`;
  });
}

function drawDots() {
  const style = getComputedStyle(document.documentElement);
  const traces = data.dots.data.map((trace, k) => {
    const color = style.getPropertyValue(["--accent", "--contrast"][k]).trim();
    return { ...trace, marker: { ...trace.marker, color }, error_x: { ...trace.error_x, color } };
  });
  draw(document.getElementById("dots"), traces, data.dots.layout);
}

function drawAll() {
  drawDots();
  drawScatters();
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
chosen.addEventListener("change", drawScatters);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
drawAll();
