// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/acctest"
)

// workflowFile is what is read of examples/shield/github-actions.yml.
type workflowFile struct {
	Jobs map[string]struct {
		Needs       string
		Environment string
		Steps       []struct{ Name, Run, Uses string }
	}
}

// runs are the commands of a job, by the names of their steps.
func (w workflowFile) runs(job string) (scripts [][2]string) {
	for _, step := range w.Jobs[job].Steps {
		if step.Run != "" {
			scripts = append(scripts, [2]string{step.Name, step.Run})
		}
	}
	return scripts
}

// The job of the guide is carried out, command by command, on the example: a change that the policies pass is applied
// and recorded, and one that they refuse is not even shown.
func TestLongPolicies_jobOfTheGuide(t *testing.T) {
	t.Parallel()
	acctest.Needs(t, 11, "a function of a provider in the console")
	l := newLab(t, "", embedded)
	dir, tools := t.TempDir(), t.TempDir()
	record := filepath.Join(dir, "kvs-changes.jsonl")
	copies := map[string]string{"main.tf": "shield/main.tf", "policy-data.json": "shield/policy-data.json"}
	for _, policy := range []string{"data.rego", "network.rego", "operations.rego", "plan.rego"} {
		copies["policies/"+policy] = "policies/" + policy
	}
	write := func(name, content string, mode os.FileMode) {
		t.Helper()
		err := os.MkdirAll(filepath.Dir(name), 0o700)
		if err == nil {
			err = os.WriteFile(name, []byte(content), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for to, from := range copies {
		content, err := os.ReadFile(filepath.Join(examplesDir, from))
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(dir, to), recordingTo(record, string(content)), 0o600)
	}
	opa, err := filepath.Abs("../../bin/opa")
	if err == nil {
		err = os.Symlink(opa, filepath.Join(tools, "opa"))
	}
	if err == nil {
		err = os.Symlink(os.Getenv("TF_ACC_TERRAFORM_PATH"), filepath.Join(tools, "terraform"))
	}
	if err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(tools, "gh"), "#!/bin/sh\necho \"$@\" >gh.log\n", 0o700)

	// Open Policy Agent reads YAML.
	var file workflowFile
	workflow := filepath.Join(examplesDir, "shield", "github-actions.yml")
	text, err := exec.CommandContext(t.Context(), opa, "eval", "--format=raw", "--input="+workflow, "input").Output()
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil || file.Jobs["apply"].Needs != "plan" || file.Jobs["apply"].Environment == "" {
		t.Fatalf("the workflow (make policies builds opa): %v\n%s", err, text)
	}
	title := "CHG0012345: a Shield Space"
	bash := func(script string) acctest.Result {
		p := &mishappening{lab: l, process: make(chan *acctest.Process, 1), crash: func() {}}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		command := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", script) // as GitHub runs it
		command.Dir = dir
		command.Env = []string{"PATH=" + tools + ":" + os.Getenv("PATH"), "HOME=" + dir, "CHECKPOINT_DISABLE=1", "TITLE=" + title,
			"PULL_REQUEST=https://github.com/acme/infrastructure/pull/7", "TF_REATTACH_PROVIDERS=" + p.serve(ctx)}
		out, _ := command.CombinedOutput()
		return acctest.Result{Code: command.ProcessState.ExitCode(), Stdout: string(out)}
	}
	carryOut := func(job string) (failed string) {
		t.Helper()
		for _, step := range file.runs(job) {
			if result := bash(step[1]); result.Code != 0 {
				return step[0] + ": " + result.Output()
			}
		}
		return ""
	}

	if failed := carryOut("plan"); failed != "" {
		t.Fatal(failed)
	}
	if sent := l.writes(); len(sent) > 0 {
		t.Errorf("a plan has sent %d writes", len(sent))
	}
	if failed := carryOut("apply"); failed != "" {
		t.Fatal(failed)
	}
	if lines, unanswered := l.recordOf(record); len(unanswered) > 0 || len(lines) != 2*len(l.writes()) {
		t.Errorf("%d lines of %d writes, %v unanswered", len(lines), len(l.writes()), unanswered)
	}
	if verified := bash(file.runs("apply")[2][1]); !strings.Contains(verified.Output(), `"valid" = true`) {
		t.Errorf("the record is not said to be valid:\n%s", verified.Output())
	}

	// the next change is the one in the guide, and its approver sees what the guide says
	config := string(fileOf(t, filepath.Join(dir, "main.tf")))
	change := func(edits ...string) {
		write(filepath.Join(dir, "main.tf"), strings.NewReplacer(edits...).Replace(config), 0o600)
	}
	title = "CHG0012346: a larger store, and another VPN gateway"
	change("shield-7", "shield-9", "198.51.100.17", "198.51.100.18")
	if failed := carryOut("plan"); failed != "" {
		t.Fatal(failed)
	}
	comment := anyUUID.ReplaceAllString(string(fileOf(t, filepath.Join(dir, "comment.md"))), "…")
	comment = regexp.MustCompile(`(credentials_revision +=) \d+`).ReplaceAllString(comment, "$1 …")
	_, shown, _ := strings.Cut(string(fileOf(t, "../../templates/guides/change-control.md.tmpl")), "```text\n")
	shown, _, _ = strings.Cut(shown, "```")
	if !strings.Contains(comment, strings.Trim(shown, "\n")) || !strings.Contains(shown, "shield-9") {
		t.Errorf("the guide shows\n%s\nand the comment is\n%s", shown, comment)
	}
	if !strings.Contains(comment, `"reference": "CHG0012346"`) {
		t.Errorf("the comment lacks the impact:\n%s", comment)
	}

	// one that opens the space is refused before anybody is asked
	change(`"192.0.2.0/24" `, `"0.0.0.0/0"`)
	sent := len(l.writes())
	if failed := carryOut("plan"); !strings.HasPrefix(failed, "Judge: ") || !strings.Contains(failed, "is open to more than") {
		t.Errorf("the space is opened: %q", failed)
	}
	if now := len(l.writes()); now != sent {
		t.Errorf("%d writes were sent", now-sent)
	}
}
