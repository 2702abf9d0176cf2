// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// SetSpaceLogDrain changes the URL of a space's log drain. The space must have been created with one.
func (c *Client) SetSpaceLogDrain(ctx context.Context, id SpaceID, to Secret) error {
	current := c.get("spaces", string(id), "log-drain")
	k := current
	k.operation, k.method, k.body = write, http.MethodPut, map[string]string{"url": to.Reveal()}
	_, err := updateObject(withSecret(ctx, to), c, k, decode[logDrain],
		func(ctx context.Context) (logDrain, error) {
			now, _, err := exchange(ctx, c, current, decode[logDrain])
			return now, err
		},
		func(now logDrain) bool { return string(now.URL) == to.Reveal() })
	return err
}

type logDrain struct {
	URL text `json:"url"`
}

// secretKey is the context key of a Secret in a request's body.
type secretKey struct{}

func withSecret(ctx context.Context, s Secret) context.Context {
	return context.WithValue(ctx, secretKey{}, s)
}

// redactingTransport redacts the secret of a request's context in the headers of the response, and in the body of an error, before
// an error or a log can repeat it.
type redactingTransport struct{ http.RoundTripper }

func (d redactingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := d.RoundTripper.RoundTrip(r)
	secret, _ := r.Context().Value(secretKey{}).(Secret)
	if err != nil || secret == "" {
		return response, err
	}
	for _, values := range response.Header {
		for i := range values {
			values[i] = secret.redactFrom(values[i])
		}
	}
	if response.StatusCode >= 300 {
		// The rest of a longer body stays unredacted: the caller refuses bodies longer than maxBodySize.
		body, _ := io.ReadAll(io.LimitReader(response.Body, maxBodySize))
		rest := response.Body
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(secret.redactErrorBody(body)), rest), rest}
	}
	return response, nil
}

// redactErrorBody returns the known fields of an error body without the secret. A body of another form stays as it is: errors
// never quote it.
func (s Secret) redactErrorBody(body []byte) []byte {
	fields, err := decode[errorBody](body)
	if err != nil {
		return body
	}
	for _, field := range []*text{&fields.ID, (*text)(&fields.Message), &fields.URL, &fields.Resource} {
		*field = text(s.redactFrom(string(*field)))
	}
	clean, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return clean
}
