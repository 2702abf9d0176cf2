// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

// changePlan changes the plan of the add-on at once, which stays provisioned. The plan of its store changes when the copy is done.
func (c *call) changePlan(a *addOn, ref string) (message string, err error) {
	plan, err := c.w.orderedPlan(ref, c.w.Apps[a.App])
	if err != nil {
		return "", err
	}
	from, _ := a.Plan.Class()
	switch {
	case plan.Name == a.Plan:
		return "", nil
	case plan.Class != from:
		return "", invalid("Cannot change the plan of %s from %s to %s: they run in different networks.", a.Name, a.Plan.Wire(), plan.Name.Wire())
	case a.State == stateProvisioning:
		return "", unprocessable("Add-on %s is being provisioned. Please try again later.", a.Name)
	case a.State != stateProvisioned:
		return "", unprocessable("Add-on %s cannot be changed: it is %s.", a.Name, a.State)
	case a.Store.Busy != "":
		return "", a.Store.busy(a.Name)
	}
	e := event{Kind: planChanged, AddOn: a.ID, Due: c.now.Add(c.s.options.Provisioning), Server: c.w.uuid(), Password: c.w.password()}
	if c.effect.PlanChange == stuck {
		e.HeldBy = c.fault
	}
	c.w.addEvent(e)
	a.Plan, a.Store.Busy = plan.Name, busyUpgrade
	c.w.updateLedger(a.ID, func(l *LedgerEntry) { l.Plan = plan.Name.Wire() })
	c.s.startSuccessor(a, e)
	return "The Heroku Data for Redis instance is in the process of being upgraded.\n" +
		"The time it takes to upgrade is dependent on how much data exists in the instance.", nil
}
