// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"net/url"
)

// FillJournal notes requests that nobody sends.
func (s *Sandbox) FillJournal(paths []string) {
	for _, path := range paths {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Header: http.Header{"User-Agent": {"terraform-provider-kvs/0.1.0"}}}
		s.journal.note(s.journal.begin(r, s.clock.Now(), randomID()), func(q *Request) { q.Status = http.StatusOK })
	}
	s.page.wake()
}
