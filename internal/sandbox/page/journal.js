// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// The journal: the newest lines as they come, or a page of older ones. There are never more lines here than one page has.

import { ask } from "./control.js";
import { element, find, keyed, mark, row, write } from "./dom.js";

const most = 200;
const section = find("#journal");
const body = find("tbody", section);
const foot = find(".more", section);
const filter = find("#journal-filter");
const older = find("#older");
const newest = find("#newest");

let lines = []; // in the order of arrival
let following = true; // new lines are shown
let more = 0; // that have come while older ones are shown

// matches what the sandbox looks for a text in.
const matches = (q) => `${q.method} ${q.path}?${q.query ?? ""} ${q.status} ${q.user_agent} ${q.fault ?? ""}`.toLowerCase()
  .includes(filter.value.trim().toLowerCase());

// names of things by their ids, also of those that are gone: a path with names says more.
const names = new Map();
const mostNames = 5000;

export function learn(id, name) {
  if (names.get(id) === name) return;
  names.set(id, name);
  if (names.size > mostNames) names.delete(names.keys().next().value);
  draw();
}

const readable = (path) => path.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => names.get(id) ?? `${id.slice(0, 8)}…`);

function fill(tr, q) {
  const [time, status, request] = tr.cells;
  write(time, q.time.slice(11, 19));
  mark(time, "title", q.time);
  if (!status.firstChild) status.append(element("span", { class: "badge" }));
  write(status.firstChild, q.status || "…");
  mark(status.firstChild, "data-state", q.status === 0 ? "waiting" : q.status < 400 ? "ready" : q.status < 500 ? "busy" : "bad");
  if (!request.firstChild) request.append(element("code"), " ", element("span", { class: "next" }));
  const path = `${q.path}${q.query ? `?${q.query}` : ""}`;
  write(request.firstChild, `${q.method} ${readable(path)}`);
  mark(request.firstChild, "title", path);
  write(request.lastChild, `${q.fault ? `${q.fault}, ` : ""}${q.user_agent.split(" ")[0]}`);
}

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    keyed(body, [...lines].reverse(), (q) => q.seq, () => row(3), fill);
    newest.disabled = following;
    older.disabled = lines.length === 0 || lines[0].seq === 1;
    const of = filter.value.trim() ? "with that text " : "";
    if (!following) write(foot, `Older requests. ${more} came since: press Newest.`);
    else if (lines.length === 0) write(foot, `No request ${of}yet.`);
    else write(foot, lines.length === most ? `The last ${most} requests ${of}are shown.` : "");
  });
}

async function load(before) {
  const query = new URLSearchParams({ max: most });
  if (before) query.set("before", before);
  if (filter.value.trim()) query.set("contains", filter.value.trim());
  const found = await ask(`journal?${query}`);
  following = !before;
  if (following) more = 0;
  lines = following ? merge(found, lines.filter((q) => found.length === 0 || q.seq > found.at(-1).seq)) : found;
  draw();
}

const merge = (a, b) => [...new Map([...a, ...b].filter(matches).map((q) => [q.seq, q])).values()]
  .sort((x, y) => x.seq - y.seq).slice(-most);

// add what an event says.
export function add({ requests, missed, first }) {
  lines = lines.filter((q) => q.seq >= first);
  if (!following) {
    more += requests.length;
    draw();
  } else if (missed) {
    lines = merge(lines, requests);
    return reload();
  } else {
    lines = merge(lines, requests);
    draw();
  }
}

// reload the newest lines.
export const reload = () => load().catch(() => {}); // the page says by itself that the sandbox is gone

let typing;
filter.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    lines = [];
    reload();
  }, 150);
});
older.addEventListener("click", () => load(lines[0].seq).catch(() => {}));
newest.addEventListener("click", () => {
  lines = [];
  reload();
});
