// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"text/template"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// variable is an environment variable.
type variable struct{ name, value string }

// environment returns the variables with which the provider and the tests of this repository find the sandbox.
func environment(s *sandbox.Sandbox) []variable {
	return []variable{
		{"HEROKU_API_URL", s.URL()}, {"HEROKU_DATA_API_URL", s.URL()}, {"HEROKU_API_KEY", s.Token()}, {"KVS_SANDBOX_TEAM", s.Team()},
	}
}

// cliEnvironment returns the additional variables that the Heroku CLI needs.
func cliEnvironment(g guide) []variable {
	return []variable{
		{"HEROKU_HOST", g.URL}, {"HEROKU_DATA_HOST", g.Host}, {"HEROKU_PARTICLEBOARD_URL", g.URL},
		{"DISABLE_TELEMETRY", "true"}, {"HEROKU_SKIP_NEW_VERSION_CHECK", "true"}, {"HEROKU_DISABLE_AUTOUPDATE", "true"},
	}
}

// exports returns the export command for a shell.
func exports(s *sandbox.Sandbox) string {
	line := "export"
	for _, v := range environment(s) {
		line += " " + v.name + "=" + quote(v.value)
	}
	return line
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,-]+$`)

// quote quotes a text as one word of a POSIX shell.
func quote(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

type guide struct {
	URL, Host, Team, Engine, DataDir string
	Miniredis, CLI                   bool
	PID                              int
}

func guideOf(s *sandbox.Sandbox, dataDir string) guide {
	g := guide{URL: s.URL(), Team: s.Team(), Engine: s.Engine(), DataDir: dataDir, PID: os.Getpid()}
	g.Miniredis = g.Engine == "miniredis"
	if base, err := url.Parse(g.URL); err == nil {
		g.Host = base.Hostname()
	}
	// With any other host the Heroku CLI says "Invalid HEROKU_HOST" and sends the token to api.heroku.com.
	g.CLI = g.Host == "127.0.0.1" || g.Host == "localhost"
	return g
}

func describe(w io.Writer, g guide) error { return guideText.Execute(w, g) }

var guideText = template.Must(template.New("guide").Parse(`
A local Heroku runs at {{.URL}}
  page    {{.URL}}/ in a browser shows what is there and what happens, and has the clock and faults
  stores  {{if .Miniredis}}miniredis, within the sandbox: no limits, and nothing that replicates; install valkey or redis to have real servers
{{- else}}{{.Engine}}, one process each{{end}}
  teams   {{.Team}} and {{.Team}}-data
  data    {{if .DataDir}}kept in {{.DataDir}}; start with the same --data-dir to continue{{else}}gone when it stops; --data-dir keeps it{{end}}

Terraform or OpenTofu (` + "`make install`" + ` puts the provider where they find it), with the line below in the environment:

  terraform {
    required_providers {
      kvs = { source = "terraform-kvs/kvs" }
    }
  }

  provider "kvs" {
    api_url      = "{{.URL}}"
    data_api_url = "{{.URL}}"
    # api_key comes from HEROKU_API_KEY
  }
{{if .CLI}}
Heroku CLI, in a shell that has the line below, too:

  export HEROKU_HOST={{.URL}} HEROKU_DATA_HOST={{.Host}} HEROKU_PARTICLEBOARD_URL={{.URL}} \
    DISABLE_TELEMETRY=true HEROKU_SKIP_NEW_VERSION_CHECK=true HEROKU_DISABLE_AUTOUPDATE=true
  heroku apps:create my-app && heroku addons:create heroku-redis:mini -a my-app
{{else}}
The Heroku CLI works with 127.0.0.1 and localhost only: with this address it would send the token to Heroku.
{{end}}
It writes a journal of requests and a ledger of stores and spaces: see internal/sandbox/README.md.
Ctrl-C (or kill {{.PID}}) stops it and every server that it started.

`))
