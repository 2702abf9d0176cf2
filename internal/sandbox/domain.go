// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// domain is a custom domain of an app. It is stored, and no traffic is routed.
type domain struct {
	ID, Hostname         string
	CreatedAt, UpdatedAt time.Time
}

var hostnamePattern = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)

func (a *app) webHost() string { return strings.Trim(strings.TrimPrefix(a.WebURL, "https://"), "/") }

// domains returns all domains of an app: first the one that Heroku provides, then the custom ones.
func (a *app) domains() []domain {
	own := domain{ID: catalogueID("domain " + a.ID), Hostname: a.webHost(), CreatedAt: a.CreatedAt, UpdatedAt: a.CreatedAt}
	return append([]domain{own}, a.Domains...)
}

func domainBody(a *app, d domain) object {
	b := object{
		"id": d.ID, "hostname": d.Hostname, "kind": "heroku", "cname": nil, "status": "succeeded", "app": a.idName(),
		"acm_status": nil, "acm_status_reason": nil, "sni_endpoint": nil,
		"created_at": stamp(d.CreatedAt), "updated_at": stamp(d.UpdatedAt),
	}
	if d.Hostname != a.webHost() {
		b["kind"], b["cname"] = "custom", strings.ReplaceAll(strings.TrimPrefix(d.Hostname, "*."), ".", "-")+"-"+d.ID[:8]+".herokudns.com"
		if a.ACM {
			b["acm_status"] = "pending" // the domain cannot be verified, because it does not resolve to the app
		}
	}
	return b
}

func listDomains(_ *call, a *app) (any, error) {
	return listAll(a.domains(), func(d domain) object { return domainBody(a, d) }, "hostname", "id"), nil
}

// pathDomain finds the domain in the path by id or host name.
func (c *call) pathDomain(a *app) (domain, error) {
	ref := c.PathValue("domain")
	for _, d := range a.domains() {
		if d.ID == ref || d.Hostname == ref {
			return d, nil
		}
	}
	return domain{}, notFound("domain", "domain name")
}

func getDomain(c *call, a *app) (any, error) {
	d, err := c.pathDomain(a)
	if err != nil {
		return nil, err
	}
	return domainBody(a, d), nil
}

type domainParams struct {
	Hostname    string  `json:"hostname"`
	SNIEndpoint *string `json:"sni_endpoint"`
}

func createDomain(c *call, a *app, in domainParams) (any, error) {
	hostname := strings.ToLower(in.Hostname)
	if !hostnamePattern.MatchString(hostname) {
		return nil, invalid("%q is not a valid domain name.", in.Hostname)
	}
	if in.SNIEndpoint != nil {
		return nil, notFound("sni_endpoint", "SNI endpoint")
	}
	for _, other := range c.w.Apps {
		if slices.ContainsFunc(other.domains(), func(d domain) bool { return d.Hostname == hostname }) {
			return nil, invalid("%s is currently in use by another app.", hostname)
		}
	}
	d := domain{ID: c.w.uuid(), Hostname: hostname, CreatedAt: c.now, UpdatedAt: c.now}
	a.Domains = append(a.Domains, d)
	return domainBody(a, d), nil
}

// updateDomain sets the SNI endpoint of a domain. Only null is accepted, because there are no SNI endpoints.
func updateDomain(c *call, a *app, in struct {
	SNIEndpoint *string `json:"sni_endpoint"`
}) (any, error) {
	d, err := c.pathDomain(a)
	switch {
	case err != nil:
		return nil, err
	case in.SNIEndpoint != nil:
		return nil, notFound("sni_endpoint", "SNI endpoint")
	}
	return domainBody(a, d), nil
}

func deleteDomain(c *call, a *app) (any, error) {
	d, err := c.pathDomain(a)
	switch {
	case err != nil:
		return nil, err
	case d.Hostname == a.webHost():
		return nil, invalid("%s cannot be removed: it is the app's own domain.", d.Hostname)
	}
	a.Domains = slices.DeleteFunc(a.Domains, func(other domain) bool { return other.ID == d.ID })
	return domainBody(a, d), nil
}
