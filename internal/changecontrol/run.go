// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package changecontrol

import (
	"net/url"
	"strings"
	"unicode"
)

// Run is the run of a CI system, as that names it in the environment.
type Run struct {
	System string `json:"system"`
	ID     string `json:"id,omitempty"`
	URL    string `json:"url,omitempty"` // without user, password, query and fragment
}

// RunFrom finds the run that this process is a part of; nil outside of the systems that it knows. HCP Terraform comes first,
// since its runs may be started from within one of the others.
func RunFrom(getenv func(string) string) *Run {
	if id := plain(getenv("TFC_RUN_ID")); id != "" {
		return &Run{System: "hcp_terraform", ID: id}
	}
	if id := plain(getenv("GITHUB_RUN_ID")); id != "" {
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

const longestText = 500

// plain is an id of the environment; what does not look like one counts as none.
func plain(s string) string {
	strange := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar }
	if len(s) > longestText || strings.ContainsFunc(s, strange) {
		return ""
	}
	return s
}

// publicURL leaves out every part of a URL that may hold a secret. What is no URL of the web counts as none.
func publicURL(s string) string {
	u, err := url.Parse(plain(s))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
