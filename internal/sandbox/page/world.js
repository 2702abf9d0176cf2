// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// What there is: the tables and the diagram, and what is said of a change.

import { ask, fillMenu, hasStandby, showFaults, storeMenu } from "./control.js";
import { draw, tone } from "./diagram.js";
import { bytes, count, element, find, flash, mark, moment, number, span, Table, write } from "./dom.js";
import { learn } from "./journal.js";

let world = null;
let now = () => 0; // on the sandbox's clock

const filter = find("#filter");
filter.addEventListener("input", () => world && render());

// badge of a state, with what is going to happen next.
function badge(cell, text, state, next) {
  if (!cell.firstChild) {
    cell.append(element("span", { class: "badge" }), " ", element("span", { class: "next" }), element("p", { class: "note" }));
  }
  if (cell.firstChild.textContent !== text && cell.firstChild.textContent !== "") flash(cell);
  write(cell.firstChild, text);
  mark(cell.firstChild, "data-state", state);
  write(find(".next", cell), next ? after(next) : "");
}

function after(next) {
  if (next.held_by) return `${next.kind}: held by ${next.held_by}`;
  const left = Date.parse(next.due) - now();
  return left > 0 ? `${next.kind} in ${span(left)}` : `${next.kind} is due`;
}

const soon = (next) => (next && next.kind !== "maintenance due" ? next : null);

function chips(cell, names) {
  const text = names.join(" ");
  if (cell.dataset.names === text) return;
  cell.dataset.names = text;
  cell.replaceChildren(...names.flatMap((name) => [element("code", { class: "chip" }, name), " "]));
}

function memory(cell, { limit, usage }) {
  if (!usage || usage.asleep || usage.memory === 0) {
    const of = `${bytes(limit)}`;
    if (!cell.firstElementChild) return write(cell, usage?.asleep ? `0 of ${of}` : `– of ${of}`);
    cell.replaceChildren();
    return memory(cell, { limit, usage });
  }
  if (!cell.firstElementChild) cell.replaceChildren(element("span"), " ", element("meter", { min: 0 }));
  write(cell.firstElementChild, `${bytes(usage.memory)} of ${bytes(limit)}`);
  const meter = cell.lastElementChild;
  mark(meter, "max", limit);
  mark(meter, "high", limit * 0.8);
  mark(meter, "value", usage.memory);
  mark(meter, "aria-label", "Memory used");
}

const stores = new Table(find("#stores"), "store", 6, (tr, addOn) => {
  const [name, state, plan, keys, used, menu] = tr.cells;
  if (!name.textContent) flash(tr);
  write(name, addOn.name);
  const store = addOn.store;
  badge(state, store ? store.status : addOn.state, tone(addOn), soon(addOn.next));
  write(plan, store ? `${addOn.plan}, ${store.version}` : `${addOn.service}: ${addOn.plan}`);
  if (!store) return;
  const usage = store.usage;
  write(keys, usage ? (usage.asleep ? "0, not used yet" : number(usage.keys)) : "–");
  memory(used, store);
  const ready = Date.parse(store.standby_at) <= now();
  const standby = !hasStandby(store) ? "none" : store.frozen ? "frozen" : ready && addOn.state === "provisioned" ? "ready" : "preparing";
  const due = addOn.next?.kind === "maintenance due" ? `, ${after(addOn.next).replace("maintenance due", "runs")}` : "";
  const care = store.window ? `; maintenance ${store.maintenance}${due}; window ${store.window}` : "";
  write(find(".note", state), `Standby ${standby}${care}`);
  if (!menu.firstChild) menu.append(storeMenu(addOn));
  fillMenu(menu.firstChild, addOn);
});

const apps = new Table(find("#apps"), "app", 6, (tr, app) => {
  const [name, team, place, dynos, release, vars] = tr.cells;
  if (!name.textContent) flash(tr);
  write(name, app.name);
  write(team, app.team || "–");
  write(place, app.space || `Common Runtime, ${app.region}`);
  write(dynos, `${app.processes.join(", ") || "none"}${app.maintenance ? "; maintenance mode" : ""}`);
  write(release, `v${app.release}`);
  chips(vars, app.config_vars);
});

const spaces = new Table(find("#spaces"), "space", 6, (tr, space) => {
  const [name, state, team, region, networks, ranges] = tr.cells;
  if (!name.textContent) flash(tr);
  write(name, `${space.name}${space.shield ? " (Shield)" : ""}`);
  badge(state, space.state, space.state === "allocated" ? "ready" : space.state === "deleting" ? "bad" : "busy", space.next);
  write(team, space.team);
  write(region, space.region);
  write(networks, `${space.cidr}, data ${space.data_cidr}`);
  write(ranges, `${space.ranges.join(", ") || "none"}${space.applied ? "" : " (not in force yet)"}`);
});

const attachments = new Table(find("#attachments"), "attachment", 4, (tr, at) => {
  write(tr.cells[0], at.appName);
  write(tr.cells[1], at.name);
  write(tr.cells[2], at.config_var);
  write(tr.cells[3], at.addOnName);
});

const billed = new Table(find("#billed-objects"), "object", 5, (tr, entry) => {
  write(tr.cells[0], entry.name);
  write(tr.cells[1], entry.plan || entry.kind);
  write(tr.cells[2], entry.app || "–");
  write(tr.cells[3], moment(entry.created_at));
  write(tr.cells[4], entry.destroyed_at ? moment(entry.destroyed_at) : "exists");
});

async function showLedger() {
  const { objects } = await ask("ledger");
  billed.show(objects.reverse(), objects.length);
}
find("#billed-objects").addEventListener("toggle", (event) => event.target.open && showLedger());

// show a world that was read at a time on the sandbox's clock; it returns what has changed since the last one.
export function show(next, clock) {
  const said = world ? differences(world, next) : [];
  world = next;
  now = clock;
  render();
  flash.on = true;
  if (find("#billed-objects").open) showLedger();
  return said;
}

// render without another world: the time has gone on, or somebody has typed.
export function render() {
  if (!world) return;
  const typed = filter.value.trim().toLowerCase();
  const has = (...texts) => typed === "" || texts.some((text) => text.toLowerCase().includes(typed));
  const nameOf = new Map([...world.apps, ...world.add_ons].map((it) => [it.id, it.name]));
  const attached = world.attachments.map((at) => ({ ...at, appName: nameOf.get(at.app), addOnName: nameOf.get(at.add_on) }))
    .filter((at) => has(at.appName, at.addOnName, at.name));
  const near = new Set(attached.flatMap((at) => [at.app, at.add_on])); // what is attached to it is shown too
  const theApps = world.apps.filter((app) => near.has(app.id) || has(app.name, app.space, app.team));
  const theAddOns = world.add_ons.filter((addOn) => near.has(addOn.id) || has(addOn.name));
  const theSpaces = world.spaces.filter((space) => has(space.name));

  write(find("#counts"), `${count(world.apps, "app")}, ${count(world.add_ons, "store")}, ${count(world.attachments, "attachment")}, ` +
    `${count(world.spaces, "space")}, ${count(world.teams, "team")}`);
  draw(theApps, theAddOns, attached);
  attachments.show(attached, world.attachments.length);
  stores.show(theAddOns, world.add_ons.length);
  apps.show(theApps, world.apps.length);
  spaces.show(theSpaces, world.spaces.length);
  write(find("#teams"), `Teams: ${world.teams.map((team) => `${team.name} (${team.members} members)`).join(", ")}`);
  write(find("#engine"), `${world.engine} behind each store`);
  const { created, destroyed, living } = world.ledger;
  for (const [id, name] of nameOf) learn(id, name);
  for (const space of world.spaces) learn(space.id, space.name);
  write(find("#billed"), `${number(created)} created, ${number(destroyed)} destroyed, ${number(living)} still billed`);
  showFaults(world.faults);
}

// waits says that something shown becomes another text as time goes on.
export const waits = () => world !== null && [...world.add_ons, ...world.spaces].some((it) => it.next);

// differences between two worlds, in sentences.
function differences(before, after) {
  const said = [];
  const compare = (old, present, noun, state) => {
    const known = new Map(old.map((it) => [it.id, it]));
    for (const it of present) {
      const former = known.get(it.id);
      known.delete(it.id);
      if (!former) said.push(`New ${noun} ${it.name}${state(it) ? `: ${state(it)}` : ""}`);
      else if (state(former) !== state(it)) said.push(`${it.name}: ${state(it)}`);
    }
    for (const gone of known.values()) said.push(`${noun[0].toUpperCase()}${noun.slice(1)} ${gone.name} is gone`);
  };
  compare(before.spaces, after.spaces, "space", (space) => space.state);
  compare(before.apps, after.apps, "app", (app) => (app.maintenance ? "maintenance mode" : ""));
  compare(before.add_ons, after.add_ons, "store", (addOn) => `${addOn.plan}, ${addOn.store ? addOn.store.status : addOn.state}`);
  compare(before.faults.map(nameFault), after.faults.map(nameFault), "fault", () => "");
  return said;
}

const nameFault = (fault) => ({ id: fault.id, name: fault.id });
