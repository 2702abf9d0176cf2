// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

const rotateCredentials = "kvs_rotate_credentials"

func realServer(o *sandbox.Options) { o.Engine = "auto" }

// urls are what the two apps have.
func (w keptWorld) urls() (web, api string) {
	w.Apps.Helper()
	web, _, err := w.Somebody.ConfigVar(w.Apps.Context(), w.web, "REDIS_URL")
	if err == nil {
		api, _, err = w.Somebody.ConfigVar(w.Apps.Context(), w.api, "SHARED_URL")
	}
	if err != nil {
		w.Apps.Fatal(err)
	}
	return web, api
}

// opens reports whether a URL opens the store.
func (w keptWorld) opens(url string) bool {
	w.Apps.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		w.Apps.Fatal("the URL cannot be parsed")
	}
	options.TLSConfig = &tls.Config{InsecureSkipVerify: true} // the sandbox's certificate is self-signed, as Heroku's are
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	return client.Ping(w.Apps.Context()).Err() == nil
}

// keepsSecrets fails the test when a password is in anything that was said or logged.
func (w keptWorld) keepsSecrets(said told, urls ...string) {
	w.Apps.Helper()
	log := w.log.String()
	if !strings.Contains(log, "Heroku API request") {
		w.Apps.Error("the log holds no request, so that it proves nothing")
	}
	for _, url := range urls {
		parsed, err := keyvalue.ParseURL(url)
		if err != nil || len(parsed.Password) < 8 {
			w.Apps.Fatal("there is no password to look for")
		}
		for what, text := range map[string]string{"progress and diagnostics": said.String(), "the log": log} {
			if strings.Contains(text, parsed.Password) {
				w.Apps.Errorf("a password is in %s", what)
			}
		}
	}
}

func TestRotateCredentials_ofTwoApps(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", realServer)
	old, shared := w.urls()
	if old != shared || !w.opens(old) {
		t.Fatal("the apps do not begin with the same URL, that works")
	}
	said := w.invoke(rotateCredentials, w.about(nil))
	said.succeeded(
		"step 1 of 5, looking at the apps", "step 2 of 5, rotating the credentials", "step 3 of 5, waiting for the store's new URL",
		"step 4 of 5, waiting for the apps to get it", "up to date, 1 of 2", "up to date, 2 of 2",
		"step 5 of 5, checking that the old password is revoked: it is refused, and the new one is accepted",
	)
	if len(said.warnings) != 0 {
		t.Error(said.warnings)
	}
	web, api := w.urls()
	if web == old || web != api || !w.opens(web) {
		t.Error("the apps do not have the same new URL, that works")
	}
	if w.opens(old) {
		t.Error("the old URL still opens the store")
	}
	w.keepsSecrets(said, old, web)
	if text := said.String(); !strings.Contains(text, "REDIS_URL of app orders-web") ||
		!strings.Contains(text, "SHARED_URL of app orders-api") {
		t.Error(text)
	}
}

// A rotation whose apps have not all been told is finished instead of begun anew.
func TestRotateCredentials_interrupted(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", realServer)
	old, _ := w.urls()
	w.lagging(w.api, old)
	said := w.invokeUntil("waiting for the apps to get it", rotateCredentials, w.about(nil))
	said.failed("Unable to rotate the credentials", "interrupted")

	again := w.invokeUntil("an earlier rotation", rotateCredentials, w.about(nil))
	again.failed("interrupted")
	w.Clear()
	w.lagging(w.api, old, 3)
	last := w.invoke(rotateCredentials, w.about(nil))
	last.succeeded("it is finished, and no other one is begun", "up to date, 2 of 2", "it is refused, and the new one is accepted")
	if len(last.warnings) != 1 || !strings.Contains(last.warnings[0], "An earlier rotation of the credentials was finished") {
		t.Error(last.warnings)
	}
	if rotations := w.Requests("POST", ".*/credentials_rotation"); len(rotations) != 1 {
		t.Errorf("%d rotations were ordered, want 1", len(rotations))
	}
	web, api := w.urls()
	if web != api || w.opens(old) || !w.opens(web) {
		t.Error("the rotation was not finished")
	}
	for _, told := range []told{said, again, last} {
		w.keepsSecrets(told, old, web)
	}
}

// lagging makes the provider see the old URL in an app's config vars, for some answers or always.
func (w keptWorld) lagging(app heroku.AppID, url string, answers ...int) {
	body := `{"SHARED_URL":"` + url + `"}`
	match := sandbox.Match{Method: "GET", Path: "/apps/" + string(app) + "/config-vars",
		Agent: "terraform-provider-kvs", Times: slices.Max(append(answers, 0))}
	w.Inject(sandbox.Fault{Match: match, Do: sandbox.Effect{Status: 200, Body: &body}})
}

func TestRotateCredentials_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]sandbox.Effect{"after it was done": {Commit: true, Reset: true},
		"before it was done": {Reset: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newKeptWorld(t, "premium-0", realServer)
			old, _ := w.urls()
			w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST",
				Path: "/redis/v0/databases/*/credentials_rotation", Times: 1}, Do: effect})
			w.invoke(rotateCredentials, w.about(nil)).succeeded("it is refused, and the new one is accepted")
			if web, api := w.urls(); web == old || web != api {
				t.Error("the apps do not have the same new URL")
			}
			want := 1
			if !effect.Commit {
				want = 2
			}
			if rotations := w.Requests("POST", ".*/credentials_rotation"); len(rotations) != want {
				t.Errorf("%d rotations were ordered, want %d", len(rotations), want)
			}
		})
	}
}

// An app that never gets the new URL is named, after the time that is given.
func TestRotateCredentials_thatDoesNotReachAnApp(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", realServer)
	old, _ := w.urls()
	w.lagging(w.api, old)
	said := w.invoke(rotateCredentials, w.about(values{"timeouts": "5m"}))
	said.failed("the config var SHARED_URL of app "+string(w.api), "timed out")
	w.keepsSecrets(said, old)
}

// A Heroku that says it has rotated, and has not: the URL looks different, and the password is the same.
func TestRotateCredentials_thatLeaveTheOldPasswordAlive(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", realServer)
	old, _ := w.urls()
	message, changed := `{"message":"Rotating credentials."}`, strings.Replace(old, "//h:", "//:", 1)
	info := `{"name":"orders-cache","resource_url":"` + changed + `","info":[{"name":"Status","values":["Available"]}]}`
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "POST", Path: "/redis/v0/databases/*/credentials_rotation"},
		Do: sandbox.Effect{Status: 200, Body: &message}})
	w.Inject(sandbox.Fault{Match: sandbox.Match{Method: "GET", Path: "/redis/v0/databases/*", From: 3},
		Do: sandbox.Effect{Status: 200, Body: &info}})
	said := w.invoke(rotateCredentials, w.about(values{"timeouts": "5m"}))
	said.failed("The old password still opens the store", "5m")
	if text := strings.Join(said.progress, "\n"); !strings.Contains(text,
		"checking that the old password is revoked: it is still accepted") {
		t.Error(text)
	}
	w.keepsSecrets(said, old)
}

func TestRotateCredentials_ofAnAppThatGoesMeanwhile(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0", realServer)
	gone := `{"id":"not_found","message":"Couldn't find that app.","resource":"app"}`
	w.Inject(sandbox.Fault{
		Match: sandbox.Match{Method: "GET", Path: "/apps/" + string(w.api) + "/config-vars", From: 2, Agent: "terraform-provider-kvs"},
		Do:    sandbox.Effect{Status: 404, Body: &gone},
	})
	w.invoke(rotateCredentials, w.about(nil)).succeeded("it is refused, and the new one is accepted")
}

// What cannot be reached from here is said to be not proven, and is no failure.
func TestRotateCredentials_inAPrivateSpace(t *testing.T) {
	t.Parallel()
	w := newKeptWorld(t, "premium-0")
	said := w.invoke(rotateCredentials, values{"instance_id": string(w.privateStore())})
	said.succeeded("up to date, 1 of 1", "checking that the old password is revoked: not proven: not reachable from here")
	if len(said.warnings) != 1 || !strings.Contains(said.warnings[0],
		"The old password could not be verified as revoked") || !strings.Contains(said.warnings[0],
		"the name of its host is not known here") {
		t.Error(said.warnings)
	}
}

// privateStore makes a space with an app and a store in it.
func (w keptWorld) privateStore() heroku.AddOnID {
	w.Apps.Helper()
	ctx := w.Apps.Context()
	space, err := w.Somebody.CreateSpace(ctx, heroku.SpaceCreate{Name: "acme-prod", Team: "acme", Region: "virginia"})
	if err == nil {
		_, err = w.Somebody.WaitSpaceAllocated(ctx, space.ID, time.Hour)
	}
	var app heroku.App
	if err == nil {
		app, err = w.Somebody.CreateApp(ctx, heroku.AppCreate{Name: "orders-inside", Space: "acme-prod", Team: "acme"})
	}
	var addOn heroku.AddOn
	if err == nil {
		addOn, err = w.Somebody.CreateAddOn(ctx, app.ID, heroku.AddOnCreate{Plan: "heroku-redis:private-7", Name: "orders-private"})
	}
	if err == nil {
		_, err = w.Somebody.WaitAddOnProvisioned(ctx, addOn.ID, time.Hour)
	}
	if err != nil {
		w.Apps.Fatal(err)
	}
	return addOn.ID
}
