// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package faultmatrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/terraform-kvs/terraform-provider-kvs/internal/sandbox"
)

// The invariant of the workflows: the facts at the end are those of the configuration, and each fact that holds before the workflow
// and in the configuration holds at each moment in between. workflow_invariant_test.go tests it.

// The clauses of the invariant.
const (
	finalVars     = "final config vars"
	finalRanges   = "final ranges"
	finalSettings = "final settings"
	finalObjects  = "final objects"
	alwaysVars    = "config vars in between"
	neverOpen     = "closed in between"
	alwaysThere   = "objects in between"
	alwaysSet     = "settings in between"
	handMade      = "hand-made config vars"
)

// facts returns the facts of a moment, as workflows declare them. It leaves out Heroku's defaults.
func facts(m sandbox.Moment) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for name, app := range m.Apps {
		add("app %s", name)
		optional := map[string]string{"region": app.Region, "team": app.Team, "space": app.Space}
		if app.Region == "us" || app.Space != "" {
			delete(optional, "region")
		}
		if app.Space != "" {
			delete(optional, "team")
		}
		for what, value := range optional {
			if value != "" {
				add("app %s %s %s", name, what, value)
			}
		}
		if app.Maintenance {
			add("app %s maintenance", name)
		}
		if app.InternalRouting {
			add("app %s internal routing", name)
		}
		for process, dynos := range app.Formation {
			if dynos != "1 Standard-1X" && dynos != "1 Private-S" {
				add("app %s runs %s on %s", name, process, dynos)
			}
		}
		for variable, store := range app.ConfigVars {
			if store != "" {
				add("app %s has %s of %s", name, variable, store)
			}
		}
	}
	for name, space := range m.Spaces {
		add("space %s", name)
		add("space %s team %s", name, space.Team)
		add("space %s region %s", name, space.Region)
		add("space %s admits %s", name, strings.Join(space.Ranges, " "))
		for _, email := range space.CreateApps {
			add("space %s lets %s create apps", name, email)
		}
		if space.Shield {
			add("space %s shield", name)
		}
		if space.LogDrain != "" {
			add("space %s drain %s", name, space.LogDrain)
		}
	}
	for name, store := range m.Stores {
		add("store %s", name)
		add("store %s plan %s", name, store.Plan)
		add("store %s app %s", name, store.App)
		if store.Timeout != 300 {
			add("store %s timeout %d", name, store.Timeout)
		}
		if store.MaxmemoryPolicy != "noeviction" {
			add("store %s policy %s", name, store.MaxmemoryPolicy)
		}
		if store.NotifyKeyspaceEvents != "" {
			add("store %s events %s", name, store.NotifyKeyspaceEvents)
		}
		if !strings.HasPrefix(store.Version, "7.2") {
			add("store %s version %s", name, store.Version)
		}
		window, _, _ := strings.Cut(store.Window, " to ")
		add("store %s window %s", name, window)
	}
	slices.Sort(all)
	return all
}

// identities returns the ids of the objects of a moment, by their facts.
func identities(m sandbox.Moment) map[string]string {
	all := map[string]string{}
	for name, app := range m.Apps {
		all["app "+name] = app.ID
	}
	for name, space := range m.Spaces {
		all["space "+name] = space.ID
	}
	for name, store := range m.Stores {
		all["store "+name] = store.ID
	}
	return all
}

// clause returns the clause that a fact belongs to, for the end or for the moments in between.
func clause(fact string, end bool) string {
	words := strings.Fields(fact)
	last, between := finalSettings, alwaysSet
	switch {
	case len(words) == 2:
		last, between = finalObjects, alwaysThere
	case words[0] == "app" && words[2] == "has":
		last, between = finalVars, alwaysVars
	case words[0] == "space" && words[2] == "admits":
		last, between = finalRanges, neverOpen
	}
	if end {
		return last
	}
	return between
}

const internet = "0.0.0.0/0"

// breach is a violation of a clause.
type breach struct{ clause, text string }

func (b breach) String() string { return b.clause + ": " + b.text }

// wanted are the expected facts of a configuration, and what its plan allows to change in between.
type wanted struct {
	facts  []string // all expected facts; the window of a store only if it is managed
	either []string // facts that may hold at the end or not
	may    []string // beginnings of facts that may not hold, or of objects that may be replaced, in between; "*" for all
}

// mayChange reports whether the plan allows a fact to change in between.
func (w wanted) mayChange(fact string) bool {
	return slices.ContainsFunc(w.may, func(beginning string) bool { return strings.HasPrefix(fact+" ", beginning+" ") || beginning == "*" })
}

// withoutUnmanagedWindows removes the windows of stores for which no expected fact has a window.
func withoutUnmanagedWindows(facts []string, said ...[]string) []string {
	return slices.DeleteFunc(slices.Clone(facts), func(fact string) bool {
		words := strings.Fields(fact)
		if words[0] != "store" || len(words) < 3 || words[2] != "window" {
			return false
		}
		beginning := strings.Join(words[:3], " ")
		return !slices.ContainsFunc(slices.Concat(said...), func(f string) bool { return strings.HasPrefix(f, beginning) })
	})
}

// judge checks the invariant. The first of the moments is the one before the workflow.
func judge(moments []sandbox.Moment, want wanted) []breach {
	var found []breach
	first, last := moments[0], moments[len(moments)-1]
	before, end := withoutUnmanagedWindows(facts(first), want.facts), withoutUnmanagedWindows(facts(last), want.facts)
	for _, fact := range want.facts {
		if !slices.Contains(end, fact) {
			found = append(found, breach{clause(fact, true), "in the end there is no: " + fact})
		}
	}
	for _, fact := range end {
		if !slices.Contains(want.facts, fact) && !slices.Contains(want.either, fact) {
			found = append(found, breach{clause(fact, true), "in the end there is, and should not be: " + fact})
		}
	}
	lasting := slices.DeleteFunc(slices.Clone(before), func(fact string) bool {
		return !slices.Contains(want.facts, fact) ||
			want.mayChange(fact)
	})
	known := identities(first)
	for _, moment := range moments {
		now, present := facts(moment), identities(moment)
		for _, fact := range lasting {
			if !slices.Contains(now, fact) {
				found = append(found, breach{clause(fact, false), fmt.Sprintf("after %s there was no: %s", moment.After, fact)})
			}
			if id := present[fact]; id != "" && id != known[fact] {
				found = append(found, breach{alwaysThere, fmt.Sprintf("after %s there was another one: %s", moment.After, fact)})
			}
		}
		found = append(found, strays(moment, first, want)...)
		found = append(found, opened(moment, first, want)...)
		found = append(found, overwritten(moment, first, want)...)
	}
	slices.SortStableFunc(found, func(a, b breach) int { return strings.Compare(a.clause, b.clause) })
	return slices.Compact(found)
}

// strays finds settings of existing objects that are neither in the first moment nor expected. Facts leave out defaults, so a setting
// that differs from its default in between is an additional fact, not a missing one.
func strays(moment, first sandbox.Moment, want wanted) []breach {
	var found []breach
	before, known := facts(first), identities(first)
	for _, fact := range facts(moment) {
		words := strings.Fields(fact)
		_, old := known[strings.Join(words[:2], " ")]
		if old && clause(fact, false) == alwaysSet && words[2] != "window" && !slices.Contains(before, fact) &&
			!slices.Contains(want.facts, fact) && !want.mayChange(fact) {
			found = append(found, breach{alwaysSet, fmt.Sprintf("after %s there was: %s", moment.After, fact)})
		}
	}
	return found
}

// opened finds spaces that admit the whole internet, although they did not before and are not expected to. It leaves out new spaces,
// which are open until their ranges are set.
func opened(moment, first sandbox.Moment, want wanted) []breach {
	var found []breach
	for name, space := range moment.Spaces {
		former, old := first.Spaces[name]
		said := fmt.Sprintf("space %s admits %s", name, internet)
		if old && former.ID == space.ID && slices.Contains(space.Ranges, internet) && !slices.Contains(former.Ranges, internet) &&
			!slices.Contains(want.facts, said) && !want.mayChange(said) {
			found = append(found, breach{neverOpen, fmt.Sprintf("after %s the space %s admitted the internet", moment.After, name)})
		}
	}
	return found
}

// overwritten finds config vars that somebody has set by hand and that have changed, in apps that still exist.
func overwritten(moment, first sandbox.Moment, want wanted) []breach {
	var found []breach
	for name, app := range first.Apps {
		for variable, store := range app.ConfigVars {
			now, set := "", false
			for _, present := range moment.Apps {
				if present.ID == app.ID {
					now, set = present.ConfigVars[variable]
				}
			}
			if store == "" && (!set || now != "") && !want.mayChange("app "+name+" has "+variable) && !want.mayChange("app "+name) {
				found = append(found, breach{handMade, fmt.Sprintf("after %s the app %s had no more its own %s", moment.After, name, variable)})
			}
		}
	}
	return found
}
