// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// The built provider as a process of its own, in real time: killed with its CLI in the middle of a replacement, it is
// finished by the next apply, and none of the runs has written down a secret.
func TestAccReplacement_realProcess(t *testing.T) {
	t.Parallel()
	l := newLab(t, twoApps("web", "premium-0", ""), func(o *sandbox.Options) { o.Clock, o.Provisioning = nil, time.Millisecond })
	l.cli.Apply()
	redis := l.Redis(t, "orders-cache")
	seed(t, redis)
	seeded := datasetOf(t, redis)
	old, err := l.client.Store(t.Context(), heroku.AddOnID(l.Living()[0].ID))
	if err != nil {
		t.Fatal(err)
	}

	// it hangs when the first app has moved, and is killed there
	l.Inject(sandbox.Fault{Match: sandbox.Match{Method: http.MethodPost, Path: "/addon-attachments", Nth: 3},
		Do: sandbox.Effect{Commit: true, Hang: true}})
	l.cli.Configure(twoApps("api", "premium-1", ""))
	log := t.TempDir() + "/trace.log"
	l.cli.Env = []string{"TF_LOG=TRACE", "TF_LOG_PATH=" + log}
	apply := l.cli.Start("apply", "-auto-approve", "-input=false", "-no-color")
	l.awaitFault()
	killed := apply.Kill()
	l.Clear()
	l.Clock().Advance(5 * time.Minute) // the lease of the run that is gone is over
	l.expectServed(bothApps, seeded)

	planned := l.cli.Run("plan", "-out=saved", "-input=false", "-no-color")
	shown := l.cli.Run("show", "-json", "saved")
	applied := l.cli.Run("apply", "-input=false", "-no-color", "saved")
	if applied.Code != 0 {
		t.Fatalf("the apply after the crash exited %d:\n%s", applied.Code, applied.Output())
	}
	l.cli.Env = nil
	l.expectServed(bothApps, seeded)
	l.expectAlone("premium-1")

	made, err := l.client.Store(t.Context(), heroku.AddOnID(l.Living()[0].ID))
	if err != nil {
		t.Fatal(err)
	}
	trace, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"path=/redis/v0/databases/" + string(old.AddOnID),
		"path=/redis/v0/databases/" + string(made.AddOnID)} {
		if !strings.Contains(string(trace), request) {
			t.Errorf("the log does not show the request for a URL (%s), so the absence of secrets in it proves nothing", request)
		}
	}
	texts := map[string]string{
		"the state": l.cli.StateFile(), "the plan": shown.Output() + planned.Output(), "the log": string(trace),
		"the output": killed.Output() + applied.Output(),
	}
	for where, text := range texts {
		for _, secret := range []string{old.ResourceURL.Reveal(), passwordOf(t, old.ResourceURL.Reveal()),
			made.ResourceURL.Reveal(), passwordOf(t, made.ResourceURL.Reveal()), l.Token()} {
			for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if strings.Contains(text, form) {
					t.Errorf("a secret is in %s", where)
				}
			}
		}
	}
}

// awaitFault blocks until the one fault that was injected has struck.
func (l *lab) awaitFault() {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 10*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for l.Faults()[0].Struck == 0 {
		select {
		case <-ctx.Done():
			l.Fatal("the fault did not strike within a minute")
		case <-tick.C:
		}
	}
}
