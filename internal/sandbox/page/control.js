// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// What the page asks of the sandbox, and what it tells it to do: the clock, faults, and what happens to a store.

import { element, find, keyed, mark, Table, write } from "./dom.js";

const base = "/__sandbox/";
const token = find("meta[name=sandbox-control]").content;

export async function ask(path) {
  const answer = await fetch(base + path);
  if (!answer.ok) throw new Error(await reason(answer));
  return answer.json();
}

async function reason(answer) {
  try {
    const body = await answer.json();
    return body.error ?? body.message;
  } catch {
    return `${answer.status} ${answer.statusText}`;
  }
}

// tell is true when the sandbox has done it; else the page says why not.
export async function tell(method, path, body) {
  const trouble = find("#trouble");
  try {
    const answer = await fetch(base + path, {
      method,
      headers: { "Content-Type": "application/json", "X-Sandbox-Control": token },
      body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await reason(answer));
    trouble.hidden = true;
    return true;
  } catch (error) {
    trouble.hidden = false;
    write(trouble, `Not done: ${error.message}`);
    return false;
  }
}

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => tell("POST", "clock", { advance: button.dataset.advance }));
}

const orders = { method: "POST", path: "/apps/*/addons" };
const presets = [
  ["Every request is answered with 503", {}, { status: 503 }],
  ["Reads are answered with 429, Retry-After: 1", { method: "GET" }, { status: 429, headers: { "Retry-After": "1" } }],
  ["Every answer takes 3 s", {}, { delay: "3s" }],
  ["The answer to the next order of a store is lost", { ...orders, times: 1 }, { commit: true, reset: true }],
  ["New stores stay in provisioning", orders, { provisioning: "stuck" }],
  ["New stores fail", orders, { provisioning: "fail" }],
  ["New spaces stay in allocating", { method: "POST", path: "/spaces" }, { provisioning: "stuck" }],
  ["Changes of plan do not finish", { method: "PATCH", path: "/apps/*/addons/*" }, { plan_change: "stuck" }],
  ["The next fork lacks a tenth of the keys", { ...orders, times: 1 }, { fork: "incomplete" }],
  ["Answers have unknown members and states", {}, { unknown_fields: true, unknown_enum: true }],
].map(([label, match, effect], i) => ({ id: `preset-${i}`, label, match, do: effect }));

// canonical is the same text for the same fault.
const canonical = (value) =>
  value !== null && typeof value === "object"
    ? `{${Object.keys(value).sort().map((key) => `${key}:${canonical(value[key])}`).join()}}`
    : JSON.stringify(value);
const same = (a, b) => canonical([a.match, a.do]) === canonical([b.match, b.do]);

let active = [];
const faults = new Table(find("#faults"), "fault", 3, (tr, fault) => {
  write(tr.cells[0], `${JSON.stringify(fault.match)} → ${JSON.stringify(fault.do)}`);
  write(tr.cells[1], fault.struck);
  if (!tr.cells[2].firstChild) {
    const off = element("button", { type: "button", "aria-label": `Switch ${fault.id} off` }, "Off");
    off.addEventListener("click", () => tell("DELETE", `faults/${fault.id}`));
    tr.cells[2].append(off);
  }
});

function makePreset(preset) {
  const box = element("input", { type: "checkbox", role: "switch", id: preset.id });
  box.addEventListener("change", async () => {
    const done = box.checked
      ? await tell("POST", "faults", { match: preset.match, do: preset.do })
      : (await Promise.all(active.filter((f) => same(f, preset)).map((f) => tell("DELETE", `faults/${f.id}`)))).every(Boolean);
    if (!done) showFaults(active); // the switch goes back
  });
  return element("li", {}, box, " ", element("label", { for: preset.id }, preset.label));
}

export function showFaults(list) {
  active = list;
  keyed(find("#presets"), presets, (preset) => preset.id, makePreset, (li, preset) => {
    li.firstChild.checked = active.some((fault) => same(fault, preset));
  });
  faults.show(active, active.length);
}

find("#fault-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tell("POST", "faults", find("#fault-json").value);
});

// hasStandby: the time is zero where the plan has none.
export const hasStandby = (store) => !store.standby_at.startsWith("0001");

const actions = [
  ["failover", "Fail over", hasStandby],
  ["standby", "Freeze standby", hasStandby],
  ["restart", "Restart", () => true],
  ["maintenances", "Require maintenance", (store) => store.window !== ""],
];

// storeMenu has what can be done with a store; what its plan does not have is left out.
export function storeMenu(addOn) {
  const menu = element("details", { class: "menu" }, element("summary", { "aria-label": `Actions for ${addOn.name}` }, "Actions"));
  for (const [path, label] of actions) {
    const button = element("button", { type: "button", "aria-label": `${label}: ${addOn.name}` }, label);
    button.addEventListener("click", async () => {
      if (await tell("POST", path, path === "maintenances" ? { store: addOn.id, in: "336h" } : { store: addOn.id })) menu.open = false;
    });
    menu.append(button);
  }
  return menu;
}

export function fillMenu(menu, addOn) {
  const usable = addOn.state === "provisioned";
  [...menu.querySelectorAll("button")].forEach((button, i) => {
    mark(button, "aria-label", `${actions[i][1]}: ${addOn.name}`);
    button.hidden = !actions[i][2](addOn.store);
    button.disabled = !usable;
  });
  mark(menu.firstChild, "aria-label", `Actions for ${addOn.name}`);
}
