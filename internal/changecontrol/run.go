// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"net/url"
	"strings"
	"unicode"
)

// Run is a run of a CI system, as its environment variables describe it.
type Run struct {
	System string `json:"system"`
	ID     string `json:"id,omitempty"`
	URL    string `json:"url,omitempty"` // without user, password, query and fragment
}

// RunFrom returns the CI run that this process is part of, or nil outside of the known systems. HCP Terraform comes first,
// because the other systems may start its runs.
func RunFrom(getenv func(string) string) *Run {
	if id := plainID(getenv("TFC_RUN_ID")); id != "" {
		return &Run{System: "hcp_terraform", ID: id}
	}
	if id := plainID(getenv("GITHUB_RUN_ID")); id != "" {
		run := &Run{System: "github_actions", ID: id}
		if server, repository := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"); server != "" && repository != "" {
			run.URL = publicURL(strings.TrimRight(server, "/") + "/" + repository + "/actions/runs/" + id)
		}
		return run
	}
	if job := publicURL(getenv("CI_JOB_URL")); job != "" {
		return &Run{System: "gitlab", URL: job}
	}
	if build := publicURL(getenv("BUILD_URL")); build != "" {
		return &Run{System: "jenkins", URL: build}
	}
	return nil
}

const maxTextLength = 500

// plainID returns s, or "" if it is too long for an id or has spaces or control characters.
func plainID(s string) string {
	strange := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar }
	if len(s) > maxTextLength || strings.ContainsFunc(s, strange) {
		return ""
	}
	return s
}

// publicURL removes every part of a URL that may hold a secret. It returns "" for anything but http and https URLs.
func publicURL(s string) string {
	u, err := url.Parse(plainID(s))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
