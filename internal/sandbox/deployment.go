// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// firstDeployment is what every app has from the start, unless Options.Undeployed.
var firstDeployment = []string{"web", "worker"}

// Deploy replaces the process types of an app, as the deployment of another Procfile does: a type that it had before keeps
// its scale, a new one has one dyno. There is one release; nothing runs.
func (s *Sandbox) Deploy(appRef string, types ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := find(s.world.Apps, appRef, (*app).name)
	if a == nil {
		return fmt.Errorf("deploying: there is no app %q", appRef)
	}
	s.world.deploy(a, s.world.Users[a.Owner], s.clock.Now(), types)
	return s.save()
}

func (w *world) deploy(a *app, by *user, now time.Time, types []string) {
	size := "Standard-1X"
	if a.Space != "" {
		size = "Private-S" // also in a Shield Space, where only the CLI says Shield
	}
	var formation []process
	for _, t := range types {
		if i := slices.IndexFunc(a.Formation, func(p process) bool { return p.Type == t }); i >= 0 {
			formation = append(formation, a.Formation[i])
			continue
		}
		formation = append(formation, process{ID: w.uuid(), Type: t, Command: "bin/" + t, Size: size, Quantity: 1,
			CreatedAt: now, UpdatedAt: now})
	}
	a.Formation, a.Slug = formation, w.uuid()
	w.release(a, "Deploy "+a.Slug[:8], by, now)
}
