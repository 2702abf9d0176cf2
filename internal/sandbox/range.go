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

// listing is the result of a list handler. The response has the page of it that the Range header asks for.
type listing struct {
	fields []string // values of Accept-Ranges; the first is the default
	items  []object
}

// key returns the value of a field by which objects are ordered. The name of a process is its type.
func (o object) key(field string) string {
	if field == "name" && o["name"] == nil {
		field = "type"
	}
	return fmt.Sprint(o[field])
}

const maxPageSize = 1000

// pageRange is a parsed Range header: "<field> <first>..<last>; max=<n>, order=<asc|desc>".
type pageRange struct {
	field       string
	first, last string
	after       bool // "]first" = exclusive
	max         int
	desc        bool
}

var (
	rangePattern  = regexp.MustCompile(`^\s*([a-z_]+)(?:\s+(\]?)([^;\s]*?)\.\.([^;\s]*?))?\s*(?:;(.*))?$`)
	rangeMember   = regexp.MustCompile(`^(max|order)\s*=\s*(\w+)$`)
	rangeSplitter = regexp.MustCompile(`[;,]`)
)

func parseRange(header string, fields []string, size int) (pageRange, error) {
	limit := maxPageSize
	if size > 0 {
		limit = min(size, maxPageSize)
	}
	p := pageRange{field: fields[0], max: cmp.Or(min(size, maxPageSize), defaultPageSize)}
	if strings.TrimSpace(header) == "" {
		return p, nil
	}
	bad := refuse(http.StatusRequestedRangeNotSatisfiable, "requested_range_not_satisfiable",
		"Invalid `Range` header. Please use format like `%s ..; max=%d, order=desc`; the fields are %s.",
		fields[0], p.max, strings.Join(fields, ", "))
	m := rangePattern.FindStringSubmatch(header)
	if m == nil || !slices.Contains(fields, m[1]) {
		return pageRange{}, bad
	}
	p.field, p.after, p.first, p.last = m[1], m[2] == "]", m[3], m[4]
	for _, member := range rangeSplitter.Split(m[5], -1) {
		if member = strings.TrimSpace(member); member == "" {
			continue
		}
		kv := rangeMember.FindStringSubmatch(member)
		switch {
		case kv == nil:
			return pageRange{}, bad
		case kv[1] == "order" && (kv[2] == "asc" || kv[2] == "desc"):
			p.desc = kv[2] == "desc"
		case kv[1] == "max":
			n, err := strconv.Atoi(kv[2])
			if err != nil || n < 1 {
				return pageRange{}, bad
			}
			p.max = min(n, limit)
		default:
			return pageRange{}, bad
		}
	}
	return p, nil
}

// compareKeys compares two keys as numbers if both are numbers, such as release versions, and as text otherwise.
func compareKeys(a, b string) int {
	n, errA := strconv.Atoi(a)
	m, errB := strconv.Atoi(b)
	if errA == nil && errB == nil {
		return cmp.Compare(n, m)
	}
	return cmp.Compare(a, b)
}

// paginate returns the page that a Range header asks for. The status is 206 with a Next-Range header, or 200 if the page ends the list.
func (l listing) paginate(header string, size int, effect Effect) (status int, h http.Header, items []object, err error) {
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
	// compareTo is positive if x comes after the bound in the requested order, and 0 if its key equals the bound.
	compareTo := func(x object, bound string) int { return sign * compareKeys(x.key(p.field), bound) }
	all := slices.SortedFunc(slices.Values(l.items), order)
	if p.last != "" {
		all = slices.DeleteFunc(all, func(x object) bool { return compareTo(x, p.last) > 0 })
	}
	from := 0
	if p.first != "" {
		from = slices.IndexFunc(all, func(x object) bool {
			c := compareTo(x, p.first)
			return c > 0 || c == 0 && !p.after
		})
		if from < 0 {
			from = len(all)
		}
	}
	repeats := effect.DuplicatePage && p.after
	switch {
	case effect.EndlessPages:
		from = 0
	case repeats:
		from = max(0, from-p.max)
	}
	to := min(len(all), from+p.max)
	for to > from && to < len(all) && all[to].key(p.field) == all[to-1].key(p.field) {
		to++ // the next page begins after the last key, so all objects with this key must be on this page
	}
	items = append([]object{}, all[from:to]...) // encoded as [] instead of null

	h = http.Header{"Accept-Ranges": {strings.Join(l.fields, ", ")}}
	bounds := ".."
	if len(items) > 0 {
		bounds = items[0].key(p.field) + ".." + items[len(items)-1].key(p.field)
	}
	h.Set("Content-Range", fmt.Sprintf("%s %s; max=%d", p.field, bounds, p.max))
	if to == len(all) && !repeats && !effect.EndlessPages {
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
