// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// listing is the result of a list handler. The answer is the page of it that the Range header asks for.
type listing struct {
	fields []string // Accept-Ranges; the first is the default
	items  []object
}

// key is what an object is ordered by. The name of a process is its type.
func (o object) key(field string) string {
	if field == "name" && o["name"] == nil {
		field = "type"
	}
	return fmt.Sprint(o[field])
}

const maxPageSize = 1000

// page is a parsed Range header: "<field> <first>..<last>; max=<n>, order=<asc|desc>".
type page struct {
	field       string
	first, last string
	after       bool // "]first": strictly after
	max         int
	desc        bool
}

var (
	rangePattern  = regexp.MustCompile(`^\s*([a-z_]+)(?:\s+(\]?)([^;\s]*?)\.\.([^;\s]*?))?\s*(?:;(.*))?$`)
	rangeMember   = regexp.MustCompile(`^(max|order)\s*=\s*(\w+)$`)
	rangeSplitter = regexp.MustCompile(`[;,]`)
)

func parseRange(header string, fields []string, size int) (page, error) {
	limit := maxPageSize
	if size > 0 {
		limit = min(size, maxPageSize)
	}
	p := page{field: fields[0], max: cmp.Or(min(size, maxPageSize), defaultPageSize)}
	if strings.TrimSpace(header) == "" {
		return p, nil
	}
	bad := refuse(http.StatusRequestedRangeNotSatisfiable, "requested_range_not_satisfiable",
		"Invalid `Range` header. Please use format like `%s ..; max=%d, order=desc`; the fields are %s.",
		fields[0], p.max, strings.Join(fields, ", "))
	m := rangePattern.FindStringSubmatch(header)
	if m == nil || !slices.Contains(fields, m[1]) {
		return page{}, bad
	}
	p.field, p.after, p.first, p.last = m[1], m[2] == "]", m[3], m[4]
	for _, member := range rangeSplitter.Split(m[5], -1) {
		if member = strings.TrimSpace(member); member == "" {
			continue
		}
		kv := rangeMember.FindStringSubmatch(member)
		switch {
		case kv == nil:
			return page{}, bad
		case kv[1] == "order" && (kv[2] == "asc" || kv[2] == "desc"):
			p.desc = kv[2] == "desc"
		case kv[1] == "max":
			n, err := strconv.Atoi(kv[2])
			if err != nil || n < 1 {
				return page{}, bad
			}
			p.max = min(n, limit)
		default:
			return page{}, bad
		}
	}
	return p, nil
}

// compareKeys orders by number where both are numbers (versions), else by text.
func compareKeys(a, b string) int {
	n, errA := strconv.Atoi(a)
	m, errB := strconv.Atoi(b)
	if errA == nil && errB == nil {
		return cmp.Compare(n, m)
	}
	return cmp.Compare(a, b)
}

// cut returns the page that a Range header asks for: 200 with the rest of the list, or 206 with a Next-Range.
func (l listing) cut(header string, size int, effect Effect) (status int, h http.Header, items []object, err error) {
	p, err := parseRange(header, l.fields, size)
	if err != nil {
		return 0, nil, nil, err
	}
	sign := 1
	if p.desc {
		sign = -1
	}
	order := func(a, b object) int {
		return sign * cmp.Or(compareKeys(a.key(p.field), b.key(p.field)), compareKeys(a.key("id"), b.key("id")))
	}
	// beyond: x comes after the bound in the order asked for (0 = is the bound).
	beyond := func(x object, bound string) int { return sign * compareKeys(x.key(p.field), bound) }
	all := slices.SortedFunc(slices.Values(l.items), order)
	if p.last != "" {
		all = slices.DeleteFunc(all, func(x object) bool { return beyond(x, p.last) > 0 })
	}
	from := 0
	if p.first != "" {
		from = slices.IndexFunc(all, func(x object) bool {
			c := beyond(x, p.first)
			return c > 0 || c == 0 && !p.after
		})
		if from < 0 {
			from = len(all)
		}
	}
	again := effect.DuplicatePage && p.after
	switch {
	case effect.EndlessPages:
		from = 0
	case again:
		from = max(0, from-p.max)
	}
	to := min(len(all), from+p.max)
	for to > from && to < len(all) && all[to].key(p.field) == all[to-1].key(p.field) {
		to++ // a page that ended between two of one key would be continued after both
	}
	items = append([]object{}, all[from:to]...) // [] rather than null

	h = http.Header{"Accept-Ranges": {strings.Join(l.fields, ", ")}}
	bounds := ".."
	if len(items) > 0 {
		bounds = items[0].key(p.field) + ".." + items[len(items)-1].key(p.field)
	}
	h.Set("Content-Range", fmt.Sprintf("%s %s; max=%d", p.field, bounds, p.max))
	if to == len(all) && !again && !effect.EndlessPages {
		return http.StatusOK, h, items, nil
	}
	next := p.first
	if len(items) > 0 {
		next = items[len(items)-1].key(p.field)
	}
	text := fmt.Sprintf("%s ]%s..%s; max=%d", p.field, next, p.last, p.max)
	if p.desc {
		text += ",order=desc"
	}
	h.Set("Next-Range", text)
	return http.StatusPartialContent, h, items, nil
}
