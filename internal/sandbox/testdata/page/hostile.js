// What a page of others tries with a sandbox in the same browser, and what comes of each.
async (sandbox) => {
  const json = { "Content-Type": "application/json" };
  const advance = '{"advance":"1h"}';
  const element = (name, members) => document.body.appendChild(Object.assign(document.createElement(name), members));
  const loads = (name, members) =>
    new Promise((loaded, failed) => element(name, { ...members, onload: loaded, onerror: failed }));
  const read = async (path, options) => (await fetch(sandbox + path, options)).text();
  const opaque = async (path, options) => {
    if ((await fetch(sandbox + path, { mode: "no-cors", ...options })).type === "opaque") throw new Error("nothing to see");
  };
  const tries = {
    "reads the world": () => read("/__sandbox/world"),
    "reads the journal": () => read("/__sandbox/journal"),
    "reads the page": () => read("/", { headers: { Accept: "text/html" } }),
    "reads with cookies": () => read("/__sandbox/world", { credentials: "include" }),
    "reads without asking": () => opaque("/__sandbox/world"),
    listens: () =>
      new Promise((heard, failed) => Object.assign(new EventSource(`${sandbox}/__sandbox/events`), { onopen: heard, onerror: failed })),
    "takes a script": () => loads("script", { type: "module", src: `${sandbox}/__sandbox/page/page.js` }),
    "takes a style": () => loads("link", { rel: "stylesheet", href: `${sandbox}/__sandbox/page/page.css` }),
    "takes an image": () => loads("img", { src: `${sandbox}/__sandbox/page/icon.svg` }),
    "advances the clock": () => read("/__sandbox/clock", { method: "POST", headers: json, body: advance }),
    "guesses a token": () => read("/__sandbox/clock", { method: "POST", headers: { ...json, "X-Sandbox-Control": "x" }, body: advance }),
    "advances the clock without asking": () => opaque("/__sandbox/clock", { method: "POST", body: advance }),
    "clears the journal": () => read("/__sandbox/journal", { method: "DELETE" }),
    "has it in a frame": async () => {
      const frame = element("iframe", { name: "frame", src: `${sandbox}/` });
      await new Promise((done) => Object.assign(frame, { onload: done, onerror: done }));
      if (!frames.frame.document?.querySelector("#live")) throw new Error("nothing to see");
    },
    "sends a form": async () => {
      const form = element("form", { method: "POST", enctype: "text/plain", target: "frame", action: `${sandbox}/__sandbox/clock` });
      form.append(Object.assign(document.createElement("input"), { name: '{"advance":"1h","x":"', value: '"}' }));
      const sent = new Promise((done) => Object.assign(document.querySelector("iframe"), { onload: done }));
      form.submit();
      await sent;
      throw new Error("nobody can see what came of it");
    },
  };
  navigator.sendBeacon(`${sandbox}/__sandbox/clock`, advance);
  const results = {};
  for (const [name, attempt] of Object.entries(tries)) {
    results[name] = await attempt().then(() => "done", () => "refused");
  }
  return results;
}
