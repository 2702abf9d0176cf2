// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package acctest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest/remote"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/heroku"
	"github.com/terraform-kvs/terraform-provider-kvs/internal/provider"
)

// CLI is a real Terraform or OpenTofu with the built provider, in a directory of its own. It supports what
// terraform-plugin-testing does not: signals, kills, logs, and applies that fail half-way.
type CLI struct {
	t       *testing.T
	dir     string
	account []string // API URLs and token, for a provider that is a process of its own
	Env     []string // added to the environment of every run

	// The CLI attaches to provider, whose waits advance the sandbox's clock: see InRealTime. It is nil if the provider is a process of
	// its own: see Processes.
	provider Provider
	beside   map[string]Provider // other providers, by their addresses
}

// Provider constructs the server of a provider.
type Provider = func() (tfprotov6.ProviderServer, error)

// Result is the exit code and the output of a run.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Output returns everything that the run has printed.
func (r Result) Output() string { return r.Stdout + r.Stderr }

// CLI prepares a directory with one configuration.
func (s *Sandbox) CLI(t *testing.T, config string) *CLI {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance tests run when TF_ACC is set, as `make test` does")
	}
	binary, err := builtProvider()
	if err != nil {
		t.Fatalf("building the provider: %v", err)
	}
	c := newCLI(t)
	c.provider = connected(s.Connect)
	c.account = []string{"HEROKU_API_URL=" + s.URL(), "HEROKU_DATA_API_URL=" + s.URL(), "HEROKU_API_KEY=" + s.Token()}
	c.Write("terraformrc", fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"terraform-kvs/kvs\" = %q\n  }\n  direct {}\n}\n",
		filepath.Dir(binary)))
	c.Write("source.tf", required(config))
	c.Configure(config)
	return c
}

// connected returns a provider whose client is set up by connect.
func connected(connect func(*heroku.Options)) Provider {
	return func() (tfprotov6.ProviderServer, error) {
		return provider.NewServer("test", provider.WithClient(connect)), nil
	}
}

// InRealTime makes the provider wait in real time, for tests in which others change something during its waits.
func (s *Sandbox) InRealTime(c *CLI) *CLI {
	return c.Attach(connected(func(o *heroku.Options) {
		s.Connect(o)
		o.Clock = heroku.RealClock
	}))
}

// Beside serves another provider beside the one under test, such as "heroku/heroku".
func (c *CLI) Beside(address string, provider Provider) {
	if c.beside == nil {
		c.beside = map[string]Provider{}
	}
	c.beside[address] = provider
}

// newCLI returns a CLI in an empty directory, with an empty CLI configuration.
func newCLI(t *testing.T) *CLI {
	c := &CLI{t: t, dir: t.TempDir()}
	c.Write("terraformrc", "")
	return c
}

// Attach lets the CLI attach to a provider within the test.
func (c *CLI) Attach(provider Provider) *CLI {
	c.provider = provider
	return c
}

// Processes makes the CLI start its providers as processes of their own, which can be killed. With TF_LOG it always does.
func (c *CLI) Processes() *CLI {
	c.provider = nil
	return c
}

// required returns the required_providers block of a configuration, empty if the configuration has one.
func required(config string) string {
	if strings.Contains(config, "required_providers") {
		return ""
	}
	return "terraform {\n  required_providers {\n    kvs = {\n      source = \"terraform-kvs/kvs\"\n    }\n  }\n}\n"
}

// Configure replaces the configuration.
func (c *CLI) Configure(config string) {
	c.t.Helper()
	c.Write("main.tf", config)
}

// Write writes a file beside the configuration, and creates the directories in its name.
func (c *CLI) Write(name, content string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		c.t.Fatal(err)
	}
}

// Dir returns the directory with the configuration and the state.
func (c *CLI) Dir() string { return c.dir }

// Run runs the CLI to its end.
func (c *CLI) Run(args ...string) Result {
	c.t.Helper()
	return c.Start(args...).Wait()
}

// Apply runs an apply without asking, and fails the test unless it succeeds.
func (c *CLI) Apply(args ...string) Result {
	c.t.Helper()
	result := c.Run(append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, args...)...)
	if result.Code != 0 {
		c.t.Fatalf("apply exited %d:\n%s", result.Code, result.Output())
	}
	return result
}

// Process is a run of the CLI that has not ended.
type Process struct {
	t              *testing.T
	command        *exec.Cmd
	stdout, stderr bytes.Buffer
	detach         func() // stops the provider that the CLI has attached to
}

// Start starts a run in a process group of its own, so that a signal reaches the CLI alone and not the test.
func (c *CLI) Start(args ...string) *Process {
	c.t.Helper()
	cli, err := findCLI()
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, detach := context.WithCancel(c.t.Context())
	p := &Process{t: c.t, detach: detach, command: exec.CommandContext(c.t.Context(), cli, args...)}
	p.command.Dir = c.dir
	p.command.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + c.dir,
		"CHECKPOINT_DISABLE=1",
		"GOGC=" + os.Getenv("GOGC"),
		"TF_CLI_CONFIG_FILE=" + filepath.Join(c.dir, "terraformrc"),
	}, slices.Concat(c.account, c.Env)...)
	if c.provider != nil && !slices.ContainsFunc(c.Env, func(s string) bool {
		return strings.HasPrefix(s, "TF_LOG=") || strings.HasPrefix(s, reattach)
	}) {
		all := map[string]Provider{address: c.provider}
		maps.Copy(all, c.beside)
		p.command.Env = append(p.command.Env, reattach+attach(ctx, c.t, all))
	}
	p.command.Stdout, p.command.Stderr = &p.stdout, &p.stderr
	p.command.SysProcAttr = remote.OwnGroup()
	if err := p.command.Start(); err != nil {
		c.t.Fatalf("starting %s: %v", cli, err)
	}
	return p
}

// Signal sends a signal to the CLI.
func (p *Process) Signal(signal os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Fatalf("signalling the CLI: %v", err)
	}
}

// Kill kills the CLI and its provider, as the loss of the machine would.
func (p *Process) Kill() Result {
	p.t.Helper()
	if err := remote.KillProcessGroup(p.command.Process.Pid); err != nil {
		p.t.Fatalf("killing the CLI: %v", err)
	}
	return p.Wait()
}

// Wait waits for the end of the run.
func (p *Process) Wait() Result {
	p.t.Helper()
	err := p.command.Wait()
	p.detach()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("waiting for the CLI: %v", err)
	}
	return Result{Code: p.command.ProcessState.ExitCode(), Stdout: p.stdout.String(), Stderr: p.stderr.String()}
}

// File returns the content of a file in the directory.
func (c *CLI) File(name string) string {
	c.t.Helper()
	content, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(content)
}

// StateFile returns the content of the state file, empty if there is none.
func (c *CLI) StateFile() string {
	content, err := os.ReadFile(filepath.Join(c.dir, "terraform.tfstate"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	return string(content)
}

// Instance is one resource instance in the state.
type Instance struct {
	Mode, Type, Name, Address string // such as managed, kvs_instance, cache and kvs_instance.cache[0]; Address is without the module
	Tainted                   bool
	Attributes                json.RawMessage
}

// Instances returns all resource instances in the state.
func (c *CLI) Instances() []Instance {
	c.t.Helper()
	_, all := c.readState()
	return all
}

// readState reads the outputs and the resource instances of the state. Numbers are json.Number.
func (c *CLI) readState() (outputs map[string]any, all []Instance) {
	c.t.Helper()
	var file struct {
		Outputs   map[string]struct{ Value any }
		Resources []struct {
			Mode, Type, Name string
			Instances        []struct {
				Status     string
				IndexKey   json.RawMessage `json:"index_key"`
				Attributes json.RawMessage
			}
		}
	}
	if text := c.StateFile(); text != "" {
		c.decode([]byte(text), &file)
	}
	outputs = map[string]any{}
	for name, output := range file.Outputs {
		outputs[name] = output.Value
	}
	for _, r := range file.Resources {
		for _, i := range r.Instances {
			address := r.Type + "." + r.Name
			if r.Mode == "data" {
				address = "data." + address
			}
			if len(i.IndexKey) > 0 {
				address += "[" + string(i.IndexKey) + "]"
			}
			all = append(all, Instance{r.Mode, r.Type, r.Name, address, i.Status == "tainted", i.Attributes})
		}
	}
	return outputs, all
}

// values returns the attributes of an instance.
func (c *CLI) values(i Instance) (attributes map[string]any) {
	c.t.Helper()
	if len(i.Attributes) > 0 {
		c.decode(i.Attributes, &attributes)
	}
	return attributes
}

func (c *CLI) decode(text []byte, into any) {
	c.t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		c.t.Fatalf("reading the state: %v", err)
	}
}

// Object is one resource in the state.
type Object struct {
	Tainted    bool
	Attributes map[string]any
}

// Object reads one resource, such as kvs_instance.cache, from the state. The result is false if it is not there.
func (c *CLI) Object(address string) (Object, bool) {
	c.t.Helper()
	for _, i := range c.Instances() {
		if i.Type+"."+i.Name == address {
			return Object{Tainted: i.Tainted, Attributes: c.values(i)}, true
		}
	}
	return Object{}, false
}

func findCLI() (string, error) {
	if cli := os.Getenv("TF_ACC_TERRAFORM_PATH"); cli != "" {
		return cli, nil
	}
	for _, name := range []string{"terraform", "tofu"} {
		if cli, err := exec.LookPath(name); err == nil {
			return cli, nil
		}
	}
	return "", errors.New("neither terraform nor tofu is on PATH, and TF_ACC_TERRAFORM_PATH names neither; `make test` builds one")
}

// OnOpenTofu reports whether the tests run OpenTofu, which does not tell a provider that ModifyPlan is called during an apply.
func OnOpenTofu() bool {
	return strings.Contains(filepath.Base(os.Getenv("TF_ACC_TERRAFORM_PATH")), "tofu")
}

// Needs skips a test if the CLI is OpenTofu, or older than Terraform 1.minor. what is the feature that the test needs.
func Needs(t *testing.T, minor int, what string) {
	t.Helper()
	cli, err := findCLI()
	if os.Getenv("TF_ACC") == "" || err != nil {
		return // CLI and Test skip or fail the test themselves
	}
	output, err := exec.CommandContext(t.Context(), cli, "version", "-json").Output()
	var version struct {
		Terraform string `json:"terraform_version"`
	}
	if err == nil {
		err = json.Unmarshal(output, &version)
	}
	var actual int
	if err == nil {
		_, err = fmt.Sscanf(version.Terraform, "1.%d.", &actual)
	}
	if err != nil {
		t.Fatalf("asking %s for its version: %v", cli, err)
	}
	if OnOpenTofu() || actual < minor {
		t.Skipf("%s: needs Terraform 1.%d or later, and this is %s %s", what, minor, filepath.Base(cli), version.Terraform)
	}
}

// builtProvider returns the program that the CLIs start as the provider: KVS_TEST_PROVIDER, which `make test` sets, or one that is
// built once for all tests of a package, with the race detector if the tests have it.
var builtProvider = sync.OnceValues(func() (string, error) {
	if program := os.Getenv("KVS_TEST_PROVIDER"); program != "" {
		_, err := os.Stat(program)
		return program, err
	}
	dir, err := os.MkdirTemp("", "terraform-provider-kvs-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	program := filepath.Join(dir, "terraform-provider-kvs")
	args := []string{"build", "-o", program}
	if raceDetected() {
		args = append(args, "-race")
	}
	output, err := exec.Command("go",
		append(args, "github.com/terraform-kvs/terraform-provider-kvs/internal/cmd/testprovider")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return program, nil
})

var buildDir string

func removeBuiltProvider() {
	if buildDir != "" {
		_ = os.RemoveAll(buildDir)
	}
}

// raceDetected reports whether this program was built with the race detector.
func raceDetected() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
