// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package keyvalue

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// PrimaryAttachment is the attachment name of an app's primary store, whose config var is REDIS_URL.
const PrimaryAttachment = "REDIS"

const configVarSuffix = "_URL"

var (
	addOnNamePattern      = regexp.MustCompile(`^[a-zA-Z][A-Za-z0-9_-]+$`)
	appNamePattern        = regexp.MustCompile(`^[a-z][a-z0-9-]{1,28}[a-z0-9]$`)
	idPattern             = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	attachmentNamePattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
)

// ValidateAddOnName checks the name of a store against the pattern of the Platform API reference, add-ons.
func ValidateAddOnName(s string) error {
	if addOnNamePattern.MatchString(s) {
		return nil
	}
	return fmt.Errorf(
		"%q cannot be the name of an add-on, which starts with a letter and goes on with one or more letters, digits, dashes or underscores: "+
			"write for example \"acme-cache\"", s)
}

// IsUUID reports whether s is an id in Heroku's form: a UUID in lower case, with hyphens.
func IsUUID(s string) bool { return idPattern.MatchString(s) }

// ValidateAppName checks the name of an app against the pattern of the Platform API reference, apps.
func ValidateAppName(s string) error {
	if appNamePattern.MatchString(s) {
		return nil
	}
	example := "acme-web"
	if folded := strings.ToLower(strings.Trim(s, " ")); appNamePattern.MatchString(folded) {
		example = folded
	}
	return fmt.Errorf("%q cannot be the name of an app, which has 3 to 30 lower-case letters, digits and dashes, starts with a letter "+
		"and does not end with a dash: write for example %q", s, example)
}

// ValidateAttachmentName checks the name of an attachment against the pattern of the Platform API reference,
// add-on attachments. Heroku converts names to upper case; here lower case is refused, since a name that reads back
// differently would differ in every plan. A name that ends in _URL is refused too: Heroku would append another _URL.
func ValidateAttachmentName(s string) error {
	base := strings.ToUpper(s)
	for AttachmentOfConfigVar(base) != "" {
		base = AttachmentOfConfigVar(base)
	}
	if attachmentNamePattern.MatchString(s) {
		if base == s {
			return nil
		}
		return fmt.Errorf("%q as the name of an attachment would give the config var %s: write for example %q, which gives the config var %s",
			s, ConfigVar(s), base, ConfigVar(base))
	}
	example := "CACHE"
	if attachmentNamePattern.MatchString(base) {
		example = base
	}
	return fmt.Errorf(
		"%q cannot be the name of an attachment, which starts with an upper-case letter and goes on with one or more upper-case letters, "+
			"digits or underscores: write for example %q, which gives the config var %s", s, example, ConfigVar(example))
}

// StoreName is the name for the n-th store, from 0, that a configuration creates without a name for this app and attachment
// name ("" if Heroku chooses that): "kvs-" and 12 characters. It is always the same for the same arguments, so that after a
// lost response or a crash the store is found by its name, and not created again.
func StoreName(appID, attachment string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", appID, attachment, n))
	return "kvs-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:12])
}

// LastingName is the permanent name of a store that was created without a name. It is derived from the store's id.
func LastingName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "kvs-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:14])
}

// ConfigVar returns the config var that an attachment sets on its app: CACHE sets CACHE_URL.
func ConfigVar(attachmentName string) string { return attachmentName + configVarSuffix }

// AttachmentOfConfigVar returns the name of the attachment that sets a config var: CACHE for CACHE_URL, or "" if none does.
func AttachmentOfConfigVar(v string) string {
	if name, ok := strings.CutSuffix(v, configVarSuffix); ok && attachmentNamePattern.MatchString(name) {
		return name
	}
	return ""
}

// FirstAttachment returns the primary attachment, or else the first in alphabetical order, since the API guarantees no order. It
// returns "" if there are no names.
func FirstAttachment(names []string) string {
	switch {
	case len(names) == 0:
		return ""
	case slices.Contains(names, PrimaryAttachment):
		return PrimaryAttachment
	}
	return slices.Min(names)
}

// AttachmentNames is the reverse of ConfigVar for the config vars of one add-on, in the same order. It skips variables that
// do not end in _URL, such as those for bastion hosts: their attachments have a URL as well.
func AttachmentNames(configVars []string) []string {
	var names []string
	for _, v := range configVars {
		if name := AttachmentOfConfigVar(v); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// attachmentVars are the suffixes of the config vars of an attachment (Platform API reference, what the variables contain).
var attachmentVars = []string{configVarSuffix, "_TLS_URL", "_BASTIONS", "_BASTION_KEY", "_BASTION_REKEYS_AFTER"}

// VarsOf returns the config vars that belong to one attachment of an add-on, or all of the add-on's if attachment is empty.
func VarsOf(attachment string, configVars []string) []string {
	if attachment == "" {
		return configVars
	}
	var vars []string
	for _, suffix := range attachmentVars {
		if slices.Contains(configVars, attachment+suffix) {
			vars = append(vars, attachment+suffix)
		}
	}
	return vars
}
