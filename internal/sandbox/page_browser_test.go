// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/browser"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// TestPage uses the page in a real browser.
func TestPage(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, story := range map[string]func(*testing.T, *browser.Browser){
		"requests of others appear while they happen":    pageFollows,
		"the clock is advanced, a fault strikes":         pageControls,
		"a store fails over and gets a maintenance":      pageFailsOver,
		"no secret is in it":                             pageKeepsSecrets,
		"names are text":                                 pageShowsText,
		"by keyboard only":                               pageByKeyboard,
		"a screen reader gets it":                        pageIsAccessible,
		"400 pixels, light and dark":                     pageIsNarrow,
		"a hostile page in the same browser":             pageIsNotForOthers,
		"a sandbox that stops, and one that starts anew": pageReconnects,
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			story(t, b)
		})
	}
}

// openPage opens the page of a sandbox, and returns when it shows the world.
func openPage(t *testing.T, b *browser.Browser, w world) *browser.Page {
	t.Helper()
	p := b.Open(t, w.URL()+"/")
	p.Shows("#live", "Live")
	p.Shows("#counts", "team")
	return p
}

// script returns a script of testdata/page.
func script(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/page/" + name + ".js")
	must(t, err)
	_, text, _ = bytes.Cut(text, []byte("\n")) // the first line is a comment
	return string(bytes.TrimSpace(text))
}

// saysNoError fails the test if the page has logged an error, or has violated its own Content-Security-Policy.
func saysNoError(t *testing.T, p *browser.Page) {
	t.Helper()
	if errors := p.Errors(); len(errors) > 0 {
		t.Errorf("the page says %q", errors)
	}
}

func pageFollows(t *testing.T, b *browser.Browser) {
	w := start(t)
	p := openPage(t, b, w)
	p.Shows("#counts", "0 apps, 0 stores")
	p.Shows("#diagram-note", "Nothing is there yet")
	w.app("orders-api")
	p.Shows("#apps tbody th", "orders-api")
	p.Shows("#journal tbody td", "POST /teams/apps")
	p.Shows("#journal tbody .badge", "201")
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:premium-0","name":"orders-cache"}`).is(201)
	p.Shows("#stores tbody .badge", "Preparing")
	p.Shows("#stores tbody .next", "provisioned in 3 s")
	p.Shows("#diagram text", "orders-cache")
	p.Shows("#said", "New store orders-cache: premium-0, Preparing")
	w.send("POST /apps/orders-api/addons", `{"plan":"nonsense"}`).is(422)
	p.Shows("#journal tbody .badge[data-state=bad], #journal tbody .badge[data-state=busy]", "422")
	w.Clock().Advance(3 * time.Second) // an open page applies due events without a request
	p.Shows("#stores tbody .badge", "Available")
	p.Shows("#apps tbody .chip", "REDIS_URL")
	p.Shows("#attachments tbody td", "REDIS_URL")
	p.Shows("#ledger #billed", "1 created, 0 destroyed, 1 still billed")
	must(t, w.redis("orders-api", "REDIS_URL").Set(t.Context(), "k", "v", 0).Err())
	p.Shows("#stores tbody td", "1") // number of keys, from the server
	p.Wait("document.querySelector('#stores tbody tr').cells[3].textContent === '1'")
	w.space("acme-prod")
	p.Shows("#spaces tbody th", "acme-prod")
	w.send("DELETE /apps/orders-api", "").is(200)
	p.Lacks("#apps tbody th", "orders-api")
	p.Shows("#ledger #billed", "1 destroyed")
	saysNoError(t, p)
}

func pageControls(t *testing.T, b *browser.Browser) {
	w := start(t)
	w.app("orders-api")
	p := openPage(t, b, w)
	p.Shows("#now", "2026-01-14 09:00:00")
	w.send("POST /apps/orders-api/addons", `{"plan":"heroku-redis:mini","name":"orders-cache"}`).is(201)
	p.Shows("#stores tbody .badge", "Preparing")
	p.Click("[data-advance='1m']")
	p.Shows("#now", "2026-01-14 09:01:00")
	p.Shows("#stores tbody .badge", "Available")

	const unavailable = "#presets li:first-child input"
	p.Click(unavailable)
	p.Shows("#faults tbody th", `{"status":503}`)
	w.send("GET /apps", "").is(503)
	p.Wait("document.querySelector('#faults tbody tr').cells[1].textContent === '1'")
	p.Shows("#journal tbody .badge[data-state=bad]", "503")
	p.Click(unavailable)
	p.Lacks("#faults tbody th", "503")
	w.send("GET /apps", "").is(200)

	// a fault that another client has injected is shown, and an invalid one is refused
	w.inject(`{"match":{"path":"/account"},"do":{"status":418}}`)
	p.Shows("#faults tbody th", "418")
	p.Click("#faults tbody button")
	p.Lacks("#faults tbody th", "418")
	browser.Get[any](p, `void (document.querySelector("#fault-json").value = '{"do":{"nonsense":1}}')`)
	p.Click("#fault-form button")
	p.Shows("#trouble", "unknown field")
	browser.Get[any](p, `void (document.querySelector("#fault-json").value = '{"match":{"path":"/account"},"do":{"status":402}}')`)
	p.Click("#fault-form button")
	p.Shows("#faults tbody th", "402")
	p.Wait("document.querySelector('#trouble').hidden")
	w.send("GET /account", "").is(402)
}

func pageFailsOver(t *testing.T, b *browser.Browser) {
	w := start(t, withServers)
	w.app("orders-api")
	w.store("orders-api", "orders-cache", "premium-0")
	w.store("orders-api", "small", "mini")
	p := openPage(t, b, w)
	before := w.urlOf("orders-api", "REDIS_URL")
	p.Click(`[aria-label="Freeze standby: orders-cache"]`)
	p.Shows("#stores tbody td", "Standby frozen")
	p.Click(`[aria-label="Fail over: orders-cache"]`)
	p.Shows("#stores tbody td", "Standby preparing")
	if w.urlOf("orders-api", "REDIS_URL") == before {
		t.Error("the URL has not changed")
	}
	p.Click(`[aria-label="Require maintenance: orders-cache"]`)
	p.Shows("#stores tbody td", "maintenance preparing; window")
	p.Click("[data-advance='10s']")
	p.Shows("#stores tbody td", "maintenance ready, runs in")
	p.Click("[data-advance='168h']")
	p.Click("[data-advance='10s']")
	p.Shows("#stores tbody td", "maintenance completed; window")
	if hidden := browser.Get[bool](p, `document.querySelector('[aria-label="Fail over: small"]').hidden`); !hidden {
		t.Error("a mini can be failed over")
	}
	p.Click(`[aria-label="Restart: small"]`)
	p.Wait("document.querySelector('#trouble').hidden")
	saysNoError(t, p)
}

// canaries are secrets in a world.
func canaries(t *testing.T, w world) []string {
	t.Helper()
	w.send("PATCH /apps/orders-api/config-vars", `{"API_SECRET":"canary-config-var"}`).is(200)
	url := w.urlOf("orders-api", "REDIS_URL")
	password := url[strings.LastIndex(url[:strings.LastIndex(url, "@")], ":")+1 : strings.LastIndex(url, "@")]
	w.send("POST /apps/orders-api/log-drains", `{"url":"https://user:canary-drain@logs.example"}`).is(201)
	return []string{w.Token(), "canary-config-var", "canary-drain", url, password, "rediss://"}
}

func pageKeepsSecrets(t *testing.T, b *browser.Browser) {
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "orders-cache", "premium-0")
	secrets := canaries(t, w)
	p := openPage(t, b, w)
	p.Shows("#apps tbody .chip", "API_SECRET")
	browser.Get[any](p, "void document.querySelectorAll('details').forEach((d) => { d.open = true; })")
	p.Shows("#billed-objects tbody th", "orders-cache")
	look := func() []string {
		// the content of the page, and everything that it can read without an API token
		text := browser.Get[string](p, `(async () => {
			let all = document.documentElement.outerHTML + document.cookie + JSON.stringify(localStorage);
			for (const entry of performance.getEntriesByType("resource")) {
				if (!entry.name.endsWith("/events")) all += await (await fetch(entry.name)).text();
			}
			for (const path of ["world", "journal", "ledger", "faults", "clock"]) all += await (await fetch("/__sandbox/" + path)).text();
			return all;
		})()`)
		var found []string
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				found = append(found, secret)
			}
		}
		return found
	}
	if found := look(); len(found) > 0 {
		t.Errorf("the page has %q", found)
	}
	// Positive control: the same search finds each secret where it must be.
	browser.Get[any](p, fmt.Sprintf("void document.body.append(%q)", strings.Join(secrets, " ")))
	if found := look(); len(found) != len(secrets) {
		t.Errorf("of %q it finds %q only", secrets, found)
	}
}

// pageShowsText checks that names are displayed as text, never as markup or script.
func pageShowsText(t *testing.T, b *browser.Browser) {
	const markup = `<img src=x onerror="window.hostile=1"><script>window.hostile=1</script>`
	w := start(t)
	w.app("orders-api")
	p := openPage(t, b, w)
	w.inject(fmt.Sprintf(`{"match":{"path":%q},"do":{"status":503,"body":%q}}`, "/"+markup, markup))
	w.send("GET /apps", "", "User-Agent: "+markup).is(200)
	w.send("GET /apps/%3Cimg%20src=x%20onerror=alert(1)%3E?x=<script>window.hostile=1</script>", "").is(404)
	p.Shows("#faults tbody th", "onerror")
	p.Shows("#journal tbody td", "<img src=x onerror=alert(1)>?x=<script>")
	p.Shows("#journal tbody td", "<img")
	for _, expression := range []string{"window.hostile !== undefined", "document.querySelector('main img, main script') !== null"} {
		if browser.Get[bool](p, expression) {
			t.Errorf("%s", expression)
		}
	}
	saysNoError(t, p)
	// The policy blocks markup and scripts that a bug in the page could insert.
	refused := browser.Get[bool](p, `(() => {
		try { document.querySelector("#said").innerHTML = "<b>x</b>"; return false; } catch { return true; }
	})()`)
	if !refused {
		t.Error("markup can be put into the page")
	}
	browser.Get[any](p, `void (() => {
		const style = document.createElement("style");
		style.textContent = "body { display: none }";
		document.head.append(style);
	})()`)
	if browser.Get[string](p, "getComputedStyle(document.body).display") == "none" {
		t.Error("a style can be put into the page")
	}
}

func pageByKeyboard(t *testing.T, b *browser.Browser) {
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "orders-cache", "premium-0")
	p := openPage(t, b, w)
	focus := func() string {
		return browser.Get[string](p, `((e) => e.id || e.getAttribute("aria-label") || e.textContent.trim())(document.activeElement)`)
	}
	// tabTo presses Tab until an element has the focus, which must be visible.
	tabTo := func(name string) {
		t.Helper()
		var passed []string
		for range 80 {
			p.Press("Tab")
			at := focus()
			passed = append(passed, at)
			if !browser.Get[bool](p, `((e) => e === document.body || e.matches(":focus-visible") &&
				getComputedStyle(e).outlineStyle !== "none")(document.activeElement)`) {
				t.Errorf("the focus on %q is not visible", at)
			}
			if at == name {
				return
			}
		}
		t.Fatalf("Tab does not come to %q, but to %q", name, passed)
	}
	p.Press("Tab")
	if focus() != "Skip to the stores" {
		t.Errorf("the first is %q", focus())
	}
	tabTo("+1 min")
	before := w.Clock().Now()
	p.Press("Enter")
	p.Shows("#now", before.Add(time.Minute).Format("2006-01-02 15:04:05"))
	tabTo("filter")
	p.Type("no such name")
	p.Shows("#stores .more", "0 stores with that name, of 1.")
	browser.Get[any](p, `void document.querySelector("#filter").select()`)
	p.Type("cache")
	p.Shows("#stores tbody th", "orders-cache")
	tabTo("Actions for orders-cache")
	p.Press("Enter")
	tabTo("Fail over: orders-cache")
	url := w.urlOf("orders-api", "REDIS_URL")
	p.Press(" ")
	p.Shows("#stores tbody td", "Standby preparing")
	if w.urlOf("orders-api", "REDIS_URL") == url {
		t.Error("it has not failed over")
	}
	tabTo("preset-0")
	p.Press(" ")
	p.Shows("#faults tbody th", "503")
	// The focus stays while the rest of the page changes.
	if at := focus(); at != "preset-0" {
		t.Errorf("the focus has gone to %q", at)
	}
	w.Clear()
	p.Lacks("#faults tbody th", "503")
	if at := focus(); at != "preset-0" {
		t.Errorf("the focus has gone to %q", at)
	}
	tabTo("journal-filter")
	p.Type("failover-that-was-never-sent")
	p.Shows("#journal .more", "No request with that text")
}

func pageIsAccessible(t *testing.T, b *browser.Browser) {
	w := start(t)
	w.app("orders-api")
	w.store("orders-api", "orders-cache", "premium-0")
	p := openPage(t, b, w)
	p.Shows("#stores tbody th", "orders-cache")
	nodes := p.Accessible()
	for _, want := range []browser.AXNode{
		{Role: "banner"}, {Role: "main"}, {Role: "navigation", Name: "Sections"}, {Role: "heading", Name: "Sandbox a local Heroku"},
		{Role: "heading", Name: "Stores"}, {Role: "region", Name: "Stores"}, {Role: "status"}, {Role: "group", Name: "Advance the clock"},
		{Role: "searchbox", Name: "Show only names with"}, {Role: "rowheader", Name: "orders-cache"}, {Role: "columnheader", Name: "Memory"},
		{Role: "switch", Name: "New stores fail"}, {Role: "button", Name: "+1 h"},
		{Role: "image", Name: "1 app and 1 store, with 1 attachment between them; the table below has them as text"},
		{Role: "table", Name: "Requests to the two APIs, the newest first"},
	} {
		if !slices.Contains(nodes, want) {
			t.Errorf("there is no %s %q", want.Role, want.Name)
		}
	}
	for _, n := range nodes {
		if n.Name == "" && slices.Contains([]string{"button", "searchbox", "textbox", "switch", "link", "table", "image", "region"}, n.Role) {
			t.Errorf("a %s has no name", n.Role)
		}
	}
	for _, expression := range []string{
		"document.documentElement.lang === 'en'", "document.querySelectorAll('h1').length === 1",
		"[...document.querySelectorAll('table')].every((table) => table.caption?.textContent)",
		"[...document.querySelectorAll('thead th')].every((th) => th.scope === 'col' && th.textContent)",
		"document.querySelector('#said').getAttribute('aria-live') === 'polite'",
	} {
		if !browser.Get[bool](p, expression) {
			t.Error(expression)
		}
	}
}

func pageIsNarrow(t *testing.T, b *browser.Browser) {
	w := start(t)
	w.app("an-app-with-a-long-name-of-30c")
	w.store("an-app-with-a-long-name-of-30c", "a-store-with-quite-a-long-name-as-those-are-that-are-made-up", "premium-0")
	w.space("acme-prod")
	w.inject(`{"match":{"path":"/` + strings.Repeat("long", 60) + `"},"do":{"status":503}}`)
	p := openPage(t, b, w)
	for _, scheme := range []string{"light", "dark"} {
		p.Prefer("prefers-color-scheme", scheme)
		for _, width := range []int{400, 700, 1280} {
			p.Resize(width, 900)
			p.Wait(fmt.Sprintf("document.querySelector('#diagram svg').getAttribute('width') < %d", width))
			if wide := browser.Get[int](p, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("at %d pixels the page is %d wide", width, wide)
			}
		}
		if texts := browser.Get[[]string](p, script(t, "contrast")); len(texts) > 0 {
			t.Errorf("%s: hard to read: %q", scheme, texts)
		}
		dark := browser.Get[bool](p, "(([r]) => Number(r) < 100)(getComputedStyle(document.body).backgroundColor.match(/\\d+/g))")
		if dark != (scheme == "dark") {
			t.Errorf("%s: dark is %t", scheme, dark)
		}
		if dir := os.Getenv("KVS_SCREENSHOTS"); dir != "" {
			p.Resize(400, 2600)
			must(t, os.WriteFile(dir+"/narrow-"+scheme+".png", p.Screenshot(), 0o600))
		}
	}
	const animations = "document.getAnimations().length"
	w.app("moves")
	p.Wait(animations + " > 0")
	p.Prefer("prefers-reduced-motion", "reduce")
	p.Wait(animations + " === 0")
	w.app("moves-not")
	p.Shows("#apps tbody th", "moves-not")
	if n := browser.Get[int](p, animations); n != 0 {
		t.Errorf("%d animations", n)
	}
}

// pageIsNotForOthers opens a page at another port of this machine, in the same browser as the sandbox's own.
func pageIsNotForOthers(t *testing.T, b *browser.Browser) {
	w := start(t)
	w.app("orders-api")
	own := openPage(t, b, w)
	hostile := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = rw.Write([]byte("<!doctype html><title>hostile</title><p>hostile"))
	}))
	t.Cleanup(hostile.Close)
	for _, origin := range []string{hostile.URL, strings.Replace(hostile.URL, "127.0.0.1", "localhost", 1)} {
		p := own.Beside(origin)
		p.Shows("p", "hostile")
		for name, result := range browser.Get[map[string]string](p, fmt.Sprintf("(%s)(%q)", script(t, "hostile"), w.URL())) {
			if result != "refused" {
				t.Errorf("%s %s: %s", origin, name, result)
			}
		}
	}
	if now := w.Clock().Now(); !now.Equal(epoch) {
		t.Errorf("the clock was moved to %s", now)
	}
	if len(w.Journal()) != 1 {
		t.Errorf("the journal has %d lines", len(w.Journal()))
	}
	// Positive control: the sandbox's own page can do it with the token, and cannot without.
	const advance = `(async (token) => (await fetch("/__sandbox/clock", {method: "POST", body: '{"advance":"1h"}',
		headers: {"Content-Type": "application/json", "X-Sandbox-Control": token}})).status)(%s)`
	if status := browser.Get[int](own, fmt.Sprintf(advance, `"x"`)); status != 403 || !w.Clock().Now().Equal(epoch) {
		t.Errorf("without the token: %d", status)
	}
	if status := browser.Get[int](own, fmt.Sprintf(advance, `document.querySelector("meta[name=sandbox-control]").content`)); status != 200 ||
		!w.Clock().Now().Equal(epoch.Add(time.Hour)) {
		t.Errorf("with the token: %d", status)
	}
	if text := browser.Get[string](own, `(async () => (await fetch("/__sandbox/world")).text())()`); !strings.Contains(text, "orders-api") {
		t.Errorf("the page reads %q", text)
	}
}

func pageReconnects(t *testing.T, b *browser.Browser) {
	first := start(t)
	first.app("orders-api")
	p := openPage(t, b, first)
	p.Shows("#apps tbody th", "orders-api")
	must(t, first.Close())
	p.Shows("#live", "Not connected")
	next := start(t, func(o *sandbox.Options) { o.Addr = strings.TrimPrefix(first.URL(), "http://") })
	next.app("another-api")
	p.Shows("#live", "Live")
	p.Shows("#apps tbody th", "another-api")
	p.Lacks("#apps tbody th", "orders-api")
	p.Click("[data-advance='1m']") // the page has the token of the former sandbox
	p.Shows("#trouble", "load the page again")
	if !next.Clock().Now().Equal(epoch) {
		t.Error("the clock was moved")
	}
}
