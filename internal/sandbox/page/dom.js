// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// What the page is built with. Everything that comes from the sandbox goes in as text: nothing here makes markup of it, and the page's
// Content-Security-Policy refuses what would.

const still = matchMedia("(prefers-reduced-motion: reduce)");

export const find = (selector, within = document) => within.querySelector(selector);

// element("td", {class: "number"}, "text", child)
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// write leaves a text alone that is there already: what somebody selects stays selected.
export function write(node, text) {
  text = String(text);
  if (node.textContent !== text) node.textContent = text;
}

export function mark(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// flash what has changed while the page was looked at: until then nothing is new.
export function flash(node) {
  if (flash.on && !still.matches) node.animate([{ backgroundColor: "#8f7bea66" }, { backgroundColor: "transparent" }], { duration: 1600 });
}

// keyed makes the children of a parent those of the items, by their key. One that stays is the same element, and keeps the focus.
export function keyed(parent, items, key, make, fill) {
  parent.known ??= new Map();
  const wanted = new Set(items.map(key));
  for (const [id, child] of parent.known) {
    if (!wanted.has(id)) {
      child.remove();
      parent.known.delete(id);
    }
  }
  let at = parent.firstElementChild;
  for (const item of items) {
    let child = parent.known.get(key(item));
    if (!child) {
      child = make(item);
      parent.known.set(key(item), child);
    }
    fill(child, item);
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

// row makes a table row: its first cell is its heading.
export function row(cells) {
  const made = element("tr");
  for (let i = 0; i < cells; i++) made.append(i === 0 ? element("th", { scope: "row" }) : element("td"));
  return made;
}

export const few = 50;

// table shows the first items of many, and more of them on request.
export class Table {
  constructor(section, noun, columns, fill) {
    this.body = find("tbody", section);
    this.foot = find(".more", section);
    this.noun = noun;
    this.columns = columns;
    this.fill = fill;
    this.limit = few;
    this.text = element("span");
    this.button = element("button", { type: "button", hidden: "" }, `Show ${few} more`);
    this.button.addEventListener("click", () => {
      this.limit += few;
      this.show(this.items, this.all);
    });
    this.foot.append(this.text, " ", this.button);
  }

  // show the items, of so many that there are without a filter.
  show(items, all) {
    this.items = items;
    this.all = all;
    const shown = items.slice(0, this.limit);
    keyed(this.body, shown, (item) => item.id, () => row(this.columns), this.fill);
    this.button.hidden = shown.length === items.length;
    const of = items.length === all ? "" : ` with that name, of ${number(all)}`;
    if (all === 0) write(this.text, `No ${this.noun}s yet.`);
    else if (shown.length < items.length) write(this.text, `${number(shown.length)} of ${count(items, this.noun)}${of}.`);
    else write(this.text, of ? `${count(items, this.noun)}${of}.` : "");
  }
}

// number: 1 000
export const number = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");

// count: "1 store", "1 000 stores"
export const count = (list, noun) => `${number(list.length)} ${noun}${list.length === 1 ? "" : "s"}`;

// bytes: "1.1 MB"
export function bytes(n) {
  const units = ["B", "KB", "MB", "GB"];
  let at = 0;
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024;
    at++;
  }
  return `${n < 10 && at > 0 ? Math.round(n * 10) / 10 : Math.round(n)} ${units[at]}`;
}

// moment: "2026-01-14 09:00:20"
export const moment = (iso) => iso.slice(0, 19).replace("T", " ");

// span of milliseconds: "3 s", "2 h"
export function span(ms) {
  for (const [unit, size] of [["days", 86400e3], ["h", 3600e3], ["min", 60e3]]) {
    if (ms >= 2 * size) return `${Math.round(ms / size)} ${unit}`;
  }
  return `${Math.max(1, Math.round(ms / 1000))} s`;
}
