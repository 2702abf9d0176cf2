// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package browser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// Page is a tab.
type Page struct {
	b       *Browser
	t       testing.TB
	session string
	said    []string // errors, guarded by Browser.mu
}

// Open opens a page with nothing of other pages, and returns when it is loaded. It is closed with the test.
func (b *Browser) Open(t testing.TB, url string) *Page {
	t.Helper()
	context := must[struct{ BrowserContextID string }](t, b, "", "Target.createBrowserContext", nil).BrowserContextID
	t.Cleanup(func() {
		_, _ = call[struct{}](b, "", "Target.disposeBrowserContext", map[string]any{"browserContextId": context})
	})
	return b.open(t, context, url)
}

// Beside opens another page in the same window, as a tab that shares its cookies.
func (p *Page) Beside(url string) *Page {
	p.t.Helper()
	targets := must[struct {
		TargetInfo struct{ BrowserContextID string }
	}](p.t, p.b, p.session, "Target.getTargetInfo", nil)
	return p.b.open(p.t, targets.TargetInfo.BrowserContextID, url)
}

func (b *Browser) open(t testing.TB, context, url string) *Page {
	t.Helper()
	target := must[struct{ TargetID string }](t, b, "", "Target.createTarget",
		map[string]any{"url": "about:blank", "browserContextId": context}).TargetID
	session := must[struct{ SessionID string }](t, b, "", "Target.attachToTarget",
		map[string]any{"targetId": target, "flatten": true}).SessionID
	p := &Page{b: b, t: t, session: session}
	b.mu.Lock()
	b.pages[session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Accessibility"} {
		p.do(domain+".enable", nil)
	}
	p.do("Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true})
	p.Go(url)
	return p
}

func must[T any](t testing.TB, b *Browser, session, method string, params any) T {
	t.Helper()
	result, err := call[T](b, session, method, params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (p *Page) do(method string, params any) {
	p.t.Helper()
	must[struct{}](p.t, p.b, p.session, method, params)
}

// Go loads an address.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.do("Page.navigate", map[string]any{"url": url})
	p.Wait("document.readyState === 'complete'")
}

// note keeps the errors that a page says: of its scripts, of its console, and of what its policy has refused. b.mu is held.
func (p *Page) note(method string, params json.RawMessage) {
	var event struct {
		Entry            struct{ Level, Text, URL string }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Type string
		Args []struct{ Description, Value any }
	}
	_ = json.Unmarshal(params, &event)
	switch {
	case method == "Runtime.exceptionThrown":
		p.said = append(p.said, event.ExceptionDetails.Text+" "+event.ExceptionDetails.Exception.Description)
	case method == "Log.entryAdded" && event.Entry.Level == "error":
		p.said = append(p.said, event.Entry.Text+" "+event.Entry.URL)
	case method == "Runtime.consoleAPICalled" && event.Type == "error":
		p.said = append(p.said, fmt.Sprint(event.Args))
	}
}

// Errors that the page has said so far.
func (p *Page) Errors() []string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return slices.Clone(p.said)
}

// Get is the value of an expression, which may be a promise.
func Get[T any](p *Page, expression string) T {
	p.t.Helper()
	result, err := evaluate[T](p, expression)
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return result
}

func evaluate[T any](p *Page, expression string) (value T, err error) {
	result, err := call[struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Exception struct{ Description, Value any }
		}
	}](p.b, p.session, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true})
	switch {
	case err != nil:
		return value, err
	case result.ExceptionDetails != nil:
		return value, fmt.Errorf("%v %v", result.ExceptionDetails.Exception.Description, result.ExceptionDetails.Exception.Value)
	case result.Result.Value == nil:
		return value, nil // undefined
	}
	return value, json.Unmarshal(result.Result.Value, &value)
}

// Wait looks until an expression is true, or fails the test when it hangs, with what the page shows then.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	seen, err := evaluate[bool](p, fmt.Sprintf(`new Promise((done) => {
		const began = performance.now();
		const look = () => { try { if (%s) return done(true); } catch {}
			performance.now() - began > %d ? done(false) : setTimeout(look, 20); };
		look();
	})`, expression, (hang/2).Milliseconds()))
	if err != nil || !seen {
		text, _ := evaluate[string](p, "document.body.innerText")
		p.t.Fatalf("this does not become true: %s (%v); errors: %q; the page shows:\n%s", expression, err, p.Errors(), text)
	}
}

// Shows waits until an element has a text.
func (p *Page) Shows(selector, text string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("[...document.querySelectorAll(%s)].some((e) => e.textContent.includes(%s))", quote(selector), quote(text)))
}

// Lacks waits until no element has a text.
func (p *Page) Lacks(selector, text string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("![...document.querySelectorAll(%s)].some((e) => e.textContent.includes(%s))", quote(selector), quote(text)))
}

// Click does what a click on an element does, once it is there and can be clicked.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("document.querySelector(%s)?.disabled !== true && document.querySelector(%s)", quote(selector), quote(selector)))
	Get[any](p, fmt.Sprintf("void document.querySelector(%s).click()", quote(selector)))
}

func quote(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

var keys = map[string]struct {
	code int
	text string
}{"Tab": {9, ""}, "Enter": {13, "\r"}, " ": {32, " "}}

// Press presses keys, one after the other: "Tab", "Enter", " ".
func (p *Page) Press(names ...string) {
	p.t.Helper()
	for _, name := range names {
		k := keys[name]
		event := map[string]any{"type": "keyDown", "key": name, "code": name, "windowsVirtualKeyCode": k.code}
		if k.text != "" {
			event["text"], event["unmodifiedText"] = k.text, k.text
		}
		p.do("Input.dispatchKeyEvent", event)
		p.do("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "windowsVirtualKeyCode": k.code})
	}
}

// Type types a text into what has the focus.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.do("Input.insertText", map[string]any{"text": text})
}

// Resize gives the page another width and height, in pixels.
func (p *Page) Resize(width, height int) {
	p.t.Helper()
	p.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

// Prefer sets what a person prefers: "prefers-color-scheme", "dark".
func (p *Page) Prefer(feature, value string) {
	p.t.Helper()
	p.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": feature, "value": value}}})
}

// Screenshot is a PNG of what is visible.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	shot := must[struct{ Data string }](p.t, p.b, p.session, "Page.captureScreenshot", map[string]any{"format": "png"})
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return png
}

// AXNode is an element as a screen reader gets it.
type AXNode struct{ Role, Name string }

// Accessible lists the elements that a screen reader gets, in order.
func (p *Page) Accessible() []AXNode {
	p.t.Helper()
	type value struct{ Value any }
	tree := must[struct {
		Nodes []struct {
			Ignored    bool
			Role, Name *value
		}
	}](p.t, p.b, p.session, "Accessibility.getFullAXTree", nil)
	var nodes []AXNode
	for _, n := range tree.Nodes {
		if !n.Ignored && n.Role != nil && n.Name != nil {
			nodes = append(nodes, AXNode{fmt.Sprint(n.Role.Value), fmt.Sprint(n.Name.Value)})
		}
	}
	return nodes
}
