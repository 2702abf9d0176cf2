// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Any change of a single key is detected, for each type. The passing of time is not a change.
func TestAKeyThatIsNotTheSameIsNoticed(t *testing.T) {
	t.Parallel()
	const ( // one key of each kind, and one that expires
		aString, aHash, aList, aSet, aSortedSet, aStream = "order:0000", "order:0001", "order:0002", "order:0003", "order:0004", "order:0005"
		expires                                          = "order:0006"
	)
	for name, tt := range map[string]struct {
		change func(*miniredis.Miniredis)
		want   string // part of the error; "" = no error
	}{
		"nothing happens":              {func(*miniredis.Miniredis) {}, ""},
		"a minute passes":              {func(s *miniredis.Miniredis) { s.FastForward(time.Minute) }, ""},
		"a string is another one":      {func(s *miniredis.Miniredis) { _ = s.Set(aString, "x") }, aString},
		"a field of a hash is gone":    {func(s *miniredis.Miniredis) { s.HDel(aHash, "state") }, aHash},
		"a list has another end":       {func(s *miniredis.Miniredis) { _, _ = s.Pop(aList) }, aList},
		"a set has one member more":    {func(s *miniredis.Miniredis) { _, _ = s.SetAdd(aSet, "x") }, aSet},
		"a score differs":              {func(s *miniredis.Miniredis) { _, _ = s.ZAdd(aSortedSet, 3, "first") }, aSortedSet},
		"a stream has one entry more":  {func(s *miniredis.Miniredis) { _, _ = s.XAdd(aStream, "*", []string{"a", "b"}) }, aStream},
		"a key is of another type":     {func(s *miniredis.Miniredis) { s.Del(aString); _, _ = s.Push(aString, "x") }, aString},
		"a key is gone":                {func(s *miniredis.Miniredis) { s.Del(aHash) }, aHash},
		"a key is left over":           {func(s *miniredis.Miniredis) { _ = s.Set("x", "x") }, "1001 keys"},
		"a key does not expire":        {func(s *miniredis.Miniredis) { v, _ := s.Get(expires); s.Del(expires); _ = s.Set(expires, v) }, expires},
		"a key expires later":          {func(s *miniredis.Miniredis) { s.SetTTL(expires, 3*time.Hour) }, expires},
		"a key expires that never did": {func(s *miniredis.Miniredis) { s.SetTTL(aSet, time.Hour) }, aSet},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := miniredis.RunT(t)
			store := redis.NewClient(&redis.Options{Addr: server.Addr(), Protocol: 2})
			defer func() { _ = store.Close() }()
			if err := attempt(func() { writeKeys(t.Context(), store) }); err != nil {
				t.Fatal(err)
			}
			tt.change(server)
			err := attempt(func() { checkKeys(t.Context(), store) })
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("compared with %v, want %q", err, tt.want)
			}
		})
	}
}

// A dyno connects through the proxy, and gets an error if the proxy refuses.
func TestADynoGoesThroughTheProxy(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		app, _, _ := user.BasicAuth()
		if r.Method != http.MethodConnect || r.Host != "store.invalid:6380" || app != "inside" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
		_, _ = conn.Read(make([]byte, 1))
	}))
	defer proxy.Close()

	conn, err := (&sandbox{url: proxy.URL}).dialAs("inside")(t.Context(), "tcp", "store.invalid:6380")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	_, err = (&sandbox{url: proxy.URL}).dialAs("outside")(t.Context(), "tcp", "store.invalid:6380")
	if err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("another app is told %v", err)
	}
}
