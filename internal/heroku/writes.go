// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku

import (
	"sync"
	"time"
)

// writes knows what our own writes have touched, and in which order: nothing that was read before may pass for the
// present. Ids are unique across kinds, so that one index serves all: a write that touches an add-on makes what was read
// about the add-on stale, and about its attachments, but not about its app.
type writes struct {
	mu       sync.Mutex
	count    uint64            // of those that have ended
	anything uint64            // the last one that may have touched more than is known
	touched  map[string]uint64 // by id: the last one that touched it
}

// unread is what a write touches that only makes something new.
const unread = "unread"

// attachmentsOn is what a write touches that attaches something to an app.
func attachmentsOn(id AppID) string { return "attachments on " + string(id) }

// settingsOf is what a write touches that changes a store on the Data API alone.
func settingsOf(id AddOnID) string { return "settings of " + string(id) }

// mark is the present point in the order of our writes.
func (w *writes) mark() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// lasting is how long an answer may serve while questions follow each other.
func (w *writes) lasting() time.Duration {
	if w.mark() == 0 {
		return refreshFor
	}
	return freshFor
}

// end notes that a write has ended, well or not. Without ids it may have touched anything.
func (w *writes) end(ids ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	if len(ids) == 0 {
		w.anything = w.count
		return
	}
	if w.touched == nil {
		w.touched = make(map[string]uint64)
	}
	for _, id := range ids {
		w.touched[id] = w.count
	}
}

// since reports whether a write that ended after the mark may have touched one of the ids.
func (w *writes) since(mark uint64, ids ...string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.anything > mark {
		return true
	}
	for _, id := range ids {
		if w.touched[id] > mark {
			return true
		}
	}
	return false
}
