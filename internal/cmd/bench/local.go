// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// local measures the sandbox itself.
func (b *bench) local(ctx context.Context) error {
	if err := b.throughput(ctx); err != nil {
		return err
	}
	if err := b.inMemory(ctx); err != nil {
		return err
	}
	return b.servers(ctx)
}

// throughput compares reads of an app with those of a handler that answers the same bytes and does nothing else.
func (b *bench) throughput(ctx context.Context) error {
	sb, apps, err := startWorld(ctx, 1, sandbox.Options{RateLimit: 1 << 30})
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(constant)
	}))
	defer bare.Close()
	var ours, theirs float64
	for range 3 { // in turns, since the machine is busy with other things too
		theirs = max(theirs, rate(ctx, bare.URL, sb.Token()))
		ours = max(ours, rate(ctx, sb.URL()+"/apps/"+apps[0], sb.Token()))
	}
	b.add(row{work: "the sandbox: reads of a bare handler for each of its own", limit: 1, bound: 3, ours: theirs / ours, unit: ratio})
	return nil
}

var constant = []byte(strings.Repeat(`{"constant":true}`, 50))

// rate is how many reads a second four clients get answered.
func rate(ctx context.Context, url, token string) float64 {
	ctx, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	defer client.CloseIdleConnections()
	var reads atomic.Int64
	var clients sync.WaitGroup
	began := time.Now()
	for range 4 {
		clients.Go(func() {
			for read(ctx, client, url, token) == nil {
				reads.Add(1)
			}
		})
	}
	clients.Wait()
	return float64(reads.Load()) / time.Since(began).Seconds()
}

func read(ctx context.Context, client *http.Client, url, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// inMemory is what a store costs that is served from within the sandbox.
func (b *bench) inMemory(ctx context.Context) error {
	sb, apps, err := startWorld(ctx, b.apps, sandbox.Options{RateLimit: 1 << 30})
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	before := inUse()
	stores, err := order(ctx, sb, apps, 0, b.live)
	if err != nil {
		return err
	}
	for _, s := range stores {
		if _, err := pong(ctx, sb, s.ID); err != nil {
			return err
		}
	}
	grown := max(inUse()-before, 0)
	b.add(row{work: fmt.Sprintf("the sandbox: memory for each of %d stores in use, without a server", b.live), bound: 1024,
		ours: float64(grown) / 1024 / float64(b.live), unit: kibibytes})
	return nil
}

// inUse is the memory of this process, stacks included.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// servers measures stores with a process behind each.
func (b *bench) servers(ctx context.Context) error {
	server, err := exec.LookPath("redis-server")
	if err != nil {
		return err
	}
	sb, apps, err := startWorld(ctx, b.apps, sandbox.Options{Engine: "redis", RateLimit: 1 << 30})
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	var theirs, ours []time.Duration
	for i := range 5 {
		took, err := byHand(ctx, server, b.home)
		if err != nil {
			return err
		}
		theirs = append(theirs, took)
		began := time.Now()
		stores, err := order(ctx, sb, apps, i, i+1)
		if err != nil {
			return err
		}
		if _, err := pong(ctx, sb, stores[i].ID); err != nil {
			return err
		}
		ours = append(ours, time.Since(began))
	}
	slices.Sort(theirs)
	slices.Sort(ours)
	hand := float64(theirs[2].Microseconds()) / 1000
	b.add(row{work: "the sandbox: from the order of a store to its first PONG, median of 5", limit: hand, bound: 2 * hand,
		ours: float64(ours[2].Microseconds()) / 1000, unit: milliseconds})

	if _, err := order(ctx, sb, apps, 5, b.live); err != nil {
		return err
	}
	running, err := children(filepath.Base(server))
	if err != nil || running < 0 {
		return err
	}
	b.add(row{work: fmt.Sprintf("the sandbox: servers that run for %d stores, of which 5 are in use", b.live), limit: 5, bound: 5, ours: float64(running), unit: requests})
	return nil
}

// byHand starts a server that keeps its keys, as those of the sandbox do, and waits for its first PONG.
func byHand(ctx context.Context, server, home string) (time.Duration, error) {
	dir, err := os.MkdirTemp(home, "server-")
	if err != nil {
		return 0, err
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.CommandContext(ctx, server, "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "yes")
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err == nil {
			err = expect(conn, "+PONG", "PING")
			_ = conn.Close()
		}
		if err == nil {
			return time.Since(began), nil
		}
		<-tick.C
	}
	return 0, errors.New("the server does not answer")
}

// pong connects to a store as an app does.
func pong(ctx context.Context, sb *sandbox.Sandbox, id string) (time.Duration, error) {
	var info struct {
		URL string `json:"resource_url"`
	}
	if err := ask(ctx, sb, http.MethodGet, "/redis/v0/databases/"+id, nil, &info); err != nil {
		return 0, err
	}
	u, err := url.Parse(info.URL)
	if err != nil || u.User == nil {
		return 0, errors.New("the store has no URL yet")
	}
	password, _ := u.User.Password()
	began := time.Now()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the certificate is self-signed, as Heroku's are
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if err := expect(conn, "+OK", "AUTH", password); err != nil {
		return 0, err
	}
	return time.Since(began), expect(conn, "+PONG", "PING")
}

// expect sends a command and reads the beginning of its answer.
func expect(conn net.Conn, answer string, command ...string) error {
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	var say strings.Builder
	fmt.Fprintf(&say, "*%d\r\n", len(command))
	for _, word := range command {
		fmt.Fprintf(&say, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(conn, say.String()); err != nil {
		return err
	}
	got := make([]byte, len(answer)+len("\r\n"))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if string(got) != answer+"\r\n" {
		return fmt.Errorf("the server answered %q instead of %s", got, answer)
	}
	return nil
}

// children counts the processes of this name that this one has started; -1 where that cannot be told.
func children(name string) (int, error) {
	if runtime.GOOS != "linux" {
		return -1, nil
	}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	n := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		before, after, _ := strings.Cut(string(content), ") ")
		fields := strings.Fields(after)
		if strings.HasSuffix(before, "("+name) && len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) {
			n++
		}
	}
	return n, err
}
