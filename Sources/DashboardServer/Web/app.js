// The page: filters and tabs above, widgets below. The expanded view is a page in the page, with a state of its own.
import { get, report, refresh, dashboardPath, marksPath, follow, steer } from "./api.js";
import { presets, kinds, readState, writeState, settle } from "./state.js";
import { element, info, number, credits, render, widgetsOf, widgets } from "./widgets.js";

const byId = (id) => document.getElementById(id);
const state = readState();
let runs = [];

// Runs of one name are told apart by the beginning of their identifiers.
const title = (run) => (runs.some((other) => other !== run && other.name === run.name) ? `${run.name} (${run.id.slice(0, 8)})` : run.name);

function option(value, label, selected) { return element("option", { value, selected }, label); }

function select(label, options, value, onchange, all) {
  const list = element("select", { onchange: (event) => onchange(event.target.value), "aria-label": label });
  if (all) list.append(option("", all, !value));
  for (const [key, text] of options) list.append(option(key, text, key === value));
  return element("label", {}, `${label} `, list);
}

// Timeline and model filters, of the main page or of an expanded widget.
function filters(target, view, context, change) {
  const { account, models } = context;
  const custom = /^\d{4}-/.test(view.period) ? view.period.split("..") : [];
  const day = (label, index) => {
    const input = element("input", {
      type: "date", min: account.earliest, max: account.today, value: custom[index] || custom[0] || "", "aria-label": label,
      onchange: () => {
        const [first, last] = [...target.querySelectorAll("input[type=date]")].map((entry) => entry.value);
        const from = first || last, to = last || first;
        if (!from) return;
        const [a, b] = index === 0 && to < from ? [from, from] : index === 1 && to < from ? [to, to] : [from, to];
        if (a >= account.earliest && b <= account.today) change({ period: a === b ? a : `${a}..${b}` });
      },
    });
    return element("label", {}, `${label} `, input);
  };
  const buttons = presets.map(([period, label]) => element("button", { type: "button", "aria-pressed": String(view.period === period), onclick: () => change({ period }) }, label));
  const parts = [element("div", { className: "presets", role: "group", "aria-label": "Period" }, ...buttons), day("From", 0), day("To", 1)];
  if (view.kind === "external") {
    const providers = [...new Set(models.map((model) => model.provider))].filter(Boolean);
    parts.push(select("Provider", providers.map((name) => [name, name]), view.provider, (provider) => change({ provider }), "All providers"));
  } else {
    // Models of one name deployed at different times are entries of their own.
    const entries = [];
    const names = new Set(models.map((model) => model.name));
    for (const name of names) {
      const alike = models.filter((model) => model.name === name);
      entries.push([JSON.stringify([name, ""]), alike.length > 1 ? `${name} (all)` : name]);
      if (alike.length > 1) for (const model of alike) if (model.deployedAt.length) entries.push([JSON.stringify([name, model.deployedAt[0]]), `${name} (deployed ${model.deployedAt[0].slice(0, 16).replace("T", " ")} UTC)`]);
    }
    parts.push(select("Model", entries, view.model ? JSON.stringify([view.model, view.deployedAt]) : "", (value) => {
      const [model, deployedAt] = value ? JSON.parse(value) : ["", ""];
      change({ model, deployedAt, version: "" });
    }, "All models"));
    const chosen = models.filter((model) => (!view.model || model.name === view.model) && (!view.deployedAt || model.deployedAt.includes(view.deployedAt)));
    const versions = [...new Set(chosen.flatMap((model) => model.versions))];
    parts.push(select("Version", versions.map((name) => [name, name]), view.version, (version) => change({ version }), versions.length ? "All versions" : "–"));
  }
  target.replaceChildren(...parts);
}

async function answers(view) {
  const one = (run, mine) => Promise.all([get(dashboardPath(run, mine)), get(marksPath(run, mine.account))]);
  const list = [await one(view.run, view)];
  const other = runs.find((run) => run.id === view.other);
  if (other) {
    // The other run has the same account, or its own first.
    const account = other.accounts.find((entry) => entry.account === view.account) || other.accounts[0];
    list.push([...(await one(other.id, { ...view, account: account.account })), `${other.name} (${other.id.slice(0, 8)})`]);
  }
  return list;
}

const cards = [
  ["deploymentCredits", "credits consumed in deployment", credits, "Replica time of all deployments of the account in the period, times the price of their hardware. 1 credit is 1 US dollar."],
  ["fineTuningCredits", "credits consumed in fine-tuning", credits, "Fine-tuning jobs of the account, charged evenly over their duration; what lies in the period."],
  ["deployedModels", "deployed models", number, "Different models, of every kind, that were deployed at some moment of the period."],
  ["fineTunedModels", "fine-tuned models", number, "Different models with a fine-tuning job that succeeded in the period."],
];

let turn = 0;
const turns = new Map();
async function show(target, view, list, onExpand, onData) {
  const mine = ++turn;
  turns.set(target, mine);
  target.setAttribute("aria-busy", "true");
  try {
    const found = await answers(view);
    if (mine !== turns.get(target)) return;  // A newer question was asked meanwhile.
    byId("message").hidden = true;
    const boxes = list.map((kind) => render(kind, found, view, onExpand));
    for (const box of target.children) box.clear?.();
    target.replaceChildren(...boxes);
    onData?.(found[0][0]);
    await Promise.all(boxes.map((box) => box.draw?.()));
  } catch (error) {
    if (mine !== turns.get(target)) return;
    if (error.isReplaced) {
      byId("expanded").close();
      return await load();
    }
    say(error.message);
  } finally {
    if (mine === turns.get(target)) {
      target.setAttribute("aria-busy", "false");
      document.body.dataset.shown = String(mine);
    }
  }
}

function say(text) {
  byId("message").textContent = text;
  byId("message").hidden = false;
}

async function main(change = {}) {
  Object.assign(state, change);
  const context = settle(state, runs);
  writeState(state);
  byId("run").replaceChildren(...runs.map((run) => option(run.id, title(run), run.id === state.run)));
  byId("account").replaceChildren(...context.run.accounts.map((entry) => option(entry.account, entry.account, entry.account === state.account)));
  byId("account-label").hidden = context.run.accounts.length < 2;
  byId("other").replaceChildren(option("", "nothing", !state.other), ...runs.filter((run) => run.id !== state.run).map((run) => option(run.id, title(run), run.id === state.other)));
  byId("other").parentElement.hidden = runs.length < 2;
  byId("now").textContent = `${context.run.name}: now is ${context.run.now}, ${context.account.timeZone}.`;
  filters(byId("filters"), state, context, main);
  const tabs = byId("tabs");
  if (!tabs.children.length) for (const [kind, label] of kinds) tabs.append(element("button", { type: "button", role: "tab", id: `tab-${kind}`, "aria-controls": "widgets", onclick: () => main({ kind, model: "", deployedAt: "", version: "", provider: "" }) }, label));
  for (const tab of tabs.children) {
    tab.setAttribute("aria-selected", String(tab.id === `tab-${state.kind}`));
    tab.tabIndex = tab.id === `tab-${state.kind}` ? 0 : -1;
  }
  const view = { ...state, toggle: (name) => main({ [name]: state[name] ? "" : "1" }) };
  await show(byId("widgets"), view, widgetsOf(state.kind), (kind) => expand(kind, context), (data) => {
    byId("cards").replaceChildren(...cards.map(([key, label, format, tip]) => element("li", { id: `card-${key}` }, element("strong", {}, format(data.account[key])), element("span", {}, label), " ", info(tip))));
  });
}

// The expanded widget starts with the main page's filters and then goes its own way.
function expand(kind, context) {
  const dialog = byId("expanded");
  const view = { ...state, prefix: "expanded-" };
  byId("expanded-title").textContent = widgets[kind].title;
  const update = (change = {}) => {
    Object.assign(view, change, { toggle: (name) => update({ [name]: view[name] ? "" : "1" }) });
    filters(byId("expanded-filters"), view, context, update);
    return show(byId("expanded-widget"), view, [kind], null);
  };
  dialog.showModal();
  update();
}

byId("close").addEventListener("click", () => byId("expanded").close());
byId("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...byId("tabs").children];
  const next = tabs[(tabs.findIndex((tab) => tab.tabIndex === 0) + step + tabs.length) % tabs.length];
  next.click();
  next.focus();
});
for (const id of ["run", "other", "account"]) byId(id).addEventListener("change", (event) => main({ [id]: event.target.value }));
byId("refresh").addEventListener("click", async () => {
  try {
    await refresh();
    await load();
  } catch (error) {
    say(error.message);
  }
});
byId("theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  try { localStorage.theme = document.documentElement.dataset.theme; } catch { /* Not kept where nothing may be kept. */ }
  main();
});
try { if (localStorage.theme) document.documentElement.dataset.theme = localStorage.theme; } catch { /* The same. */ }

async function load() {
  runs = await get("api/runs", true);
  const missing = report ? [] : await get("api/unreadable");
  byId("unreadable").replaceChildren(...missing.map(({ name, reason }) => element("p", {}, `${name} is not shown. ${reason}`)));
  if (!runs.length) return say("There are no runs to show.");
  await main();
}

// Once: every call would follow the live run once more.
async function start() {
  await load();
  if (!runs.some((run) => run.live)) return;
  byId("live").hidden = false;
  let shown = "", busy = false;
  follow(async (status) => {
    byId("pause").textContent = status.ended ? "Ended" : status.paused ? "Go on" : "Pause";
    byId("pause").disabled = status.ended;
    if (document.activeElement !== byId("speed")) byId("speed").value = status.speed;
    if (busy || status.now === shown || state.run !== "live") return;
    [busy, shown] = [true, status.now];
    try {
      await load();
    } catch (error) {
      say(error.message);
    } finally {
      busy = false;
    }
  });
}
byId("pause").addEventListener("click", () => steer({ paused: byId("pause").textContent === "Pause" }));
byId("speed").addEventListener("change", (event) => steer({ speed: event.target.value }));
// A module runs when the document has been parsed.
start().catch((error) => say(error.message));
