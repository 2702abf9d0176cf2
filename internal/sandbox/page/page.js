// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

// The page: it listens to the sandbox as long as somebody can see it, and reads the world again when that has changed.

import { ask } from "./control.js";
import { find, mark, moment, write } from "./dom.js";
import { add, reload } from "./journal.js";
import { render, show, waits } from "./world.js";

const live = find("#live");
const clock = find("#now");

let events = null;
let version = 0; // of the world that is shown
let wanted = 0; // of the one that there is
let reading = false;

// now on the sandbox's clock: what it was, and the time that has passed here since.
let now = () => 0;

async function read() {
  if (reading || wanted === version) return;
  reading = true;
  const began = performance.now();
  try {
    const world = await ask("world");
    const [at, then] = [Date.parse(world.now), performance.now()];
    now = world.ticks ? () => at + performance.now() - then : () => at;
    version = world.version;
    wanted = Math.max(wanted, version);
    say(show(world, now));
    tick();
  } catch (error) {
    console.warn(error.message); // and the events say when the sandbox is there again
  }
  // A world that takes long to show is shown less often: what somebody types comes first.
  setTimeout(() => {
    reading = false;
    if (events) read();
  }, Math.max(250, 3 * (performance.now() - began)));
}

function listen() {
  events = new EventSource("/__sandbox/events");
  events.addEventListener("open", () => {
    state("ready", "Live");
    version = 0; // it may be another sandbox
    reload();
  });
  events.addEventListener("error", () => {
    state("bad", "Not connected");
    if (events?.readyState === EventSource.CLOSED) setTimeout(() => events?.readyState === EventSource.CLOSED && listen(), 3000);
  });
  events.addEventListener("journal", (event) => add(JSON.parse(event.data)));
  events.addEventListener("changed", (event) => {
    wanted = JSON.parse(event.data).version;
    read();
  });
}

function state(tone, text) {
  mark(live, "data-state", tone);
  write(live, text);
}

// A page that nobody sees costs nothing.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    events?.close();
    events = null;
    state("waiting", "Paused");
  } else if (!events) {
    listen();
  }
});

// tick shows the time, and what depends on it.
function tick() {
  if (!version) return;
  const text = new Date(now()).toISOString();
  write(clock, moment(text));
  mark(clock, "datetime", text);
}
setInterval(() => {
  tick();
  if (waits()) render();
}, 1000);

// say what has changed, a few sentences at a time: a screen reader is not interrupted more often than it can read.
const sentences = [];
let speaking = false;
function say(more) {
  sentences.push(...more);
  if (speaking || sentences.length === 0) return;
  speaking = true;
  const rest = sentences.length > 4 ? sentences.splice(3).length : 0;
  write(find("#said"), `${sentences.splice(0).join(". ")}${rest ? `, and ${rest} more changes` : ""}.`);
  setTimeout(() => {
    speaking = false;
    say([]);
  }, 2000);
}

if (!document.hidden) listen();
