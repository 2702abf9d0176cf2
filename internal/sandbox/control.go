// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"time"
)

const controlPrefix = "/__sandbox/"

// newControl routes what steers the sandbox itself. It needs no token: only this machine can reach it. What a web page makes
// a browser of this machine send is refused, with foreign by ServeHTTP, and here where it is no JSON, or not sent by the sandbox's page.
func newControl(s *Sandbox) *http.ServeMux {
	mux := http.NewServeMux()
	s.addPage(mux)
	on := func(pattern string, handle func(*http.Request) (int, any)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var status int
			var body any
			switch {
			case s.unproven(r):
				status, body = http.StatusForbidden, controlError{"A browser changes the sandbox from its page only: load the page again."}
			case changes(r) && !isJSON(r):
				status, body = http.StatusUnsupportedMediaType, controlError{"Send JSON, with the header Content-Type: application/json."}
			default:
				status, body = handle(r)
			}
			guard(w.Header())
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				text, ok := body.(encoded)
				if !ok {
					text = encode(body)
				}
				_, _ = w.Write(append(text, '\n'))
			}
		})
	}
	on("GET "+controlPrefix+"faults", func(*http.Request) (int, any) { return http.StatusOK, s.Faults() })
	on("POST "+controlPrefix+"faults", steer(http.StatusCreated, s.postFault))
	on("DELETE "+controlPrefix+"faults", func(*http.Request) (int, any) { s.Clear(); return http.StatusNoContent, nil })
	on("DELETE "+controlPrefix+"faults/{id}", func(r *http.Request) (int, any) {
		if !s.remove(r.PathValue("id")) {
			return http.StatusNotFound, controlError{"There is no such fault."}
		}
		return http.StatusNoContent, nil
	})
	on("GET "+controlPrefix+"clock", func(*http.Request) (int, any) { return http.StatusOK, s.clockBody() })
	on("POST "+controlPrefix+"clock", steer(http.StatusOK, s.postClock))
	on("GET "+controlPrefix+"journal", s.getJournal)
	on("DELETE "+controlPrefix+"journal", func(*http.Request) (int, any) { s.ResetJournal(); return http.StatusNoContent, nil })
	on("POST "+controlPrefix+"maintenances", steer(http.StatusCreated, s.postMaintenance))
	on("POST "+controlPrefix+"failover", onStore(s.FailOver))
	on("POST "+controlPrefix+"standby", onStore(s.FreezeStandby))
	on("POST "+controlPrefix+"restart", onStore(s.Restart))
	on("GET "+controlPrefix+"ledger", func(*http.Request) (int, any) { return http.StatusOK, s.Ledger() })
	on(controlPrefix, func(*http.Request) (int, any) {
		return http.StatusNotFound, controlError{"There are faults, clock, maintenances, failover, standby, restart, journal, ledger, world and events here: " +
			"see internal/sandbox/README.md."}
	})
	return mux
}

// foreign says why a request may come from a web page that is not the sandbox's own; "" = it does not. A browser tells a page's
// origin, but not in every request. A page whose host name was made to lead to this machine has another host.
func foreign(r *http.Request) (why string) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	switch {
	case !loopback(host):
		return "The sandbox answers at its loopback address only."
	case origin != "" && origin != "http://"+r.Host, site != "" && site != "same-origin" && site != "none":
		return "The sandbox does not answer the web pages of others."
	}
	return ""
}

// changes reports whether a request has a body that says what to do.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodDelete
}

// isJSON: a browser needs nobody's permission to send a body of another kind to another origin.
func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}

// encoded is an answer that is JSON already.
type encoded []byte

type controlError struct {
	Error string `json:"error"`
}

// steer decodes a request's body and does what it says: the answer has the status, or 422 and the error.
func steer[T any](status int, do func(T) (any, error)) func(*http.Request) (int, any) {
	return func(r *http.Request) (int, any) {
		var in T
		decoder := json.NewDecoder(io.LimitReader(r.Body, maxBody))
		decoder.DisallowUnknownFields() // a misspelt member would be a fault that never strikes
		err := decoder.Decode(&in)
		var body any
		if err == nil {
			body, err = do(in)
		}
		if err != nil {
			return http.StatusUnprocessableEntity, controlError{err.Error()}
		}
		return status, body
	}
}

func (s *Sandbox) postFault(f Fault) (any, error) {
	if f.Do.empty() {
		return nil, errors.New(`"do" says nothing`)
	}
	id, err := s.inject(f)
	return object{"id": id}, err
}

func (s *Sandbox) postClock(in struct {
	Advance Duration `json:"advance"`
}) (any, error) {
	if in.Advance < 0 {
		return nil, errors.New("The clock cannot go back.")
	}
	if !s.clock.Advance(time.Duration(in.Advance)) {
		return nil, fmt.Errorf("The clock does not go beyond %s.", farthest.Format(time.DateOnly))
	}
	return s.clockBody(), nil
}

func (s *Sandbox) clockBody() object { return object{"now": s.clock.Now()} }

// onStore does something with the store that the body names.
func onStore(do func(store string) error) func(*http.Request) (int, any) {
	return steer(http.StatusOK, func(in struct {
		Store string `json:"store"` // id or name
	}) (any, error) {
		return object{"store": in.Store}, do(in.Store)
	})
}

func (s *Sandbox) postMaintenance(in struct {
	Store string   `json:"store"` // id or name
	In    Duration `json:"in"`
}) (any, error) {
	return object{"store": in.Store}, s.RequireMaintenance(in.Store, time.Duration(in.In))
}
