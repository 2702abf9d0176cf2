// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// The attachments as lines between apps and stores. The table below it has the same as text.

import { count, find, mark, number, write } from "./dom.js";

const most = 24; // of each kind
const height = 46;
const gap = 12;

const svg = (name, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const holder = find("#diagram");
const note = find("#diagram-note");
let drawn = "";
let last;

new ResizeObserver(() => last && draw(...last)).observe(holder);

// draw has apps with what they are attached to first, so that lines are short.
export function draw(apps, addOns, attachments) {
  last = [apps, addOns, attachments];
  const attached = new Set(attachments.map((at) => at.app));
  apps = [...apps].sort((a, b) => attached.has(b.id) - attached.has(a.id)).slice(0, most);
  const left = new Map(apps.map((app, i) => [app.id, i]));
  const heart = new Map();
  for (const at of attachments) if (left.has(at.app)) heart.set(at.add_on, [...(heart.get(at.add_on) ?? []), left.get(at.app)]);
  const mean = (id) => (heart.has(id) ? heart.get(id).reduce((a, b) => a + b) / heart.get(id).length : Infinity);
  addOns = [...addOns].sort((a, b) => mean(a.id) - mean(b.id) || 0).slice(0, most);
  const right = new Map(addOns.map((addOn, i) => [addOn.id, i]));
  const lines = attachments.filter((at) => left.has(at.app) && right.has(at.add_on));

  const width = holder.clientWidth;
  const is = JSON.stringify([width, apps.map(subOfApp), addOns.map(subOfAddOn), lines]);
  if (is === drawn) return;
  drawn = is;
  const rows = Math.max(apps.length, addOns.length);
  if (rows === 0 || width === 0) {
    holder.replaceChildren();
    write(note, rows === 0 ? "Nothing is there yet: run terraform apply, and watch." : "");
    return;
  }
  const box = Math.min(250, Math.round(width * 0.38));
  const y = (i) => i * (height + gap);
  const picture = svg("svg", { width, height: y(rows) - gap, viewBox: `0 0 ${width} ${y(rows) - gap}`, role: "img" });
  mark(picture, "aria-label", `${count(apps, "app")} and ${count(addOns, "store")}, with ` +
    `${count(lines, "attachment")} between them; the table below has them as text`);
  for (const at of lines) {
    const [y1, y2] = [y(left.get(at.app)) + end(lines, at, "app"), y(right.get(at.add_on)) + end(lines, at, "add_on")];
    const [x1, x2] = [box, width - box];
    const middle = (x1 + x2) / 2;
    picture.append(svg("path", { d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, class: "line" }));
    if (width > 480) {
      picture.append(svg("text", { x: x1 + 8, y: y1 - 4, class: "label" }, at.name));
    }
  }
  for (const app of apps) picture.append(node(0, y(left.get(app.id)), box, "app", ...subOfApp(app)));
  for (const addOn of addOns) picture.append(node(width - box, y(right.get(addOn.id)), box, "store", ...subOfAddOn(addOn)));
  holder.replaceChildren(picture);
  const [moreApps, moreStores] = [last[0].length - apps.length, last[1].length - addOns.length];
  write(note, moreApps + moreStores > 0
    ? `Not drawn: ${number(moreApps)} more apps and ${number(moreStores)} more stores. Filter to see others.` : "");
}

// end of a line at its app or store: the lines of one are beside each other.
function end(lines, at, side) {
  const all = lines.filter((other) => other[side] === at[side]);
  return height / 2 + (all.indexOf(at) - (all.length - 1) / 2) * Math.min(14, (height - 8) / all.length);
}

const subOfApp = (app) => [app.name, `${app.space ? `in ${app.space}` : "Common Runtime"}${app.maintenance ? ", maintenance mode" : ""}`,
  app.maintenance ? "busy" : "ready"];

const subOfAddOn = (addOn) => [addOn.name, `${addOn.plan} · ${addOn.store ? addOn.store.status : addOn.state}`, tone(addOn)];

// tone of a state: ready, busy or bad.
export function tone(addOn) {
  if (addOn.state === "deprovisioned" || addOn.state === "deprovisioning") return "bad";
  return addOn.state === "provisioned" && (!addOn.store || addOn.store.status === "Available") ? "ready" : "busy";
}

function node(x, y, width, kind, name, sub, state) {
  const fits = (text, size) => (text.length * size > width - 22 ? `${text.slice(0, Math.floor((width - 22) / size) - 1)}…` : text);
  return svg("g", { class: `node ${kind} ${state}`, transform: `translate(${x} ${y})` },
    svg("title", {}, `${name}: ${sub}`),
    svg("rect", { width, height, rx: 7 }),
    svg("rect", { width: 4, height: height - 14, x: 6, y: 7, rx: 2, class: "tone" }),
    svg("text", { x: 17, y: 20, class: "name" }, fits(name, 7.6)),
    svg("text", { x: 17, y: 36, class: "sub" }, fits(sub, 6.4)));
}

