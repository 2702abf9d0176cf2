// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue_test

import (
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/keyvalue"
)

// counts returns a keyspace with one database.
func counts(persistent, expiring int64) keyvalue.Keyspace {
	return keyvalue.Keyspace{0: {Keys: persistent + expiring, Expiring: expiring}}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	const complete, incomplete, undecided = keyvalue.CopyComplete, keyvalue.CopyIncomplete, keyvalue.CopyUndecided
	two := func(zero, seven int64) keyvalue.Keyspace {
		return keyvalue.Keyspace{0: {Keys: zero}, 7: {Keys: seven}}
	}
	for name, test := range map[string]struct {
		before, copied, after keyvalue.Keyspace
		want                  keyvalue.CopyState
	}{
		"nothing is equal to nothing":                          {keyvalue.Keyspace{}, keyvalue.Keyspace{}, keyvalue.Keyspace{}, complete},
		"as many keys of each kind":                            {counts(800, 200), counts(800, 200), counts(800, 200), complete},
		"as many in every database":                            {two(5, 3), two(5, 3), two(5, 3), complete},
		"as many in all, but not in every database":            {two(5, 3), two(3, 5), two(5, 3), incomplete},
		"a database that did not arrive":                       {two(5, 3), counts(5, 0), two(5, 3), incomplete},
		"a database that the source does not have":             {counts(5, 0), two(5, 3), counts(5, 0), undecided},
		"an empty copy":                                        {counts(800, 200), keyvalue.Keyspace{}, counts(800, 200), incomplete},
		"an empty copy of a store whose keys all expire":       {counts(0, 200), keyvalue.Keyspace{}, counts(0, 200), incomplete},
		"one lasting key is missing":                           {counts(800, 200), counts(799, 200), counts(800, 200), incomplete},
		"one lasting key too many":                             {counts(800, 200), counts(801, 200), counts(800, 200), undecided},
		"as many keys in all, and one has lost its expiry":     {counts(800, 200), counts(801, 199), counts(800, 200), undecided},
		"keys expire, and the copy is in between":              {counts(800, 200), counts(800, 195), counts(800, 190), complete},
		"keys expire, and the copy is where the source was":    {counts(800, 200), counts(800, 200), counts(800, 190), complete},
		"keys expire, and the copy is where the source ends":   {counts(800, 200), counts(800, 190), counts(800, 190), complete},
		"all keys expire meanwhile":                            {counts(0, 200), counts(0, 70), keyvalue.Keyspace{}, complete},
		"the copy has removed a few expired keys first":        {counts(800, 200), counts(800, 190), counts(800, 200), undecided},
		"the copy has removed few, and later than they went":   {counts(800, 200), counts(800, 210), counts(800, 200), undecided},
		"too many of those that expire are missing":            {counts(800, 200), counts(800, 189), counts(800, 200), incomplete},
		"too many expire":                                      {counts(800, 200), counts(800, 211), counts(800, 200), undecided},
		"no key has kept its expiry":                           {counts(800, 200), counts(1000, 0), counts(800, 200), incomplete},
		"more than enough in one database, too few in another": {two(5, 3), two(50, 2), two(5, 3), incomplete},
		"one of a few that expire is missing":                  {counts(0, 3), counts(0, 2), counts(0, 3), incomplete},
		"somebody writes":                                      {counts(800, 0), counts(795, 0), counts(801, 0), undecided},
		"somebody writes, and the copy is in between":          {counts(800, 0), counts(801, 0), counts(802, 0), undecided},
		"somebody removes":                                     {counts(800, 0), counts(810, 0), counts(799, 0), undecided},
		"somebody writes keys that expire":                     {counts(0, 200), counts(0, 180), counts(0, 201), undecided},
		"somebody writes, and half of it has arrived":          {counts(800, 0), counts(400, 0), counts(801, 0), undecided},
		"somebody writes, and less than half has arrived":      {counts(800, 0), counts(399, 0), counts(801, 0), incomplete},
		"somebody writes, and nothing has arrived":             {counts(800, 0), keyvalue.Keyspace{}, counts(801, 0), incomplete},
		"somebody writes to an empty store":                    {keyvalue.Keyspace{}, keyvalue.Keyspace{}, counts(2, 0), undecided},
		"somebody writes to one database, another is wrong":    {two(5, 300), two(4, 300), two(5, 301), incomplete},
		"somebody writes to one database, the other is fine":   {two(5, 300), two(5, 300), two(5, 301), undecided},
		"the source does not count":                            {nil, counts(5, 0), nil, undecided},
		"the copy does not count":                              {counts(5, 0), nil, counts(5, 0), undecided},
		"the source does not count any more":                   {counts(5, 0), counts(5, 0), nil, undecided},
	} {
		if got := keyvalue.CompareCopy(test.before, test.copied, test.after); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestKeyspace_text(t *testing.T) {
	t.Parallel()
	for want, keys := range map[string]keyvalue.Keyspace{
		"an unknown number of keys":      nil,
		"0 keys, 0 of which expire":      {},
		"1000 keys, 200 of which expire": counts(800, 200),
		"10 keys, 1 of which expire (6 in database 0, 1 in database 3, 3 in database 12)": {12: {Keys: 3, Expiring: 1}, 0: {Keys: 6},
			3: {Keys: 1}},
	} {
		if got := keys.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
