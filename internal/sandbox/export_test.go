// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"net/http"
	"net/url"
)

// FillJournal adds entries to the journal without sending requests.
func (s *Sandbox) FillJournal(paths []string) {
	for _, path := range paths {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Header: http.Header{"User-Agent": {"terraform-provider-kvs/0.1.0"}}}
		s.journal.update(s.journal.add(r, s.clock.Now(), randomID()), func(q *Request) { q.Status = http.StatusOK })
	}
	s.page.notify()
}
