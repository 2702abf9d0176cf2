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
	"strings"
	"time"
)

// cli is Terraform or OpenTofu with the built provider, in a directory of its own.
type cli struct {
	path, name, version, dir string
	env                      []string
}

// run is what one run of the CLI reported.
type run struct {
	summary     string // "Plan: 0 to add, 1 to change, 0 to destroy."
	diagnostics []diagnostic
	outputs     map[string]string
}

type diagnostic struct{ Severity, Summary, Detail, Address string }

// command prepares a child process that sees no settings of this machine, and that is interrupted when ctx ends.
func command(ctx context.Context, dir, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1"}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// openCLI asks a CLI for its version.
func openCLI(ctx context.Context, home, binary string) cli {
	path, err := exec.LookPath(binary)
	must(err)
	path, err = filepath.Abs(path)
	must(err)
	said, err := command(ctx, home, path, "version", "-json").Output()
	must(err)
	var answer struct {
		Version string `json:"terraform_version"` // OpenTofu calls it so, too
	}
	must(json.Unmarshal(said, &answer))
	mustBe(supported(answer.Version), "%s %s is too old, 1.11 or later is needed: make demo TF=tofu builds an OpenTofu", path, answer.Version)
	name := "Terraform"
	if strings.Contains(filepath.Base(path), "tofu") {
		name = "OpenTofu"
	}
	return cli{path: path, name: name, version: answer.Version}
}

// supported: ephemeral resources came with Terraform 1.10 and OpenTofu 1.11.
func supported(version string) bool {
	var major, minor int
	n, _ := fmt.Sscanf(version, "%d.%d.", &major, &minor)
	return n == 2 && (major > 1 || major == 1 && minor >= 11)
}

// prepare copies a configuration into dir and lets the CLI use the provider in binaries there.
func (c *cli) prepare(configuration, dir, binaries string) error {
	rc := filepath.Join(dir, "cli.tfrc")
	c.dir, c.env = dir, append(c.env, "TF_CLI_CONFIG_FILE="+rc)
	overrides := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-kvs/kvs\" = %q\n  }\n  direct {}\n}\n", binaries)
	return errors.Join(os.CopyFS(dir, os.DirFS(configuration)), os.WriteFile(rc, []byte(overrides), 0o600))
}

// run runs a command that prints one JSON document a line. The error contains what the command said.
func (c *cli) run(ctx context.Context, args ...string) (run, error) {
	cmd := command(ctx, c.dir, c.path, args...)
	cmd.Env = append(cmd.Env, c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	result, rest := readEvents(stdout.Bytes())
	if err != nil {
		err = fmt.Errorf("%s %s: %w", c.name, args[0], err)
		for _, d := range result.diagnostics {
			err = fmt.Errorf("%w\n\n%s: %s\n%s", err, d.Severity, d.Summary, d.Detail)
		}
		err = fmt.Errorf("%w\n%s%s", err, rest, stderr.Bytes())
	}
	return result, err
}

// readEvents reads the machine-readable output; rest is the output that is not JSON.
func readEvents(output []byte) (result run, rest string) {
	for line := range bytes.Lines(output) {
		var event struct {
			Type       string
			Message    string `json:"@message"`
			Diagnostic diagnostic
			Outputs    map[string]struct{ Value any }
		}
		switch err := json.Unmarshal(line, &event); {
		case err != nil:
			rest += string(line)
		case event.Type == "change_summary":
			result.summary = event.Message
		case event.Type == "outputs":
			result.outputs = map[string]string{}
			for name, output := range event.Outputs {
				result.outputs[name] = fmt.Sprint(output.Value)
			}
		// Each run warns that the provider is a local build.
		case event.Type == "diagnostic" && !strings.Contains(event.Diagnostic.Summary, "development overrides"):
			result.diagnostics = append(result.diagnostics, event.Diagnostic)
		}
	}
	return result, rest
}

// facts are the warnings that contain a list, with those lines of the list that match.
func (r run) facts(wanted *regexp.Regexp) (facts []string) {
	for _, d := range r.diagnostics {
		heading := []string{"Warning: " + d.Summary}
		for line := range strings.Lines(d.Detail) {
			if strings.HasPrefix(strings.TrimSpace(line), "- ") && wanted.MatchString(line) {
				facts, heading = append(append(facts, heading...), strings.TrimRight(line, "\n")), nil
			}
		}
	}
	return facts
}

var monthlyPrice = regexp.MustCompile(`\$[0-9.,]*[0-9] a month`)

// priceOf is the price in the diagnostic about a store; empty if there is none.
func (r run) priceOf(store string) string {
	for _, d := range r.diagnostics {
		if strings.Contains(d.Detail, store) {
			return monthlyPrice.FindString(d.Detail)
		}
	}
	return ""
}
