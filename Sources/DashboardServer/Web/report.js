// What is seen, as one file that needs nothing else and runs nothing: figures, tables and graphs as they stand, on white,
// without what could be pressed. `workbench report` makes a file in which one can go on filtering.
import { reach } from "./api.js";
import { picture } from "./chart.js";
import { offer, paper, svg } from "./saving.js";

// As large as it was seen, so that its words can be read where it stands: as lines, or as points where lines would take more.
async function drawn({ spec, clientWidth }, title, palette) {
  const width = Math.max(clientWidth, 360), height = 300;
  const lines = svg(title, spec, null, palette, { width, height, head: 0, foot: 0 });
  const plot = picture(spec, palette, width, height);
  // It draws in a microtask of its own.
  await new Promise((go) => setTimeout(go));
  const points = plot.ctx.canvas.toDataURL("image/png");
  plot.destroy();
  const text = btoa(encodeURIComponent(lines).replace(/%(..)/g, (_, code) => String.fromCharCode(parseInt(code, 16))));
  return !spec.heat && text.length < points.length ? `data:image/svg+xml;base64,${text}` : points;
}

/** The file's text. `words`: whose figures they are, and of when. */
async function made(title, words) {
  const style = await (await reach("style.css")).text();
  // Nothing in it loads, and nothing in it runs.
  const page = document.implementation.createHTMLDocument(title);
  const main = document.querySelector("main");
  const copy = page.importNode(main, true);
  const add = (tag, content, more = {}) => Object.assign(page.createElement(tag), { textContent: content, ...more });
  const palette = paper();
  const label = (chart) => chart.getAttribute("aria-label")?.split(",")[0] || "";
  const charts = [...main.querySelectorAll(".chart")], places = [...copy.querySelectorAll(".chart")];
  for (const [index, chart] of charts.entries()) places[index].replaceWith(add("img", "", { src: await drawn(chart, label(chart), palette), alt: label(chart), className: "drawn" }));
  const fields = [...main.querySelectorAll("select, input")];
  for (const [index, field] of [...copy.querySelectorAll("select, input")].entries()) {
    const value = fields[index].selectedOptions?.[0]?.text ?? fields[index].value;
    if (field.type === "range" || field.type === "search" || !value) field.remove();
    else field.replaceWith(add("b", value));
  }
  for (const node of copy.querySelectorAll("[role=tooltip], .info, .tip, .tools, .finder, .presets, #message[hidden], .about")) node.remove();
  // What nobody has opened has nothing in it.
  for (const node of copy.querySelectorAll("details")) if (node.childElementCount < 2) node.remove();
  // What leads somewhere on the page is text here.
  for (const button of copy.querySelectorAll("button")) {
    if (!button.matches(".link, .incident, .legend button, th button")) { button.remove(); continue; }
    const text = add("span", "", { className: button.className });
    if (button.style.cssText) text.style.cssText = button.style.cssText;
    if (button.matches(".incident")) text.title = button.getAttribute("aria-label");
    text.append(...button.childNodes);
    button.replaceWith(text);
  }
  for (const node of copy.querySelectorAll("[tabindex]")) node.removeAttribute("tabindex");
  page.documentElement.lang = "en";
  page.documentElement.dataset.theme = "light";
  page.head.prepend(Object.assign(page.createElement("meta"), { content: "default-src 'none'; style-src 'unsafe-inline'; img-src data:", httpEquiv: "Content-Security-Policy" }));
  page.head.prepend(Object.assign(page.createElement("meta"), { charset: "utf-8" }));
  page.querySelector("meta").setAttribute("charset", "utf-8");
  page.head.append(add("style", `${style}\n.drawn { width: 100%; height: auto; }\n.dock { position: static; max-height: none; }\n.table { max-height: none; }\n.link { color: inherit; }`));
  const head = page.createElement("header");
  head.append(add("h1", title), add("p", words.join(" · ")), add("p", `As it was seen on ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC.`, { className: "note" }));
  page.body.append(head, copy);
  page.body.dataset.shown = "1";
  return `<!doctype html>\n${page.documentElement.outerHTML}\n`;
}

export async function save(title, words) {
  offer(`${title.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 100) || "report"}.html`, "text/html", await made(title, words));
}
