// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

var policyTexts = map[string]string{
	"noeviction":      "return errors when the memory limit is reached",
	"allkeys-lru":     "evict the least recently used keys",
	"volatile-lru":    "evict the least recently used keys among those with an expiry",
	"allkeys-random":  "evict random keys",
	"volatile-random": "evict random keys among those with an expiry",
	"volatile-ttl":    "evict keys with an expiry, shortest TTL first",
	"allkeys-lfu":     "evict the least frequently used keys",
	"volatile-lfu":    "evict the least frequently used keys among those with an expiry",
}

func configBody(s serverSettings) object {
	return object{
		"maxmemory_policy": object{"value": s.MaxmemoryPolicy, "values": policyTexts, "default": "noeviction",
			"desc": "Key eviction behavior once the memory limit is reached"},
		"notify_keyspace_events":  object{"value": s.NotifyKeyspaceEvents, "default": "", "desc": "Keyspace notification classes"},
		"standby_segv_workaround": object{"value": false, "default": false, "desc": "internal"},
		"timeout":                 object{"value": s.Timeout, "default": 300, "desc": "Idle client timeout in seconds"},
	}
}

func getStoreConfig(_ *call, a *addOn) (any, error) {
	if a.State == stateProvisioning {
		return nil, beingProvisioned(a)
	}
	return configBody(a.Store.Settings), nil
}

func updateStoreConfig(c *call, a *addOn, in struct {
	Timeout              *int64  `json:"timeout"`
	MaxmemoryPolicy      *string `json:"maxmemory_policy"`
	NotifyKeyspaceEvents *string `json:"notify_keyspace_events"`
}) (_ any, err error) {
	settings := a.Store.Settings
	if in.Timeout != nil {
		err = errors.Join(err, settings.setTimeout(*in.Timeout))
	}
	if in.MaxmemoryPolicy != nil {
		err = errors.Join(err, settings.setPolicy(*in.MaxmemoryPolicy))
	}
	if in.NotifyKeyspaceEvents != nil {
		err = errors.Join(err, settings.setEvents(*in.NotifyKeyspaceEvents))
	}
	if err != nil {
		return nil, unprocessable("%s", err)
	}
	if settings != a.Store.Settings {
		a.Store.Settings = settings
		c.w.addEvent(event{Kind: settingsChanged, AddOn: a.ID, Due: c.now})
	}
	return configBody(settings), nil
}

func (s *serverSettings) setTimeout(seconds int64) error {
	if seconds < 0 || seconds > math.MaxInt32 { // the server's own limit
		return fmt.Errorf("timeout must be a number of seconds from 0 to %d", math.MaxInt32)
	}
	s.Timeout = int(seconds)
	return nil
}

func (s *serverSettings) setPolicy(policy string) error {
	if policyTexts[policy] == "" {
		return fmt.Errorf("maxmemory_policy must be one of %s", strings.Join(slices.Sorted(maps.Keys(policyTexts)), ", "))
	}
	s.MaxmemoryPolicy = policy
	return nil
}

// eventFlags are the flags of notify_keyspace_events in the order in which a server returns them. A stands for the first nine.
const eventFlags = "g$lshztxe" + "mKE"

func (s *serverSettings) setEvents(flags string) error {
	flags = strings.ReplaceAll(flags, "A", eventFlags[:9])
	if strings.Trim(flags, eventFlags) != "" {
		return fmt.Errorf("notify_keyspace_events must consist of the flags A and %s", eventFlags)
	}
	canonical := strings.Map(func(flag rune) rune {
		if strings.ContainsRune(flags, flag) {
			return flag
		}
		return -1
	}, eventFlags)
	s.NotifyKeyspaceEvents = strings.Replace(canonical, eventFlags[:9], "A", 1)
	return nil
}
