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

// The certificates of Heroku's stores are self-signed, so that nothing verifies them. What can be known is that a server is
// the one that was there before: the key of the certificate that is seen first at an address is remembered, and the password
// is not sent to another one.
//
// An address is host and port, as the Data API names them over TLS that is verified. Whoever sits between here and the store
// cannot change it there; and when Heroku moves a store, by a failover, a maintenance or another plan, it has another address,
// so that this is no change of a key. A key is remembered for the run, and across runs in the private state of a kvs_instance
// that was asked. What that does not cover: the first connection to an address; a store that only a data source or an action
// asks, of which nothing is kept from run to run; and a run whose private state was lost, by a crash or an import. Who cannot
// accept that says probe = "off".

const (
	probeOn     = "on"
	probeOff    = "off"
	probeAnyNew = "accept_new_certificate"
)

func probeAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional:   true,
		Validators: []validator.String{stringvalidator.OneOf(probeOn, probeOff, probeAnyNew)},
		MarkdownDescription: "Whether running stores are connected to, with their password, to prove that data fits " +
			"or has been copied, and for `kvs_usage`. " +
			"`on`, the default: where they can be reached. The certificates of Heroku's stores are self-signed, so " +
			"that the one that is seen first is remembered, and the password is not sent to another one. " +
			"`off`: never; what would have been proven counts as not proven. " +
			"`accept_new_certificate`: for one run, forget the certificates of earlier runs, after Heroku has renewed one.",
	}
}

// certificates are the keys that are known in one run. It is never nil in a configured provider; nil knows nothing.
type certificates struct {
	forget bool // what earlier runs have seen

	mu    sync.Mutex
	keys  map[string]string              // by the hash of the address
	where map[heroku.AddOnID]string      // the hash of the address of a store that was asked
	kept  map[heroku.AddOnID]certificate // as it is in the private state
}

// certificate is what the private state has of one. The address is there as a hash: it is a part of a URL.
type certificate struct {
	Address string `json:"address"`
	Key     string `json:"key"`
}

func newCertificates(probing string) *certificates {
	return &certificates{
		forget: probing == probeAnyNew,
		keys:   map[string]string{}, where: map[heroku.AddOnID]string{}, kept: map[heroku.AddOnID]certificate{},
	}
}

func addressHash(u keyvalue.Connection) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d", u.Host, u.Port))
	return hex.EncodeToString(sum[:])
}

// accept returns what judges the key of a server at an address: the first one there is remembered, before anything is sent.
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

// belongs notes whose address it is that is asked.
func (c *certificates) belongs(id heroku.AddOnID, url heroku.Secret) {
	at, err := keyvalue.ParseURL(url.Reveal())
	if c == nil || err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.where[id] = addressHash(at)
}

// certificateKey is where the private state of a kvs_instance has the certificate of its server.
const certificateKey = "certificate"

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// recall takes over what an earlier run has seen of a store.
func (c *certificates) recall(ctx context.Context, id heroku.AddOnID, private privateReader) diag.Diagnostics {
	if c == nil || c.forget {
		return nil
	}
	text, diags := private.GetKey(ctx, certificateKey)
	var known certificate
	if text == nil || json.Unmarshal(text, &known) != nil || known.Address == "" {
		return diags
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[id] = known
	if _, seen := c.keys[known.Address]; !seen {
		c.keys[known.Address] = known.Key
	}
	return diags
}

// keep writes what this run has seen of a store, for the next one.
func (c *certificates) keep(ctx context.Context, id heroku.AddOnID, private privateWriter) diag.Diagnostics {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := certificate{Address: c.where[id]}
	seen.Key = c.keys[seen.Address]
	if seen.Key == "" || seen == c.kept[id] {
		return nil
	}
	text, err := json.Marshal(seen)
	if err != nil {
		return nil // of two strings there is none
	}
	c.kept[id] = seen
	return private.SetKey(ctx, certificateKey, text)
}

// withWayOut says what to do about a certificate that has changed.
func withWayOut(err error) error {
	var away *probe.Unreachable
	if !errors.As(err, &away) || away.Reason != probe.ReasonCertificate {
		return err
	}
	return &probe.Unreachable{Reason: away.Reason, Detail: away.Detail +
		`. Somebody may be between here and the store. If Heroku has renewed the certificate, set probe = "accept_new_certificate" in the provider block for one run; probe = "off" forbids to connect at all`}
}
