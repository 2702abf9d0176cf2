// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
)

// ledger records announcements of writes, their results, and the requests that a server gets.
type ledger struct {
	mu   sync.Mutex
	said []string
}

func (l *ledger) note(format string, values ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, fmt.Sprintf(format, values...))
}

// announced makes a client record its writes in the ledger, with the purpose that the context names.
func (l *ledger) announced(o *heroku.Options) {
	o.Announce = func(ctx context.Context, w heroku.Write) (func(heroku.WriteResult), error) {
		l.note("%v %s %s %d", ctx.Value(purpose{}), w.Method, w.Path, w.Try)
		return func(r heroku.WriteResult) { l.note("%d %s %t", r.Status, r.RequestID, r.Lost) }, nil
	}
}

type purpose struct{}

// Every try of every write is announced before the server gets it, and its result is reported before the next announcement.
func TestAnnounce_eachTryOfEachWrite(t *testing.T) {
	t.Parallel()
	statuses := map[string]int{
		"reset": 0, "timeout": 0, "429": 429, "500": 500, "502 HTML": 502, "503 empty": 503, "504": 504, "409": 409, "422 being provisioned": 422,
		"403 being provisioned": 403, "400": 400, "401": 401, "403": 403, "404": 404, "422": 422, "423": 423, "501": 501, "520 of a proxy": 520,
		"200 HTML": 200, "200 empty": 200, "200 null": 200, "200 half": 200, "200 cut length": 200,
	}
	for name, answer := range outcomes {
		for op, o := range operations {
			t.Run(fmt.Sprintf("%s on %s", op, name), func(t *testing.T) {
				t.Parallel()
				var l ledger
				srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
					if r.Method != http.MethodGet {
						l.note("served")
					}
					switch {
					case r.Method == o.method:
						answer(w, r)
					case op == "create":
						reply(w, 404, notFound)
					default:
						reply(w, 200, addOnJSON(addOnID, "acme-cache", "provisioned"))
					}
				})
				err := o.do(context.WithValue(t.Context(), purpose{}, "the change"), srv.client(t, impatient(name), l.announced))
				if err == nil {
					t.Error("succeeded")
				}
				status, known := statuses[name]
				if !known {
					t.Fatal("this outcome is not in the table")
				}
				result := "0  true"
				if status != 0 {
					result = fmt.Sprint(status, " 0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f false")
				}
				var want []string
				if op != "read" {
					for i := range srv.count(o.method) {
						path, try := "/addons/"+string(addOnID), i+1
						if path = "/apps/" + string(appID) + path; op == "create" {
							path = "/apps/" + string(appID) + "/addons"
						}
						want = append(want, fmt.Sprintf("the change %s %s %d", o.method, path, try), "served", result)
					}
				}
				if op == "create" { // a create that is sent again after a look-up counts its tries from 1 again
					for i := range l.said {
						l.said[i], want[i] = strings.TrimRight(l.said[i], "12"), strings.TrimRight(want[i], "12")
					}
				}
				if !slices.Equal(l.said, want) {
					t.Errorf("%q, want %q", l.said, want)
				}
			})
		}
	}
}

func TestAnnounce_whatSucceeds(t *testing.T) {
	t.Parallel()
	var l ledger
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, 201, addOnJSON(addOnID, "acme-cache", "provisioning"))
	})
	if err := operations["create"].do(t.Context(), srv.client(t, l.announced)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"<nil> POST /apps/" + string(appID) + "/addons 1",
		"201 0c6f2c5e-7d0b-4b71-8f5e-9a4b3c2d1e0f false"}; !slices.Equal(l.said, want) {
		t.Errorf("%q, want %q", l.said, want)
	}
}

// An announcement that fails stops the write, even before a retry. An earlier try that may have been carried out is still looked up.
func TestAnnounce_failureStopsTheWrite(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	for op, o := range operations {
		for _, tries := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s after %d", op, tries), func(t *testing.T) {
				t.Parallel()
				srv := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
					if r.Method == http.MethodGet {
						reply(w, 404, notFound)
						return
					}
					reply(w, 429, `{"id":"rate_limit","message":"wait"}`)
				})
				announced := 0
				client := srv.client(t, func(o *heroku.Options) {
					o.Announce = func(context.Context, heroku.Write) (func(heroku.WriteResult), error) {
						if announced++; announced > tries {
							return nil, full
						}
						return func(heroku.WriteResult) {}, nil
					}
				})
				err := o.do(t.Context(), client)
				if op == "read" {
					if announced != 0 || errors.Is(err, full) {
						t.Errorf("a read was announced: %v", err)
					}
					return
				}
				if !errors.Is(err, full) || !strings.Contains(err.Error(), o.method+" /") || !strings.Contains(err.Error(), "was not sent") {
					t.Errorf("it ended with %v", err)
				}
				if sent := srv.count(o.method); sent != tries || announced != tries+1 {
					t.Errorf("sent %d times after %d announcements", sent, announced)
				}
			})
		}
	}
}

// A write that was announced, and then not sent for whatever reason, is not reported as lost.
func TestAnnounce_whatWasNeverSent(t *testing.T) {
	t.Parallel()
	over := errors.New("it is over")
	for name, test := range map[string]struct {
		edit func(*heroku.Options)
		ctx  func(context.Context) context.Context
		say  int // the number of announcements
	}{
		"no connection": {func(o *heroku.Options) {
			o.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			})
		}, nil, 4},
		"the right to send it is over": {nil, func(ctx context.Context) context.Context {
			return heroku.OnlyWhile(ctx, func() error { return over })
		}, 1},
		"its caller has gone": {nil, func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l ledger
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 500, `{}`) })
			client := srv.client(t, l.announced, func(o *heroku.Options) {
				if test.edit != nil {
					test.edit(o)
				}
			})
			ctx := t.Context()
			if test.ctx != nil {
				ctx = test.ctx(ctx)
			}
			if err := operations["patch"].do(ctx, client); err == nil || len(srv.requests()) > 0 {
				t.Errorf("%v after %v", err, srv.requests())
			}
			if len(l.said) != 2*test.say {
				t.Errorf("%d announcements: %q", len(l.said)/2, l.said)
			}
			for i := 1; i < len(l.said); i += 2 {
				if l.said[i] != "0  false" {
					t.Errorf("%q is reported as %q", l.said[i-1], l.said[i])
				}
			}
		})
	}
}

// A write that was sent is reported as lost, and not as unsent, if the client panics on its response.
func TestAnnounce_panicIsLost(t *testing.T) {
	t.Parallel()
	var l ledger
	f := memory(func(w http.ResponseWriter, _ *http.Request, _ int) { reply(w, 404, notFound) })
	client := f.client(t, l.announced, func(o *heroku.Options) {
		o.Transport = clumsy{o.Transport, func(r *http.Request) any {
			if r.Method == http.MethodPatch {
				return "a bug"
			}
			return nil
		}}
	})
	if err := operations["patch"].do(t.Context(), client); err == nil || len(l.said) != 2 || l.said[1] != "0  true" {
		t.Errorf("%v: %q", err, l.said)
	}
}
