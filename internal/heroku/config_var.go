// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// ConfigVar returns one config var of an app, and whether it is set (Platform API reference, config vars). Heroku sends
// all config vars; the values of the others are not decoded.
func (c *Client) ConfigVar(ctx context.Context, id AppID, name string) (value string, set bool, err error) {
	found, _, err := exchange(ctx, c, c.get("apps", string(id), "config-vars"), func(body []byte) (*string, error) {
		vars, err := decode[map[string]json.RawMessage](body)
		if err != nil || vars[name] == nil {
			return nil, err
		}
		var value *string
		err = unmarshal(vars[name], &value)
		return value, err
	})
	if err != nil || found == nil {
		return "", false, err
	}
	if u, err := url.Parse(*found); err == nil && u.User != nil {
		c.known.add(Secret(*found))
	}
	return *found, true, nil
}

// SetConfigVar sets one config var of an app, or removes it if value is nil; the app restarts. Heroku refuses to change a config
// var that belongs to an attachment. The response is not decoded, because it has all config vars.
func (c *Client) SetConfigVar(ctx context.Context, id AppID, name string, value *string) error {
	if value != nil {
		ctx = withSecret(ctx, Secret(*value)) // the value may be a secret
	}
	_, err := updateObject(ctx, c, c.patch(map[string]*string{name: value}, "apps", string(id), "config-vars"),
		func(body []byte) (*string, error) { return value, expect(body, '{', "an object") },
		func(ctx context.Context) (*string, error) {
			now, set, err := c.ConfigVar(ctx, id, name)
			if !set {
				return nil, err
			}
			return &now, err
		},
		func(now *string) bool { return (now == nil) == (value == nil) && (now == nil || *now == *value) })
	return err
}

// WaitConfigVar waits until accept returns true for the value of a config var. Its errors are *WaitError; when the app is gone,
// it wraps Heroku's not_found.
func (c *Client) WaitConfigVar(ctx context.Context, id AppID, name string, timeout time.Duration, accept func(Secret) bool) error {
	what := fmt.Sprintf("the config var %s of app %s to change", name, id)
	_, err := await(ctx, c, what, timeout, func(ctx context.Context, waited time.Duration) (struct{}, progress, error) {
		value, set, err := c.ConfigVar(ctx, id, name)
		p := progress{state: "not set"}
		switch {
		case IsNotFound(err):
			p.failure = err
		case err != nil:
			return struct{}{}, p, err
		case set:
			p = progress{state: "not changed yet", ready: accept(Secret(value))}
		case waited > notFoundGrace:
			p.failure = errors.New("it is not set any more")
		}
		return struct{}{}, p, nil
	})
	return err
}
