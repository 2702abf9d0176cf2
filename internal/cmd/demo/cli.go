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
	"regexp"
	"strconv"
	"strings"
)

// cli is Terraform or OpenTofu with the built provider, in a directory of its own.
type cli struct {
	path, name, version string
	dir                 string
	env                 []string
}

// run is what one run of the CLI reported.
type run struct {
	summary     string // "Plan: 0 to add, 1 to change, 0 to destroy."
	diagnostics []diagnostic
}

type diagnostic struct {
	Severity, Summary, Detail, Address string
}

// errTooOld: ephemeral resources came with 1.10, and with 1.11 of OpenTofu.
var errTooOld = errors.New("too old: 1.11 or later is needed")

// findCLI takes the CLI that is wished for, else terraform or tofu from PATH, else bin/tofu of the checkout; nil when
// an OpenTofu has to be built first. rejected says why another one was passed over.
func findCLI(ctx context.Context, wish, root, home string) (found *cli, rejected []string, err error) {
	candidates := []string{"terraform", "tofu", builtTofu(root)}
	switch wish {
	case "":
	case "tofu":
		candidates = candidates[1:]
	default:
		candidates = []string{wish}
	}
	for _, candidate := range candidates {
		path, err := exec.LookPath(candidate)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			if found, err = openCLI(ctx, path, home); err == nil {
				return found, rejected, nil
			}
		}
		rejected = append(rejected, fmt.Sprintf("%s is not used: %v", candidate, err))
	}
	if wish != "" && wish != "tofu" {
		return nil, nil, errors.New(strings.Join(append(rejected, "there is no usable "+wish), "; "))
	}
	return nil, rejected, ctx.Err()
}

// openCLI asks a CLI for its version.
func openCLI(ctx context.Context, path, home string) (*cli, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, path, "version", "-json")
	cmd.Dir, cmd.Env = home, append(bareEnvironment(home), "CHECKPOINT_DISABLE=1")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("its version cannot be found out: %w", err)
	}
	var answer struct {
		Version string `json:"terraform_version"` // OpenTofu says so too
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("its version cannot be found out: %w", err)
	}
	if !atLeast(answer.Version, 1, 11) {
		return nil, fmt.Errorf("%s is %w", answer.Version, errTooOld)
	}
	name := "Terraform"
	if strings.Contains(filepath.Base(path), "tofu") {
		name = "OpenTofu"
	}
	return &cli{path: path, name: name, version: answer.Version}, nil
}

func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 3 {
		return false
	}
	x, errX := strconv.Atoi(parts[0])
	y, errY := strconv.Atoi(parts[1])
	return errX == nil && errY == nil && (x > major || x == major && y >= minor)
}

func builtTofu(root string) string { return filepath.Join(root, "bin", "tofu") }

// buildTofu builds the OpenTofu that internal/tools/opentofu pins, and keeps it in the checkout's bin directory.
func buildTofu(ctx context.Context, root, home string) (*cli, error) {
	if _, err := goTool(ctx, root, "build", "-C", filepath.Join("internal", "tools", "opentofu"), "-buildvcs=false", "-trimpath",
		"-ldflags", "-s -w -X github.com/opentofu/opentofu/version.dev=no", "-o", builtTofu(root), "github.com/opentofu/opentofu/cmd/tofu"); err != nil {
		return nil, err
	}
	return openCLI(ctx, builtTofu(root), home)
}

// prepare copies a configuration into a directory and sets the CLI up there, with the provider that was built into binaries.
func (c *cli) prepare(configuration, dir, binaries string, sandboxEnv []string) error {
	files, err := filepath.Glob(filepath.Join(configuration, "*.tf"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no configuration in %s", configuration)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o600); err != nil {
			return err
		}
	}
	rc := filepath.Join(dir, "cli.tfrc")
	overrides := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-kvs/kvs\" = %q\n  }\n  direct {}\n}\n", binaries)
	if err := os.WriteFile(rc, []byte(overrides), 0o600); err != nil {
		return err
	}
	c.dir = dir
	c.env = append(bareEnvironment(dir), "TF_CLI_CONFIG_FILE="+rc, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	c.env = append(c.env, sandboxEnv...)
	return nil
}

const planFile = "demo.tfplan"

func (c *cli) plan(ctx context.Context, args ...string) (run, error) {
	return c.run(ctx, append([]string{"plan", "-json", "-input=false", "-out=" + planFile}, args...)...)
}

// apply carries out what was planned last.
func (c *cli) apply(ctx context.Context) (run, error) {
	return c.run(ctx, "apply", "-json", "-input=false", planFile)
}

// run runs a command whose output is one JSON document a line. The error holds what the command said.
func (c *cli) run(ctx context.Context, args ...string) (run, error) {
	stdout, stderr, err := c.output(ctx, args...)
	result, rest := readEvents(stdout)
	if err != nil {
		var said strings.Builder
		for _, d := range result.diagnostics {
			fmt.Fprintf(&said, "\n%s: %s\n%s\n", strings.ToUpper(d.Severity[:1])+d.Severity[1:], d.Summary, d.Detail)
		}
		return result, fmt.Errorf("%s %s: %w\n%s%s%s", filepath.Base(c.path), args[0], err, said.String(), rest, stderr)
	}
	return result, nil
}

// facts are the warnings that list what a change means, and of the lists the lines that are wanted.
func (r run) facts(wanted *regexp.Regexp) []string {
	var facts []string
	for _, d := range r.diagnostics {
		var listed []string
		for line := range strings.Lines(d.Detail) {
			if line = strings.TrimRight(line, "\n"); strings.HasPrefix(strings.TrimSpace(line), "- ") && wanted.MatchString(line) {
				listed = append(listed, line)
			}
		}
		if len(listed) > 0 {
			facts = append(append(facts, "Warning: "+d.Summary), listed...)
		}
	}
	return facts
}

// outputs reads the outputs of the configuration from the state.
func (c *cli) outputs(ctx context.Context) (map[string]string, error) {
	stdout, stderr, err := c.output(ctx, "output", "-json")
	if err != nil {
		return nil, fmt.Errorf("%s output: %w\n%s", filepath.Base(c.path), err, stderr)
	}
	var answer map[string]struct{ Value string }
	if err := json.Unmarshal(stdout, &answer); err != nil {
		return nil, fmt.Errorf("reading the outputs: %w", err)
	}
	values := map[string]string{}
	for name, output := range answer {
		values[name] = output.Value
	}
	return values, nil
}

// output collects into files: a pipe would break when the demo is killed, and then the CLI would die and leave the provider behind.
func (c *cli) output(ctx context.Context, args ...string) (stdout, stderr []byte, err error) {
	cmd := command(ctx, c.path, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	var files [2]*os.File
	for i, name := range []string{"stdout", "stderr"} {
		if files[i], err = os.Create(filepath.Join(c.dir, name)); err != nil {
			return nil, nil, err
		}
		defer func() { _ = files[i].Close() }()
	}
	cmd.Stdout, cmd.Stderr = files[0], files[1]
	err = cmd.Run()
	stdout, outErr := os.ReadFile(files[0].Name())
	stderr, errErr := os.ReadFile(files[1].Name())
	return stdout, stderr, errors.Join(err, outErr, errErr)
}

// readEvents reads the machine-readable output; rest is what is not of that kind.
func readEvents(output []byte) (result run, rest string) {
	for line := range bytes.Lines(output) {
		var event struct {
			Type       string     `json:"type"`
			Message    string     `json:"@message"`
			Diagnostic diagnostic `json:"diagnostic"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			rest += string(line)
			continue
		}
		switch event.Type {
		case "change_summary":
			result.summary = event.Message
		case "diagnostic":
			// That the provider is a local build is the point here, and not worth a warning.
			if !strings.Contains(event.Diagnostic.Summary, "development overrides") {
				result.diagnostics = append(result.diagnostics, event.Diagnostic)
			}
		}
	}
	return result, rest
}
