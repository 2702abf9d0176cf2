// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// tools are the programs that every workload uses: a CLI, and the provider built from this checkout.
type tools struct {
	cli, name, version string // name: "Terraform" or "OpenTofu"
	home               string // removed at the end
	provider           string // the binary
	overrides          string // directory in which the CLI finds this program as its provider, see meter.go
}

// parallelism is the CLI's default.
const parallelism = 10

func newTools(ctx context.Context, cli string) *tools {
	path, err := exec.LookPath(cli)
	check(err)
	path, err = filepath.Abs(path)
	check(err)
	home, err := os.MkdirTemp("", "kvs-bench-")
	check(err)
	t := &tools{cli: path, home: home, provider: filepath.Join(home, "built"), overrides: filepath.Join(home, "overrides")}
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", t.provider,
		"github.com/terraform-kvs/terraform-provider-kvs") // with the flags of a release
	if said, err := build.CombinedOutput(); err != nil {
		check(fmt.Errorf("building the provider: %w\n%s", err, said))
	}
	self, err := os.Executable()
	check(err)
	check(os.Mkdir(t.overrides, 0o700))
	check(os.Symlink(self, filepath.Join(t.overrides, "terraform-provider-kvs")))
	version := exec.CommandContext(ctx, t.cli, "version")
	version.Dir, version.Env = t.home, t.environment()
	said, err := version.Output()
	check(err)
	first, _, _ := strings.Cut(string(said), "\n") // "Terraform v1.11.4"
	t.name, t.version, _ = strings.Cut(first, " v")
	return t
}

// environment returns the complete environment of the CLI, so that no settings of this machine influence the results.
func (t *tools) environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.home, "TMPDIR=" + t.home, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1"}
}

// workspace is a directory with a configuration, and the sandbox that it uses, if any.
type workspace struct {
	*tools
	dir     string
	sandbox *sandbox.Sandbox
}

func (t *tools) workspace(configuration string, sb *sandbox.Sandbox) *workspace {
	dir, err := os.MkdirTemp(t.home, "workspace-")
	check(err)
	w := &workspace{tools: t, dir: dir, sandbox: sb}
	w.write("cli.tfrc", fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-kvs/kvs\" = %q\n  }\n}\n", t.overrides))
	w.write("main.tf", configuration)
	return w
}

func (w *workspace) write(name, content string) {
	check(os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600))
}

// measured is the result of one command of the CLI.
type measured struct {
	took     time.Duration
	cli      time.Duration // CPU time of the CLI itself
	provider usage
	requests []sandbox.Request // in the order of their arrival
}

// quicker returns the faster of two results, with the requests of the result that has more of them.
func (m measured) quicker(other measured) measured {
	if m.took == 0 || other.took != 0 && other.took < m.took {
		m, other = other, m
	}
	if len(other.requests) > len(m.requests) {
		m.requests = other.requests
	}
	return m
}

func (w *workspace) apply(ctx context.Context) measured { return w.run(ctx, "apply", "-auto-approve") }

// plan fails if the plan has changes.
func (w *workspace) plan(ctx context.Context) measured {
	return w.run(ctx, "plan", "-detailed-exitcode")
}

func (w *workspace) destroy(ctx context.Context) measured {
	return w.run(ctx, "destroy", "-auto-approve")
}

func (w *workspace) run(ctx context.Context, args ...string) (m measured) {
	cmd := exec.CommandContext(ctx, w.cli, append(args, "-input=false", "-no-color")...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	notes := filepath.Join(w.dir, "notes")
	cmd.Dir, cmd.Env = w.dir, append(w.environment(),
		"TF_CLI_CONFIG_FILE="+filepath.Join(w.dir, "cli.tfrc"), meterProvider+"="+w.provider, meterNotes+"="+notes)
	if w.sandbox != nil {
		cmd.Env = append(cmd.Env, "HEROKU_API_URL="+w.sandbox.URL(), "HEROKU_DATA_API_URL="+w.sandbox.URL(), "HEROKU_API_KEY="+w.sandbox.Token())
		w.sandbox.ResetJournal()
	}
	began := time.Now()
	said, err := cmd.CombinedOutput()
	m.took = time.Since(began)
	if err != nil {
		check(fmt.Errorf("%s %s: %w\n%s", filepath.Base(w.cli), args[0], err, said))
	}
	if w.sandbox != nil {
		m.requests, m.provider = w.sandbox.Journal(), readNotes(notes)
		check(os.Remove(notes))
	}
	m.cli = used(cmd.ProcessState).CPU - m.provider.CPU
	return m
}

// planCopies plans n objects, of which only the first is applied; the state of the others is copied from it. configuration returns the
// configuration of n objects. identity returns the values that differ in the state of the i-th object: its id, the id of its app, the
// time of its creation, its name, and the name of its attachment, or "" for a value that the object does not have.
func (t *tools) planCopies(ctx context.Context, n int, sb *sandbox.Sandbox, configuration func(int) string, identity func(int) []string,
) measured {
	w := t.workspace(configuration(1), sb)
	w.apply(ctx)
	content, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	check(err)
	var state struct {
		Resources []struct{ Instances []json.RawMessage }
	}
	check(json.Unmarshal(content, &state))
	original := state.Resources[0].Instances[0]
	var first struct {
		Attributes struct {
			ID    string
			AppID string `json:"app_id"`
			Since string `json:"created_at"`
		}
	}
	check(json.Unmarshal(original, &first))
	copies := [][]byte{original}
	for i := 1; i < n; i++ {
		changes := []string{`"index_key": 0`, fmt.Sprintf(`"index_key": %d`, i)}
		old := []string{first.Attributes.ID, first.Attributes.AppID, first.Attributes.Since, firstName.FindString(string(original)), `"CACHE_0`}
		for k, value := range identity(i) {
			if value != "" {
				changes = append(changes, old[k], value)
			}
		}
		copies = append(copies, []byte(strings.NewReplacer(changes...).Replace(string(original))))
	}
	content = bytes.Replace(content, original, bytes.Join(copies, []byte(",")), 1)
	w.write("terraform.tfstate", string(content))
	w.write("main.tf", configuration(n))
	return w.plan(ctx)
}

var firstName = regexp.MustCompile(`"(bench|n)-0"`)
