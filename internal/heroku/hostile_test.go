// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

const steering = "a\x1b[2Jb\x07c\u009b31md\u202egnp.exe\u2066e\u200ff\u2028g\x00h\x7fi\rj\u200bk\ufeffl\u00ad\U000e0041\x1b]8;;http://x\x07m\n│ Error: n"

func steers(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Cf, r) || r == '\u2028'
	})
}

// Control characters in names and messages do not reach the user's terminal.
func TestControlCharactersDoNotGetThrough(t *testing.T) {
	t.Parallel()
	asJSON, err := json.Marshal(steering)
	if err != nil {
		t.Fatal(err)
	}
	refusing := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("X-Confirmation-Required", "a\tb\u009bc")
		reply(w, 422, fmt.Sprintf(`{"id":%[1]s,"message":%[1]s,"url":%[1]s,"resource":%[1]s}`, asJSON))
	})
	_, err = refusing.client(t).FindAddOn(t.Context(), "x")
	var said *heroku.Error
	if !errors.As(err, &said) || said.Message == "" {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"the error": err.Error(), "its id": said.ID, "its message": said.Message, "its URL": said.URL, "its resource": said.Resource,
		"its app": said.ConfirmationRequired,
	} {
		if what != "the error" && what != "its message" && strings.Contains(text, "\n") {
			t.Errorf("%s has several lines: %q", what, text)
		}
		if steers(text) || strings.Contains(text, "\x1b") {
			t.Errorf("%s: %q", what, text)
		}
	}
	if !strings.Contains(said.Message, "j") || !strings.HasPrefix(said.Message, "a\uFFFD[2Jb") {
		t.Errorf("printable characters are lost: %q", said.Message)
	}
	naming := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 200, strings.Replace(appJSON(appID, "web"), `"web"`, string(asJSON), 1))
	})
	app, err := naming.client(t).FindApp(t.Context(), "x")
	if err != nil || steers(app.Name) || strings.Contains(app.Name, "\n") || app.Name == "" {
		t.Errorf("%q, %v", app.Name, err)
	}
	long := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 422, `{"id":"x","message":"`+strings.Repeat("x", 1<<20)+`"}`)
	})
	if _, err := long.client(t).FindAddOn(t.Context(), "x"); err == nil || len(err.Error()) > 5000 {
		t.Errorf("a message of a megabyte is repeated: %d bytes", len(err.Error()))
	}
}

func spaceNamed(id heroku.SpaceID, name string) string {
	return `{"id":"` + string(id) + `","name":"` + name + `","team":{"name":"acme"},"region":{"name":"virginia"},"state":"allocated"}`
}

// A response about another object than the one that was requested by its id or name is refused.
func TestAnswersThatContradictTheQuestionAreRefused(t *testing.T) {
	t.Parallel()
	const other = "0ad00000-0000-4000-8000-000000000001"
	name := "orders"
	for what, test := range map[string]struct {
		answer string
		ask    func(c *heroku.Client) error
	}{
		"an add-on": {addOnJSON(other, "x", "provisioned"), func(c *heroku.Client) error {
			_, err := c.FindAddOn(t.Context(), string(addOnID))
			return err
		}},
		"an add-on that is changed": {addOnJSON(other, "x", "provisioned"), func(c *heroku.Client) error {
			_, err := c.UpdateAddOn(t.Context(), appID, addOnID, heroku.AddOnUpdate{Name: &name})
			return err
		}},
		"an add-on that is ordered for another app": {addOnJSON(addOnID, "x", "provisioning"), func(c *heroku.Client) error {
			_, err := c.CreateAddOn(t.Context(), other, heroku.AddOnCreate{Plan: "heroku-redis:mini"})
			return err
		}},
		"an app": {appJSON(other, "x"), func(c *heroku.Client) error { _, err := c.FindApp(t.Context(), string(appID)); return err }},
		"an attachment": {attachmentJSON(other, "REDIS", addOnID), func(c *heroku.Client) error {
			_, err := c.Attachment(t.Context(), attachmentID)
			return err
		}},
		"an attachment of another add-on": {attachmentJSON(attachmentID, "REDIS", other), func(c *heroku.Client) error {
			_, err := c.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: addOnID, App: appID})
			return err
		}},
		"an attachment on another app": {attachmentJSON(attachmentID, "REDIS", addOnID), func(c *heroku.Client) error {
			_, err := c.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: addOnID, App: other})
			return err
		}},
		"a store": {`{"addon_id":"` + other + `","name":"x","resource_url":"` + canaryURL + `"}`,
			func(c *heroku.Client) error { _, err := c.Store(t.Context(), addOnID); return err }},
		"an add-on of another name": {addOnJSON(addOnID, "theirs", "provisioned"),
			func(c *heroku.Client) error { _, err := c.FindAddOn(t.Context(), "orders"); return err }},
		"an add-on that is ordered under another name": {addOnJSON(addOnID, "theirs", "provisioning"), func(c *heroku.Client) error {
			_, err := c.CreateAddOn(t.Context(), appID, heroku.AddOnCreate{Plan: "heroku-redis:mini", Name: "orders"})
			return err
		}},
		"an add-on that is destroyed": {addOnJSON(other, "x", "deprovisioned"),
			func(c *heroku.Client) error { return c.DeleteAddOn(t.Context(), appID, addOnID) }},
		"an app that is ordered under another name": {appJSON(appID, "theirs"), func(c *heroku.Client) error {
			_, err := c.CreateApp(t.Context(), heroku.AppCreate{Name: "orders"})
			return err
		}},
		"an app that is ordered in a space": {appJSON(appID, "orders"), func(c *heroku.Client) error {
			_, err := c.CreateApp(t.Context(), heroku.AppCreate{Name: "orders", Space: "acme-prod"})
			return err
		}},
		"an app that is changed": {appJSON(other, "orders"), func(c *heroku.Client) error {
			_, err := c.UpdateApp(t.Context(), appID, heroku.AppUpdate{Name: &name})
			return err
		}},
		"an app that is given away": {appJSON(other, "orders"), func(c *heroku.Client) error {
			_, err := c.TransferApp(t.Context(), appID, "acme")
			return err
		}},
		"an app that is destroyed": {appJSON(other, "orders"), func(c *heroku.Client) error { return c.DeleteApp(t.Context(), appID) }},
		"processes of another app": {`[{"app":{"id":"` + other + `"},"type":"web","quantity":1}]`, func(c *heroku.Client) error {
			_, err := c.Formation(t.Context(), appID)
			return err
		}},
		"processes of another app that are scaled": {`[{"app":{"id":"` + other + `"},"type":"web","quantity":0}]`,
			func(c *heroku.Client) error {
				return c.Scale(t.Context(), appID, map[string]int{"web": 0})
			}},
		"an attachment by name on another app": {attachmentJSON(attachmentID, "REDIS", addOnID), func(c *heroku.Client) error {
			_, err := c.AppAttachment(t.Context(), other, "REDIS")
			return err
		}},
		"an attachment of another name": {attachmentJSON(attachmentID, "REDIS", addOnID), func(c *heroku.Client) error {
			_, err := c.AppAttachment(t.Context(), string(appID), "CACHE")
			return err
		}},
		"an attachment that is ordered under another name": {attachmentJSON(attachmentID, "REDIS", addOnID), func(c *heroku.Client) error {
			_, err := c.CreateAttachment(t.Context(), heroku.AttachmentCreate{AddOn: addOnID, App: appID, Name: "CACHE"})
			return err
		}},
		"an attachment that is removed": {attachmentJSON(other, "REDIS", addOnID),
			func(c *heroku.Client) error { return c.DeleteAttachment(t.Context(), attachmentID) }},
		"attachments of another add-on": {"[" + attachmentJSON(attachmentID, "REDIS", addOnID) + "]", func(c *heroku.Client) error {
			_, err := c.AddOnAttachments(t.Context(), other)
			return err
		}},
		"attachments on another app": {"[" + attachmentJSON(attachmentID, "REDIS", addOnID) + "]", func(c *heroku.Client) error {
			_, err := c.AppAttachments(t.Context(), other)
			return err
		}},
		"a space": {spaceNamed(other, "acme-prod"),
			func(c *heroku.Client) error { _, err := c.FindSpace(t.Context(), string(spaceID)); return err }},
		"a space of another name": {spaceNamed(spaceID, "theirs"),
			func(c *heroku.Client) error { _, err := c.FindSpace(t.Context(), "acme-prod"); return err }},
		"a space that is ordered under another name": {spaceNamed(spaceID, "theirs"), func(c *heroku.Client) error {
			_, err := c.CreateSpace(t.Context(), heroku.SpaceCreate{Name: "acme-prod", Team: "acme"})
			return err
		}},
		"a space that is renamed": {spaceNamed(other, "acme-prod"),
			func(c *heroku.Client) error { _, err := c.RenameSpace(t.Context(), spaceID, "acme-prod"); return err }},
		"a space that is given away": {spaceNamed(other, "acme-prod"),
			func(c *heroku.Client) error { _, err := c.TransferSpace(t.Context(), spaceID, "acme"); return err }},
		"a space that is destroyed": {spaceNamed(other, "acme-prod"),
			func(c *heroku.Client) error { return c.DeleteSpace(t.Context(), spaceID) }},
		"trusted ranges of another space": {`{"rules":[],"space":{"id":"` + other + `"}}`, func(c *heroku.Client) error {
			_, err := c.TrustedRanges(t.Context(), spaceID)
			return err
		}},
		"trusted ranges of another space that are set": {`{"rules":[],"space":{"id":"` + other + `"}}`, func(c *heroku.Client) error {
			_, err := c.SetTrustedRanges(t.Context(), spaceID, nil)
			return err
		}},
		"a maintenance": {`{"addon":{"uuid":"` + other + `"},"status":"ready"}`,
			func(c *heroku.Client) error { _, err := c.Maintenance(t.Context(), addOnID); return err }},
		"earlier maintenances": {`{"maintenances":[{"addon":{"uuid":"` + other + `"},"status":"completed"}]}`,
			func(c *heroku.Client) error {
				_, err := c.MaintenanceHistory(t.Context(), addOnID, 5)
				return err
			}},
		"maintenances of another app": {`{"maintenances":[{"app":{"uuid":"` + other + `"},"status":"completed"}]}`,
			func(c *heroku.Client) error {
				_, err := c.AppMaintenances(t.Context(), appID)
				return err
			}},
		"plans of another service": {`[{"name":"heroku-postgresql:essential-0"}]`,
			func(c *heroku.Client) error { _, err := c.Plans(t.Context()); return err }},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if strings.HasSuffix(r.URL.Path, "addon-attachments") && r.Method == http.MethodGet &&
					!strings.HasPrefix(test.answer, "[") {
					reply(w, 200, "[]")
					return
				}
				reply(w, 200, test.answer)
			})
			var body *heroku.BodyError
			if err := test.ask(srv.client(t)); !errors.As(err, &body) || !strings.Contains(body.Reason, "another object") ||
				strings.Contains(err.Error(), "canary") {
				t.Error(err)
			}
		})
	}
	renamed := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 200, appJSON(appID, "new-name")) })
	for _, reference := range []string{"old-name", string(appID), strings.ToUpper(string(appID))} {
		if app, err := renamed.client(t).FindApp(t.Context(), reference); err != nil || app.Name != "new-name" {
			t.Errorf("%s: %v", reference, err)
		}
	}
}
