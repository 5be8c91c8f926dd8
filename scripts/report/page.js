// Draws the charts from the data in the page, and makes tables sort, fold out, copy and download.
// Nothing is fetched: the page works from disk, with the network off.
const embedded = (id) => JSON.parse(document.getElementById(id).textContent);
const table = embedded("data-cells");
const samples = embedded("data-samples");
const specs = embedded("data-specs");
const config = embedded("data-config");
const repros = embedded("data-repros");

const all = table.rows.map((row, id) => ({
  id, ...Object.fromEntries(table.columns.map((name, i) => [name, row[i]])),
}));
const cells = all.filter((cell) => !cell.repeated);
const datasets = {
  cells,
  load: embedded("data-load"),
  samples: cells.flatMap(({ id, strategy, problem }) =>
    samples[id].map((ns, order) => ({ strategy, problem, order, ns }))),
};

// ---- charts ------------------------------------------------------------------------------------
const hidden = new Set();
const views = [];  // { figure, params, view }

function prepared(holder) {
  const spec = structuredClone(specs[holder.dataset.chart]);
  const set = {
    panel: holder.dataset.panel,
    choice: holder.closest("figure").querySelector("select.choice")?.value,
    hidden: [...hidden],
  };
  for (const param of spec.params ?? []) if (set[param.name] !== undefined) param.value = set[param.name];
  spec.datasets = Object.assign({}, spec.datasets, datasets);
  return spec;
}

async function draw(holder) {
  const options = {
    mode: "vega-lite", renderer: "svg", actions: false, config,
    ast: true,  // expressions are interpreted: the page forbids itself eval
    tooltip: { theme: "moebench" },
  };
  try {
    const spec = prepared(holder);
    const { view } = await vegaEmbed(holder, spec, options);
    const params = new Set((spec.params ?? []).map(({ name }) => name));
    views.push({ figure: holder.closest("figure"), params, view });
  } catch (error) {
    holder.textContent = `This chart could not be drawn: ${error.message}`;
  }
}

async function drawAll() {
  for (const holder of document.querySelectorAll("[data-chart]")) await draw(holder);
  document.documentElement.dataset.drawn = "yes";
}

function signal(name, value, figure) {
  for (const entry of views) {
    if (figure && entry.figure !== figure) continue;
    if (entry.params.has(name)) entry.view.signal(name, value).runAsync();
  }
}

for (const select of document.querySelectorAll("select.choice")) {
  select.addEventListener("change", () => signal("choice", select.value, select.closest("figure")));
}

for (const button of document.querySelectorAll(".legend button")) {
  button.addEventListener("click", () => {
    const name = button.dataset.strategy;
    if (!hidden.delete(name)) hidden.add(name);
    for (const twin of document.querySelectorAll(".legend button")) {
      twin.setAttribute("aria-pressed", String(!hidden.has(twin.dataset.strategy)));
    }
    signal("hidden", [...hidden]);
  });
}

// ---- data tables beside the charts -------------------------------------------------------------
function element(tag, text, parent) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text ?? "—";
  parent?.append(made);
  return made;
}

function fill(details) {
  const columns = details.dataset.columns.split(" ");
  const rows = datasets[details.dataset.source];
  const made = element("table");
  const head = element("tr", undefined, element("thead", undefined, made));
  for (const name of columns) element("th", name.replaceAll("_", " "), head).scope = "col";
  const body = element("tbody", undefined, made);
  for (const row of rows) {
    const line = element("tr", undefined, body);
    for (const name of columns) element("td", row[name] === null ? "—" : String(row[name]), line);
  }
  details.querySelector(".scroll").replaceChildren(made);
}

for (const details of document.querySelectorAll("details[data-columns]")) {
  details.addEventListener("toggle", () => fill(details), { once: true });
}

// ---- sorting -----------------------------------------------------------------------------------
function sortBy(button) {
  const head = button.closest("th");
  const body = head.closest("table").tBodies[0];
  const column = [...head.parentNode.children].indexOf(head);
  const down = head.getAttribute("aria-sort") === "ascending";
  const value = (row) => {
    const cell = row.cells[column];
    return cell.dataset.value !== undefined ? Number(cell.dataset.value || "Infinity") : cell.textContent.trim();
  };
  const order = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
  const rows = [...body.rows].map((row) => [value(row), row]);
  rows.sort(([a], [b]) => (a === Infinity || b === Infinity ? order(a, b) || 0 : (down ? -1 : 1) * order(a, b)));
  body.append(...rows.map(([, row]) => row));
  body.closest("table").classList.add("sorted");
  for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button));
}

// ---- copy and download -------------------------------------------------------------------------
async function copy(button) {
  const text = button.dataset.copy ?? repros[Number(button.dataset.repro)];
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", text, document.body);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = "copied";
  setTimeout(() => { button.textContent = before; }, 1200);
}

function save(name, type, text) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function csv() {
  const quote = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [table.columns, ...table.rows].map((row) => row.map(quote).join(",")).join("\n") + "\n";
}

document.addEventListener("click", ({ target }) => {
  if (target.matches("button.copy")) copy(target);
  if (target.matches("#save-csv")) save("moebench-cells.csv", "text/csv", csv());
  if (target.matches("#save-json")) {
    const rows = all.map(({ id, ...cell }) => ({ ...cell, samples: samples[id], repro: repros[id] }));
    save("moebench-cells.json", "application/json", JSON.stringify(rows, null, 1));
  }
});

window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details.print")) details.open = true;
});

drawAll();
