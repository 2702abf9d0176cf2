// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/probe"
)

// The certificates of Heroku's stores are self-signed, so no authority verifies them. What can be verified is that a server has
// the same key as before: the first key that is seen at an address is remembered, and the password is not sent to a server with
// another key.
//
// An address is host and port. They come from the Data API over verified TLS, so nobody between here and the store can change
// them. A store that Heroku moves, by a failover, a maintenance or a plan change, gets another address, so its new key is not a
// changed key. A key is remembered for the run, and across runs in the private state of a kvs_instance whose store was connected
// to. This does not protect the first connection to an address; a store that only a data source or an action connects to,
// because nothing is stored for these; and a run whose private state was lost in a crash or an import. Set probe = "off" if that
// is not acceptable.

const (
	probeOn     = "on"
	probeOff    = "off"
	probeAnyNew = "accept_new_certificate"
)

func probeAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional:   true,
		Validators: []validator.String{stringvalidator.OneOf(probeOn, probeOff, probeAnyNew)},
		MarkdownDescription: "Whether the provider connects to running stores, with their passwords, to prove that data fits or has been " +
			"copied, and for `kvs_usage`. `on`, the default, connects to the stores that can be reached. The certificates of Heroku's stores " +
			"are self-signed, so the provider remembers the first certificate that it sees, and does not send the password to a server with a " +
			"different one. `off` never connects; what a connection would have proven counts as not proven. `accept_new_certificate` ignores " +
			"the certificates of earlier runs; use it for one run, after Heroku has renewed a certificate.",
	}
}

// certificates are the keys that are known in one run. It is not nil in a configured provider; a nil one knows no keys.
type certificates struct {
	ignoreStored bool // ignore the keys of earlier runs

	mu        sync.Mutex
	keys      map[string]string              // by address hash
	addresses map[heroku.AddOnID]string      // address hashes of the stores that were connected to
	stored    map[heroku.AddOnID]certificate // as stored in the private state
}

// certificate is stored in the private state. It has only a hash of the address, which is part of a secret URL.
type certificate struct {
	Address string `json:"address"`
	Key     string `json:"key"`
}

func newCertificates(probing string) *certificates {
	return &certificates{
		ignoreStored: probing == probeAnyNew,
		keys:         map[string]string{}, addresses: map[heroku.AddOnID]string{}, stored: map[heroku.AddOnID]certificate{},
	}
}

func addressHash(u keyvalue.Connection) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d", u.Host, u.Port))
	return hex.EncodeToString(sum[:])
}

// accept returns a function that reports whether a server's key is the remembered one for its address. The first key of an
// address is accepted and remembered.
func (c *certificates) accept(at keyvalue.Connection) func(key string) bool {
	if c == nil {
		return nil
	}
	address := addressHash(at)
	return func(key string) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if known, seen := c.keys[address]; seen {
			return known == key
		}
		c.keys[address] = key
		return true
	}
}

// noteAddress records the address of a store.
func (c *certificates) noteAddress(id heroku.AddOnID, url heroku.Secret) {
	at, err := keyvalue.ParseURL(url.Reveal())
	if c == nil || err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addresses[id] = addressHash(at)
}

// certificateKey is the key of the certificate in the private state of a kvs_instance.
const certificateKey = "certificate"

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// load loads the certificate that an earlier run stored for a store.
func (c *certificates) load(ctx context.Context, id heroku.AddOnID, private privateReader) diag.Diagnostics {
	if c == nil || c.ignoreStored {
		return nil
	}
	text, diags := private.GetKey(ctx, certificateKey)
	var known certificate
	if text == nil || json.Unmarshal(text, &known) != nil || known.Address == "" {
		return diags
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stored[id] = known
	if _, seen := c.keys[known.Address]; !seen {
		c.keys[known.Address] = known.Key
	}
	return diags
}

// save stores the certificate of a store for the next run, if it is new.
func (c *certificates) save(ctx context.Context, id heroku.AddOnID, private privateWriter) diag.Diagnostics {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := certificate{Address: c.addresses[id]}
	seen.Key = c.keys[seen.Address]
	if seen.Key == "" || seen == c.stored[id] {
		return nil
	}
	text, err := json.Marshal(seen)
	if err != nil {
		return nil // two strings can always be encoded
	}
	c.stored[id] = seen
	return private.SetKey(ctx, certificateKey, text)
}

// withCertificateHelp adds what to do about a changed certificate.
func withCertificateHelp(err error) error {
	var unreachable *probe.Unreachable
	if !errors.As(err, &unreachable) || unreachable.Reason != probe.ReasonCertificate {
		return err
	}
	return &probe.Unreachable{Reason: unreachable.Reason, Detail: unreachable.Detail +
		`. Somebody may be between here and the store. If Heroku has renewed the certificate, set ` +
		`probe = "accept_new_certificate" in the provider block for one run; probe = "off" prevents every connection`}
}
