// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// dumpedKey is an element of a dump file, which is a JSON array. Exactly one value is set. Values are bytes, because JSON strings
// cannot represent all of them. HyperLogLogs, consumer groups and the expiry of single hash fields are not kept.
type dumpedKey struct {
	DB      int            `json:"db"`
	Key     []byte         `json:"key"`
	Expires time.Time      `json:"expires,omitzero"`
	String  *[]byte        `json:"string,omitempty"`
	List    [][]byte       `json:"list,omitempty"`
	Set     [][]byte       `json:"set,omitempty"`
	Hash    [][2][]byte    `json:"hash,omitempty"`
	ZSet    []dumpedMember `json:"zset,omitempty"`
	Stream  []dumpedEntry  `json:"stream,omitempty"`
}

type dumpedEntry struct {
	ID     string   `json:"id"`
	Values [][]byte `json:"values"`
}

type dumpedMember struct {
	Member []byte  `json:"member"`
	Score  float64 `json:"score"`
}

const databases = 16 // default of a Redis server

// saveDump writes all keys to a file, atomically.
func saveDump(m *miniredis.Miniredis, file string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keeping the keys of a store: %w", err)
		}
	}()
	var keys []dumpedKey
	for n := range databases {
		db := m.DB(n)
		for _, name := range db.Keys() {
			key, err := dumpKey(db, name)
			if err != nil {
				return err
			}
			key.DB = n
			keys = append(keys, key)
		}
	}
	text, err := json.Marshal(keys)
	if err == nil {
		err = os.WriteFile(file+".new", text, 0o600)
	}
	if err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func dumpKey(db *miniredis.RedisDB, name string) (key dumpedKey, err error) {
	key.Key = []byte(name)
	if ttl := db.TTL(name); ttl > 0 {
		key.Expires = time.Now().Add(ttl)
	}
	switch db.Type(name) {
	case "string":
		var value string
		value, err = db.Get(name)
		text := []byte(value)
		key.String = &text
	case "list":
		key.List, err = bytesOf(db.List(name))
	case "set":
		key.Set, err = bytesOf(db.Members(name))
	case "hash":
		var fields []string
		fields, err = db.HKeys(name)
		for _, field := range fields {
			key.Hash = append(key.Hash, [2][]byte{[]byte(field), []byte(db.HGet(name, field))})
		}
	case "zset":
		var scores map[string]float64
		scores, err = db.SortedSet(name)
		for member, score := range scores {
			key.ZSet = append(key.ZSet, dumpedMember{Member: []byte(member), Score: score})
		}
	case "stream":
		var entries []miniredis.StreamEntry
		entries, err = db.Stream(name)
		for _, entry := range entries {
			values, _ := bytesOf(entry.Values, nil)
			key.Stream = append(key.Stream, dumpedEntry{ID: entry.ID, Values: values})
		}
	}
	return key, err
}

// loadDump loads the keys of a file, except those that have expired meanwhile. A missing file means no keys.
func loadDump(m *miniredis.Miniredis, file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the keys of a store: %w", err)
	}
	var keys []dumpedKey
	if err := json.Unmarshal(text, &keys); err != nil {
		return fmt.Errorf("reading the keys of a store from %s: %w", file, err)
	}
	for _, key := range keys {
		if !key.Expires.IsZero() && time.Until(key.Expires) <= 0 {
			continue
		}
		if err := loadKey(m.DB(key.DB), key); err != nil {
			return fmt.Errorf("reading the keys of a store from %s: %w", file, err)
		}
	}
	return nil
}

func loadKey(db *miniredis.RedisDB, key dumpedKey) (err error) {
	name := string(key.Key)
	switch {
	case key.String != nil:
		err = db.Set(name, string(*key.String))
	case key.List != nil:
		_, err = db.Push(name, stringsOf(key.List)...)
	case key.Set != nil:
		_, err = db.SetAdd(name, stringsOf(key.Set)...)
	}
	for _, pair := range key.Hash {
		db.HSet(name, string(pair[0]), string(pair[1]))
	}
	for _, member := range key.ZSet {
		if _, err := db.ZAdd(name, member.Score, string(member.Member)); err != nil {
			return err
		}
	}
	for _, entry := range key.Stream {
		if _, err := db.XAdd(name, entry.ID, stringsOf(entry.Values)); err != nil {
			return err
		}
	}
	if !key.Expires.IsZero() {
		db.SetTTL(name, time.Until(key.Expires))
	}
	return err
}

func bytesOf(texts []string, err error) ([][]byte, error) {
	all := make([][]byte, len(texts))
	for i, text := range texts {
		all[i] = []byte(text)
	}
	return all, err
}

func stringsOf(all [][]byte) []string {
	texts := make([]string, len(all))
	for i, b := range all {
		texts[i] = string(b)
	}
	return texts
}
