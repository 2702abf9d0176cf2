// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// beginCreation refuses a request that creates an add-on while another one is being created on the same app. Heroku's behaviour for this
// case is undocumented, so a client must not depend on it. The caller must call done after the request. It has no effect on other
// requests.
func (s *Sandbox) beginCreation(r *http.Request) (done func(), err error) {
	segments := strings.Split(r.URL.Path, "/")
	if r.Method != http.MethodPost || len(segments) != 4 || segments[1] != "apps" || segments[3] != "addons" {
		return func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := find(s.world.Apps, segments[2], (*app).name)
	if a == nil {
		return func() {}, nil
	}
	if s.creating[a.ID] {
		return nil, refuse(http.StatusConflict, "conflict", "Another add-on is being created on the app %s. Please try again later.", a.Name)
	}
	s.creating[a.ID] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.creating, a.ID)
	}, nil
}

// configValue is the value of a provisioning option. The Heroku CLI sends true for an option without a value.
type configValue string

func (v *configValue) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, (*string)(v))
	case 't', 'f':
		*v = configValue(raw)
		return nil
	}
	return &json.UnmarshalTypeError{Value: string(raw)}
}

// configure applies the provisioning options (Platform API reference, add-ons; Dev Center: Heroku Key-Value Store). Unknown options are
// ignored.
func (c *call) configure(a *addOn, config map[string]configValue) error {
	refused := func(err error) error {
		return refuse(http.StatusUnprocessableEntity, "provider_error",
			"An error was encountered when contacting the add-on partner to create %s: %s", a.Plan.Wire(), err)
	}
	for key, value := range config {
		text := string(value)
		switch key {
		case "timeout":
			seconds, err := strconv.ParseInt(text, 10, 64)
			if err != nil || a.Store.Settings.setTimeout(seconds) != nil {
				return refused(errors.New("timeout must be a number of seconds, 0 or more"))
			}
		case "maxmemory_policy":
			if err := a.Store.Settings.setPolicy(text); err != nil {
				return refused(err)
			}
		case "version":
			version, ok := fullVersion(text)
			if !ok {
				return refused(fmt.Errorf("version %s is not available", text))
			}
			a.Store.Version = version
		case "fork":
			if err := c.addFork(a, text); err != nil {
				return refused(err)
			}
		}
	}
	return nil
}
