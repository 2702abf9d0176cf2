// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// tools are what every workload drives: a CLI, and the provider built from this checkout.
type tools struct {
	cli, name, version string // name: "Terraform" or "OpenTofu"
	home               string // removed at the end
	provider           string // the binary
	overrides          string // where the CLI finds this program as its provider, see meter.go
	parallelism        int
}

func newTools(ctx context.Context, cli string, parallelism int) (*tools, error) {
	path, err := findCLI(cli)
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "kvs-bench-")
	if err != nil {
		return nil, err
	}
	t := &tools{cli: path, home: home, provider: filepath.Join(home, "built"), overrides: filepath.Join(home, "overrides"), parallelism: parallelism}
	if err := t.prepare(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(home))
	}
	return t, nil
}

func findCLI(wish string) (string, error) {
	candidates := []string{"terraform", "tofu"}
	if wish != "" {
		candidates = []string{wish}
	}
	for _, candidate := range candidates {
		if path, err := exec.LookPath(candidate); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("there is no %s on PATH", strings.Join(candidates, " and no "))
}

func (t *tools) prepare(ctx context.Context) error {
	// As it is released.
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", t.provider, "github.com/terraform-kvs/terraform-provider-kvs")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the provider: %w\n%s", err, said)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Mkdir(t.overrides, 0o700); err != nil {
		return err
	}
	if err := os.Symlink(self, filepath.Join(t.overrides, "terraform-provider-kvs")); err != nil {
		return err
	}
	version := exec.CommandContext(ctx, t.cli, "version", "-json")
	version.Dir, version.Env = t.home, t.environment()
	said, err := version.Output()
	if err != nil {
		return fmt.Errorf("asking %s for its version: %w", t.cli, err)
	}
	var answer struct {
		Version string `json:"terraform_version"` // OpenTofu says so too
	}
	t.name = "Terraform"
	if strings.Contains(filepath.Base(t.cli), "tofu") {
		t.name = "OpenTofu"
	}
	err = json.Unmarshal(said, &answer)
	t.version = answer.Version
	return err
}

// environment is all that the CLI gets to see of this machine, so that nobody's settings change the outcome.
func (t *tools) environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.home, "TMPDIR=" + t.home, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1"}
}

func (t *tools) close() error { return os.RemoveAll(t.home) }

// workspace is a directory with a configuration, and the sandbox that it is about, if any.
type workspace struct {
	*tools
	dir     string
	sandbox *sandbox.Sandbox
}

func (t *tools) workspace(configuration string, sb *sandbox.Sandbox) (*workspace, error) {
	dir, err := os.MkdirTemp(t.home, "workspace-")
	if err != nil {
		return nil, err
	}
	w := &workspace{tools: t, dir: dir, sandbox: sb}
	rc := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-kvs/kvs\" = %q\n  }\n  direct {}\n}\n", t.overrides)
	return w, errors.Join(w.write("cli.tfrc", rc), w.write("main.tf", configuration))
}

func (w *workspace) write(name, content string) error {
	return os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600)
}

// measured is one command of the CLI.
type measured struct {
	took     time.Duration
	cli      time.Duration // CPU of the CLI alone
	provider usage
	requests []sandbox.Request // in the order of their arrival
}

// orQuicker is the quicker one of two, with the requests of the one that took more of them.
func (m measured) orQuicker(other measured) measured {
	if m.took == 0 {
		return other
	}
	most := m.requests
	if len(other.requests) > len(most) {
		most = other.requests
	}
	if other.took < m.took {
		m = other
	}
	m.requests = most
	return m
}

func (w *workspace) apply(ctx context.Context) (measured, error) {
	return w.run(ctx, "apply", "-auto-approve")
}

// plan fails when there is something to change.
func (w *workspace) plan(ctx context.Context) (measured, error) {
	return w.run(ctx, "plan", "-detailed-exitcode")
}

func (w *workspace) destroy(ctx context.Context) (measured, error) {
	return w.run(ctx, "destroy", "-auto-approve")
}

func (w *workspace) run(ctx context.Context, args ...string) (m measured, err error) {
	cmd := exec.CommandContext(ctx, w.cli, append(args, "-input=false", "-no-color", fmt.Sprintf("-parallelism=%d", w.parallelism))...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	notes := filepath.Join(w.dir, "notes")
	cmd.Dir, cmd.Env = w.dir, append(w.environment(),
		"TF_CLI_CONFIG_FILE="+filepath.Join(w.dir, "cli.tfrc"), meterProvider+"="+w.provider, meterNotes+"="+notes)
	if w.sandbox != nil {
		cmd.Env = append(cmd.Env, "HEROKU_API_URL="+w.sandbox.URL(), "HEROKU_DATA_API_URL="+w.sandbox.URL(), "HEROKU_API_KEY="+w.sandbox.Token())
		w.sandbox.ResetJournal()
		defer func() { m.requests = w.sandbox.Journal() }()
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	err = cmd.Run()
	m.took = time.Since(began)
	if err != nil {
		return m, fmt.Errorf("%s %s: %w\n%s", filepath.Base(w.cli), args[0], err, tail(said.Bytes(), 40))
	}
	if w.sandbox != nil {
		m.provider, err = readNotes(notes)
		err = errors.Join(err, os.Remove(notes))
	}
	m.cli = used(cmd.ProcessState).CPU - m.provider.CPU
	return m, err
}

func tail(text []byte, lines int) []byte {
	all := slices.Collect(bytes.Lines(text))
	return bytes.Join(all[max(0, len(all)-lines):], nil)
}
