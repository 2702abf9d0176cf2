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

// newControl routes the endpoints that control the sandbox itself. They need no API token, because only this machine can reach them.
// Requests that a web page of another origin causes are refused: by ServeHTTP (crossOriginRefusal), and here if the body is not JSON, or
// if a browser sends a change without the token of the sandbox's page.
func newControl(s *Sandbox) *http.ServeMux {
	mux := http.NewServeMux()
	s.addPage(mux)
	on := func(pattern string, handle func(*http.Request) (int, any)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var status int
			var body any
			switch {
			case s.lacksPageToken(r):
				status, body = http.StatusForbidden, controlError{"A browser changes the sandbox from its page only: load the page again."}
			case takesBody(r) && !isJSON(r):
				status, body = http.StatusUnsupportedMediaType, controlError{"Send JSON, with the header Content-Type: application/json."}
			default:
				status, body = handle(r)
			}
			setSecurityHeaders(w.Header())
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
	on("POST "+controlPrefix+"faults", jsonHandler(http.StatusCreated, s.postFault))
	on("DELETE "+controlPrefix+"faults", func(*http.Request) (int, any) { s.Clear(); return http.StatusNoContent, nil })
	on("DELETE "+controlPrefix+"faults/{id}", func(r *http.Request) (int, any) {
		if !s.remove(r.PathValue("id")) {
			return http.StatusNotFound, controlError{"There is no such fault."}
		}
		return http.StatusNoContent, nil
	})
	on("GET "+controlPrefix+"clock", func(*http.Request) (int, any) { return http.StatusOK, s.clockBody() })
	on("POST "+controlPrefix+"clock", jsonHandler(http.StatusOK, s.postClock))
	on("GET "+controlPrefix+"journal", s.getJournal)
	on("DELETE "+controlPrefix+"journal", func(*http.Request) (int, any) { s.ResetJournal(); return http.StatusNoContent, nil })
	on("POST "+controlPrefix+"maintenances", jsonHandler(http.StatusCreated, s.postMaintenance))
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

// crossOriginRefusal returns the error message for a request that may come from a web page of another origin; "" = accept the request.
// The Host header is checked too: with DNS rebinding, a page of another host appears to have the same origin.
func crossOriginRefusal(r *http.Request) (message string) {
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

// takesBody reports whether a request is expected to have a body.
func takesBody(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodDelete
}

// isJSON reports whether the body is declared as JSON. A browser sends other types, such as text/plain, to another origin without asking it
// first (CORS preflight).
func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}

// encoded is a response that is already encoded as JSON.
type encoded []byte

type controlError struct {
	Error string `json:"error"`
}

// jsonHandler returns a handler that decodes the body and passes it to do. It answers with the status, or with 422 and the error.
func jsonHandler[T any](status int, do func(T) (any, error)) func(*http.Request) (int, any) {
	return func(r *http.Request) (int, any) {
		var in T
		decoder := json.NewDecoder(io.LimitReader(r.Body, maxBody))
		decoder.DisallowUnknownFields() // a misspelt member would silently have no effect
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
		return nil, fmt.Errorf("The clock does not go beyond %s.", maxTime.Format(time.DateOnly))
	}
	return s.clockBody(), nil
}

func (s *Sandbox) clockBody() object { return object{"now": s.clock.Now()} }

// onStore returns a handler that calls do with the store named in the body.
func onStore(do func(store string) error) func(*http.Request) (int, any) {
	return jsonHandler(http.StatusOK, func(in struct {
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
